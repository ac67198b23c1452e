"""Every example workflow opens as saved and runs, at small size: with the stand-in weights, or with
those that ship with the pack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from adk_tests.integration.graphs import Graph, frames_of, run
from adk_tests.stand_in import files as stand_in
from adk_tests.stand_in.controlnet import write_controlnet
from animatediff_kit.launcher import comfyui, workflow
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.server import Server

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "example_workflows").glob("*.json"))
VIDEO, CONTROLNET = "example_input.mp4", "example_canny.safetensors"
FRAMES, SIZE = 20, 32

SMALL: dict[tuple[str, str], Any] = {
    # besides tests/stand_in/files.py's overrides
    ("EmptyLatentImage", "width"): SIZE,
    ("EmptyLatentImage", "height"): SIZE,
    ("EmptyLatentImage", "batch_size"): FRAMES,
    ("ImageScale", "width"): SIZE,
    ("ImageScale", "height"): SIZE,
    ("KSampler", "steps"): 1,
    ("BasicScheduler", "steps"): 1,
    ("ADK_PromptTravel", "frames"): FRAMES,
    ("ADK_PreviewWindows", "frames"): FRAMES,
    ("LoadVideo", "file"): VIDEO,
    ("ControlNetLoader", "control_net_name"): CONTROLNET,
}

TRAINING = ("train_motion_lora", "fine_tune_motion_module")
SMALL_WORLD = {"small_world": 16, "small_world_camera": 64, "small_world_strength": 28}
"""Examples that need no files of the user's -> their frames."""

SMALL_TRAINING: dict[tuple[str, str], Any] = {
    # stills that a camera can move over at the training size
    ("EmptyLatentImage", "width"): 112,
    ("EmptyLatentImage", "height"): 112,
    ("EmptyLatentImage", "batch_size"): 2,
    ("ADK_CameraMove", "width"): 64,
    ("ADK_CameraMove", "height"): 64,
    ("ADK_CameraMove", "frames"): 2,
    ("ADK_TrainingSettings", "steps"): 1,
    ("ADK_TrainMotionLoRA", "rank"): 2,
}

example = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
ANIMATIONS = [path for path in FILES if path.stem not in (*TRAINING, *SMALL_WORLD)]
animation = pytest.mark.parametrize("path", ANIMATIONS, ids=[path.stem for path in ANIMATIONS])


def as_saved(path: Path, server: Server) -> Graph:
    graph = Graph()
    graph.prompt = workflow.to_prompt(workflow.load(path), server.client.object_info())
    return graph


def shrunk(path: Path, server: Server, small: dict[tuple[str, str], Any] | None = None) -> Graph:
    """An example with files that exist, at a size for two cores."""
    graph = Graph()
    graph.prompt = stand_in.overridden(as_saved(path, server).prompt)
    for node in graph.prompt.values():
        for (kind, name), value in {**SMALL, **(small or {})}.items():
            if node["class_type"] == kind:
                assert name in node["inputs"]
                node["inputs"][name] = value
    return graph


@pytest.fixture(scope="module", autouse=True)
def files(server: Server) -> Iterator[None]:
    """A video in ComfyUI's input folder, and a ControlNet."""
    video = server.base / "input" / VIDEO
    network = server.base / "models" / "controlnet" / CONTROLNET
    network.parent.mkdir(parents=True, exist_ok=True)
    draw_video(video)
    write_controlnet(network, seed=4)
    yield
    video.unlink()
    network.unlink()


def draw_video(path: Path) -> None:
    """A white square that moves over black, one pixel a frame."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("h264", rate=8)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for place in range(FRAMES):
            picture = numpy.zeros((64, 64, 3), dtype=numpy.uint8)
            picture[20:44, place + 8 : place + 32] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def pictures_of(path: Path) -> list[bytes]:
    """The frames of an MP4."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").tobytes() for frame in container.decode(video=0)]


@animation
def test_an_example_runs_and_its_frames_differ(server: Server, path: Path) -> None:
    graph = shrunk(path, server)
    done = run(server, graph)
    (webp,), (mp4,) = (done.files(ending).values() for ending in (".webp", ".mp4"))
    frames = frames_of(webp)
    assert len(frames) == FRAMES and len(set(frames)) == FRAMES
    assert len(pictures_of(mp4)) == FRAMES


@pytest.mark.parametrize("name", SMALL_WORLD)
def test_an_example_of_the_small_world_runs_with_the_files_that_it_names(
    server: Server, name: str
) -> None:
    graph = as_saved(ROOT / "example_workflows" / f"{name}.json", server)
    (sampler,) = (node for node in graph.prompt.values() if node["class_type"] == "KSampler")
    sampler["inputs"]["steps"] = 1
    done = run(server, graph)
    (webp,), (mp4,) = (done.files(ending).values() for ending in (".webp", ".mp4"))
    # after one step a frame may look like the one before, and a WebP keeps such a one once
    assert SMALL_WORLD[name] // 2 < len(set(frames_of(webp))) <= SMALL_WORLD[name]
    assert len(pictures_of(mp4)) == SMALL_WORLD[name]


@pytest.mark.parametrize("name", TRAINING)
def test_a_training_example_trains_and_shows_its_result(server: Server, name: str) -> None:
    """As downloaded it needs no clips: it draws the stills that the camera moves over."""
    path = ROOT / "example_workflows" / f"{name}.json"
    done = run(server, shrunk(path, server, SMALL_TRAINING))
    pictures = done.files(".webp").values()
    (shown,) = (picture for picture in pictures if picture.name.startswith("animatediff_kit_tr"))
    assert len(set(frames_of(shown))) == 2


def test_the_animation_follows_the_edges_of_the_video(server: Server) -> None:
    graph = shrunk(ROOT / "example_workflows" / "video_to_animation.json", server)
    (control,) = (n for n in graph.prompt.values() if n["class_type"] == "ControlNetApplyAdvanced")
    (with_edges,) = run(server, graph).files(".webp").values()
    control["inputs"]["strength"] = 0.0
    (without,) = run(server, graph).files(".webp").values()
    pairs = zip(frames_of(with_edges), frames_of(without), strict=True)
    assert all(one != other for one, other in pairs)


@example
def test_an_example_needs_core_and_this_pack_alone(server: Server, path: Path) -> None:
    info = server.client.object_info()
    kinds = {node["type"] for node in saved(path)["nodes"]} - set(workflow.PAGE_ONLY)
    ours = {kind for kind in kinds if kind.startswith("ADK_")}
    assert ours
    for kind in kinds:
        module = info[kind]["python_module"]
        assert (module == f"custom_nodes.{comfyui.PACK_NAME}") == (kind in ours)
        assert kind in ours or module == "nodes" or module.startswith("comfy_extras.")


@example
def test_an_example_names_no_path_of_a_machine(path: Path) -> None:
    for text in strings(saved(path)):
        assert not re.match(r"[/~\\]|[A-Za-z]:[/\\]|\w+://", text), text
        assert not re.search(r"/(home|root|Users|tmp|work|mnt)/", text), text


@example
def test_an_examples_widgets_are_the_nodes(comfy: ComfyUI, server: Server, path: Path) -> None:
    """As many values as the page makes widgets; a newer ComfyUI may have more of its own."""
    info = server.client.object_info()
    for node in saved(path)["nodes"]:
        if node["type"] in workflow.PAGE_ONLY:
            continue
        values = node["widgets_values"]
        count = widgets(info[node["type"]]["input"], values)
        assert len(values) <= count, node["type"]
        if comfy.ours or node["type"].startswith("ADK_"):
            assert len(values) == count, node["type"]


@example
def test_an_examples_links_join_sockets_of_their_type(server: Server, path: Path) -> None:
    info, content = server.client.object_info(), saved(path)
    nodes = {node["id"]: node for node in content["nodes"]}
    for key, origin, output, target, place, kind in content["links"]:
        source, sink = nodes[origin], nodes[target]
        assert key in source["outputs"][output]["links"]
        assert sink["inputs"][place]["link"] == key
        assert kind in (info[source["type"]]["output"][output], "*")
        inputs = info[sink["type"]]["input"]
        named = {**inputs.get("required", {}), **inputs.get("optional", {})}
        assert kind in str(named[sink["inputs"][place]["name"]][0]).split(",")


def saved(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def strings(content: Any) -> Iterator[str]:
    """Every text in a JSON value, keys left out."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, (list, dict)):
        for value in content.values() if isinstance(content, dict) else content:
            yield from strings(value)


def widgets(specs: dict[str, Any], values: list[Any]) -> int:
    """How many values the page saves for these inputs; a choice may bring widgets of its own."""
    count = 0
    for section in ("required", "optional"):
        for name, (kind, *options) in specs.get(section, {}).items():
            has = options[0] if options else {}
            if kind == "COMFY_DYNAMICCOMBO_V3":
                chosen = values[count : count + 1] or [has["options"][0]["key"]]
                (brought,) = (o["inputs"] for o in has["options"] if o["key"] == chosen[0])
                count += 1 + widgets(brought, values[count + 1 :])
            elif has.get("forceInput"):  # a socket all the same
                continue
            elif isinstance(kind, list) or kind in workflow.WIDGET_TYPES:
                count += 1
                count += has.get("control_after_generate", name in workflow.SEEDS)
                count += any(has.get(upload) for upload in workflow.UPLOADS)
    return count
