"""Every example workflow opens as saved and runs, at small size: with the stand-in weights, or with
those that ship with the pack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from adk_tests.integration.graphs import Graph, frames_of, run
from adk_tests.integration.test_adapters import pia_file
from adk_tests.stand_in import files as stand_in
from adk_tests.stand_in.controlnet import write_controlnet
from adk_tests.support import tiny
from animatediff_kit.graphs import blueprints, templates
from animatediff_kit.graphs.newer import NEWER
from animatediff_kit.launcher import workflow
from animatediff_kit.launcher.server import Server
from animatediff_kit.launcher.subgraphs import BYPASSED
from PIL import Image
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / templates.FOLDER).glob("*.json"))
BLUEPRINTS = sorted((ROOT / blueprints.FOLDER).glob("*.json"))
VIDEO, PICTURE = "example_input.mp4", "example_input.png"
CONTROLNET, PIA = "example_canny.safetensors", "example_pia.safetensors"
VIDEO_VAE = "example_video_vae.safetensors"
FRAMES, FEW, SIZE = 20, 4, 32
LONGER = ("14-Prompt-travel", "15-Long-animation", "16-Closed-loop")
"""Examples that are of many frames, which go through windows here too."""

SMALL: dict[tuple[str, str], Any] = {
    # besides tests/stand_in/files.py's overrides
    ("EmptyLatentImage", "width"): SIZE,
    ("EmptyLatentImage", "height"): SIZE,
    ("EmptyLatentImage", "batch_size"): FEW,
    ("ImageFromBatch", "length"): FEW,
    ("ImageScale", "width"): SIZE,
    ("ImageScale", "height"): SIZE,
    ("KSampler", "steps"): 1,
    ("BasicScheduler", "steps"): 1,
    ("ADK_PromptTravel", "frames"): FRAMES,
    ("LoadVideo", "file"): VIDEO,
    ("LoadImage", "image"): PICTURE,
    ("ControlNetLoader", "control_net_name"): CONTROLNET,
    ("LoraLoaderModelOnly", "lora_name"): stand_in.DOMAIN_ADAPTER,
}

TRAINING = ("22-Train-a-MotionLoRA", "23-Fine-tune-a-motion-module")
SMALL_WORLD = {
    # templates that need no files of the user's -> their frames
    "01-Small-world-text-to-animation": 16,
    "02-Small-world-camera-move": 16,
    "03-Small-world-prompt-travel": 32,
    "04-Small-world-long-animation": 48,
    "05-Small-world-closed-loop": 24,
    "06-Small-world-image-to-animation": 16,
    "07-Small-world-video-to-animation": 16,
    "08-Small-world-strength-over-time": 28,
}
SMALL_WORLD_TRAINING = "09-Small-world-train-a-camera-move"

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

SMALL_NAMES = (*SMALL_WORLD, SMALL_WORLD_TRAINING)
ANIMATIONS = [path for path in FILES if path.stem not in (*TRAINING, *SMALL_NAMES)]
animation = pytest.mark.parametrize("path", ANIMATIONS, ids=[path.stem for path in ANIMATIONS])


def as_saved(path: Path, server: Server) -> Graph:
    graph, content = Graph(), workflow.load(path)
    for node in content["nodes"]:
        if node["type"] in NEWER:  # as Ctrl-B does
            node["mode"] = BYPASSED
    graph.prompt = workflow.to_prompt(content, server.client.object_info())
    return graph


def shrunk(path: Path, server: Server, small: dict[tuple[str, str], Any] | None = None) -> Graph:
    """An example with files that exist, at a size for two cores."""
    graph = Graph()
    graph.prompt = stand_in.overridden(as_saved(path, server).prompt)
    for key, node in graph.prompt.items():
        if node["class_type"] == "ImageOnlyCheckpointLoader":
            only_the_vae(graph, key)
        for (kind, name), value in {**SMALL, **(small or {})}.items():
            if node["class_type"] == kind:
                assert name in node["inputs"]
                node["inputs"][name] = value
        if isinstance(node["inputs"].get("motion_model"), list):
            loader = graph.prompt[node["inputs"]["motion_model"][0]]
            if node["class_type"] == "ADK_ApplyPIA":
                loader["inputs"]["motion_model"] = PIA
    return graph


def only_the_vae(graph: Graph, key: str) -> None:
    """A checkpoint of Stable Video Diffusion has 9 GB; a file of its VAE's layout stands in."""
    graph.prompt[key] = {"class_type": "VAELoader", "inputs": {"vae_name": VIDEO_VAE}}
    for node in graph.prompt.values():
        for name, value in node["inputs"].items():
            if value == [key, 2]:
                node["inputs"][name] = [key, 0]


@pytest.fixture(scope="module", autouse=True)
def files(server: Server) -> Iterator[None]:
    """A video and a picture in ComfyUI's input folder, and what else the examples load."""
    inputs, models = server.base / "input", server.base / "models"
    network = models / "controlnet" / CONTROLNET
    vae = models / "vae" / VIDEO_VAE
    pia = models / "animatediff_models" / PIA
    made = [inputs / VIDEO, inputs / PICTURE, network, vae, pia]
    for file in made:
        file.parent.mkdir(parents=True, exist_ok=True)
    draw_video(inputs / VIDEO)
    Image.radial_gradient("L").convert("RGB").save(inputs / PICTURE)
    write_controlnet(network, seed=4)
    save_file(pia_file(), str(pia))
    write_video_vae(vae)
    yield
    for file in made:
        file.unlink()


def write_video_vae(path: Path) -> None:
    """Stable Video Diffusion's autoencoder, whose decoder sees all frames, with random weights."""
    import comfy.ops
    from comfy.ldm.modules.diffusionmodules.model import Encoder
    from comfy.ldm.modules.temporal_ae import VideoDecoder

    shape: dict[str, Any] = dict(
        double_z=True, z_channels=4, resolution=256, in_channels=3, out_ch=3, ch=128,
        ch_mult=[1, 2, 4, 4], num_res_blocks=2, attn_resolutions=[], dropout=0.0,
    )  # fmt: skip
    modules = {
        "encoder": Encoder(**shape),
        "decoder": VideoDecoder(**shape, video_kernel_size=[3, 1, 1], alpha=0.0),
        "quant_conv": comfy.ops.disable_weight_init.Conv2d(8, 8, 1),
    }
    state = {
        f"{name}.{k}": v for name, part in modules.items() for k, v in part.state_dict().items()
    }
    save_file({k: v.half() for k, v in tiny.randomise(state, 5).items()}, str(path))


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
    count = FRAMES if path.stem in LONGER else FEW
    graph = shrunk(path, server, {("EmptyLatentImage", "batch_size"): count})
    done = run(server, graph)
    (webp,), (mp4,) = (done.files(ending).values() for ending in (".webp", ".mp4"))
    frames = frames_of(webp)
    assert len(frames) == count and len(set(frames)) == count
    assert len(pictures_of(mp4)) == count


@pytest.mark.parametrize("name", SMALL_WORLD)
def test_an_example_of_the_small_world_runs_with_the_files_that_it_names(
    server: Server, name: str
) -> None:
    graph = as_saved(ROOT / templates.FOLDER / f"{name}.json", server)
    few_steps(graph, "KSampler", "BasicScheduler")
    done = run(server, graph)
    (webp,), (mp4,) = (done.files(ending).values() for ending in (".webp", ".mp4"))
    # after one step a frame may look like the one before, and a WebP keeps such a one once
    assert SMALL_WORLD[name] // 2 < len(set(frames_of(webp))) <= SMALL_WORLD[name]
    assert len(pictures_of(mp4)) == SMALL_WORLD[name]


def few_steps(graph: Graph, *kinds: str) -> None:
    for node in graph.prompt.values():
        if node["class_type"] in kinds:
            node["inputs"]["steps"] = 1


def test_the_small_world_trains_and_shows_before_and_after(server: Server) -> None:
    graph = as_saved(ROOT / templates.FOLDER / f"{SMALL_WORLD_TRAINING}.json", server)
    few_steps(graph, "KSampler", "ADK_TrainingSettings")
    for node in graph.prompt.values():
        if node["class_type"] == "ADK_TrainingSettings":
            node["inputs"]["learning_rate"] = 0.1
    (shown,) = [
        file for file in run(server, graph).files(".webp").values() if file.name[:7] == "trained"
    ]
    with Image.open(shown) as picture:
        pixels = numpy.asarray(picture.convert("RGB"))
    before, after = numpy.hsplit(pixels, 2)
    assert before.shape == after.shape and numpy.any(before != after)


@pytest.mark.parametrize("name", TRAINING)
def test_a_training_example_trains_and_shows_its_result(server: Server, name: str) -> None:
    """As downloaded it needs no clips: it draws the stills that the camera moves over."""
    path = ROOT / templates.FOLDER / f"{name}.json"
    done = run(server, shrunk(path, server, SMALL_TRAINING))
    pictures = done.files(".webp").values()
    (shown,) = (picture for picture in pictures if picture.name.startswith("trained"))
    assert len(set(frames_of(shown))) == 2


def test_the_animation_follows_the_edges_of_the_video(server: Server) -> None:
    graph = shrunk(ROOT / templates.FOLDER / "18-Video-to-animation-with-ControlNet.json", server)
    (control,) = (n for n in graph.prompt.values() if n["class_type"] == "ControlNetApplyAdvanced")
    (with_edges,) = run(server, graph).files(".webp").values()
    control["inputs"]["strength"] = 0.0
    (without,) = run(server, graph).files(".webp").values()
    pairs = zip(frames_of(with_edges), frames_of(without), strict=True)
    assert all(one != other for one, other in pairs)


GIVEN: dict[str, Any] = {
    # on the one node of a blueprint
    "prompt": "a green bird",
    "pictures to move over": "a green bird",
    "frames": 2,
    "width": SIZE,
    "height": SIZE,
    "seed": 7,
    "checkpoint": stand_in.CHECKPOINT,
    "motion model": stand_in.MOTION_MODEL,
    "overlap of the windows": 2,
    "move": "pan left",
    "how many pictures": 2,
    "steps": 1,
    "name of the file": "example_blueprint",
}
INSIDE: dict[tuple[str, str], Any] = {
    # what a blueprint's node does not show, made small
    ("KSampler", "steps"): 1,
    ("ADK_CameraMove", "width"): 64,
    ("ADK_CameraMove", "height"): 64,
    ("ADK_CameraMove", "frames"): 2,
    ("ADK_TrainMotionLoRA", "rank"): 2,
}


@pytest.mark.parametrize("path", BLUEPRINTS, ids=[path.stem for path in BLUEPRINTS])
def test_a_blueprint_runs_with_the_values_on_its_node(server: Server, path: Path) -> None:
    content = workflow.load(path)
    use = content["nodes"][0]
    shown = [slot["name"] for slot in use["inputs"] if slot["name"] in GIVEN]
    use["properties"]["proxyWidgets"] = [["-1", name] for name in shown]
    use["widgets_values"] = [GIVEN[name] for name in shown]
    look_at(content)
    graph = Graph()
    graph.prompt = workflow.to_prompt(content, server.client.object_info())
    for node in graph.prompt.values():
        for (kind, name), value in INSIDE.items():
            if node["class_type"] == kind:
                node["inputs"][name] = value
        if node["class_type"] == "EmptyLatentImage" and "width" not in shown:
            node["inputs"].update(width=112, height=112)
    given = [value for node in graph.prompt.values() for value in node["inputs"].values()]
    assert all(GIVEN[name] in given for name in shown)
    files = run(server, graph).files(".webp").values()
    (webp,) = (file for file in files if file.name.startswith("looked_at"))
    assert len(set(frames_of(webp))) == 2


def look_at(content: dict[str, Any]) -> None:
    """A node behind a blueprint's that saves the pictures it gives out."""
    outputs = content["nodes"][0]["outputs"]
    slot = next(at for at, output in enumerate(outputs) if output["type"] == "IMAGE")
    outputs[slot]["links"] = [1]
    content["links"] = [[1, 1, slot, 2, 0, "IMAGE"]]
    content["nodes"].append(
        {
            "id": 2,
            "type": "SaveAnimatedWEBP",
            "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
            "outputs": [],
            "widgets_values": ["looked_at", 8.0, False, 85, "default"],
        }
    )
