"""The launcher against the real server: a bare graph over HTTP and WebSocket, outputs, errors."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import av
import pytest
import torch
from adk_tests.integration.graphs import frames_of
from adk_tests.stand_in import files as stand_in
from adk_tests.support.processes import alive, wait_for
from animatediff_kit.launcher import LauncherError, demo, environment, workflow
from animatediff_kit.launcher.client import Client, Event
from animatediff_kit.launcher.comfyui import PACK_NAME, ComfyUI
from animatediff_kit.launcher.server import HERE, Server, answers, free_port, probe
from PIL import Image, ImageSequence
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
STEPS, FRAMES = 2, 3


def still_graph(prompt: str = "a red ball", frames: int = FRAMES) -> dict[str, dict[str, Any]]:
    """Core nodes alone: a batch of `frames` latents of 8 by 8, as a WebP and as a tensor."""

    def node(kind: str, **inputs: Any) -> dict[str, Any]:
        return {"class_type": kind, "inputs": inputs}

    return {
        "1": node("CheckpointLoaderSimple", ckpt_name=stand_in.CHECKPOINT),
        "2": node("CLIPTextEncode", clip=["1", 1], text=prompt),
        "3": node("CLIPTextEncode", clip=["1", 1], text=""),
        "4": node("EmptyLatentImage", width=64, height=64, batch_size=frames),
        "5": node(
            "KSampler",
            model=["1", 0],
            positive=["2", 0],
            negative=["3", 0],
            latent_image=["4", 0],
            seed=1,
            steps=STEPS,
            cfg=4.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "6": node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": node(
            "SaveAnimatedWEBP",
            images=["6", 0],
            filename_prefix="still",
            fps=8.0,
            lossless=True,
            quality=100,
            method="default",
        ),
        "8": node("SaveLatent", samples=["5", 0], filename_prefix="still"),
    }


def render(client: Client, prompt: dict[str, dict[str, Any]]) -> tuple[str, list[Event]]:
    events = list(client.run(prompt))
    return events[0].data["prompt_id"], events


def latent_of(server: Server, prompt_id: str, folder: Path) -> torch.Tensor:
    """The tensor that SaveLatent wrote, fetched through the API: (frames, 4, 8, 8)."""
    (file,) = [f for f in server.client.outputs(prompt_id) if f.filename.endswith(".latent")]
    return load_file(server.client.download(file, folder))["latent_tensor"]


def test_the_pack_is_loaded_and_its_example_has_no_unknown_node(server: Server) -> None:
    content = workflow.load(ROOT / "example_workflows" / "10-Text-to-animation.json")
    prompt = stand_in.overridden(workflow.to_prompt(content, server.client.object_info()))
    kinds = [node["class_type"] for node in prompt.values()]
    assert "ADK_Animate" in kinds and "MarkdownNote" not in kinds
    sampler = next(node for node in prompt.values() if node["class_type"] == "KSampler")["inputs"]
    known = {"seed": 1, "sampler_name": "euler", "cfg": 7.5, "denoise": 1.0}
    assert sampler.items() >= known.items()
    assert sampler["steps"] == stand_in.OVERRIDES["KSampler", "steps"]


def test_the_demo_renders_its_sixteen_frames(server: Server, tmp_path: Path) -> None:
    """As it is shown, with what ships with the pack: into a WebP and an MP4, copied as asked."""
    content = workflow.load(ROOT / demo.EXAMPLE)
    prompt = workflow.to_prompt(content, server.client.object_info())
    webp, mp4 = sorted(
        demo.render(server, prompt, content, tmp_path), key=lambda file: file.suffix, reverse=True
    )
    assert {file.parent for file in (webp, mp4)} == {tmp_path}
    frames = frames_of(webp)
    assert len(frames) == 16 and len(set(frames)) == 16
    with av.open(str(mp4)) as container:
        (stream,) = container.streams.video
        pictures = list(container.decode(stream))
    assert len(pictures) == 16 and stream.average_rate == 8
    assert (pictures[0].width, pictures[0].height) == (384, 384)


def test_a_bare_graph_renders_with_progress_and_downloads(server: Server, tmp_path: Path) -> None:
    prompt_id, events = render(server.client, still_graph())
    steps = [event.data for event in events if event.kind == "progress"]
    assert [(step["value"], step["max"]) for step in steps if step["node"] == "5"] == [
        (1, STEPS),
        (2, STEPS),
    ]
    executed = [event.data["node"] for event in events if event.kind == "executing"]
    assert executed[-1] is None and {"5", "7"} <= set(executed)
    latent = latent_of(server, prompt_id, tmp_path)
    assert latent.shape == (FRAMES, 4, 8, 8) and bool(torch.isfinite(latent).all())
    assert all(not torch.equal(latent[0], other) for other in latent[1:])
    (webp,) = [f for f in server.client.outputs(prompt_id) if f.filename.endswith(".webp")]
    copy = server.client.download(webp, tmp_path)
    assert copy.read_bytes() == (server.base / "output" / webp.filename).read_bytes()
    with Image.open(copy) as picture:
        frames = [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(picture)]
        assert picture.size == (64, 64)
    assert len(frames) == FRAMES and len(set(frames)) == FRAMES
    assert not list(tmp_path.glob("*.partial"))


def test_the_prompt_matters_and_a_run_repeats_bit_for_bit(server: Server, tmp_path: Path) -> None:
    # The server keeps the results of the last graph only, so the third run computes again.
    latents = []
    for number, text in enumerate(("a red ball", "a blue cube", "a red ball")):
        graph = still_graph(text, frames=1)
        graph["8"]["inputs"]["filename_prefix"] = f"repeat{number}"
        latents.append(latent_of(server, render(server.client, graph)[0], tmp_path))
    assert torch.equal(latents[0], latents[2])
    assert (latents[0] - latents[1]).std() > 0.01 * latents[0].std()


def test_a_refused_graph_is_told_with_node_class_and_value(server: Server) -> None:
    graph = still_graph()
    graph["1"]["inputs"]["ckpt_name"] = "absent.safetensors"
    with pytest.raises(LauncherError) as told:
        render(server.client, graph)
    assert "node 1 (CheckpointLoaderSimple)" in str(told.value)
    assert "absent.safetensors" in str(told.value)


def test_a_failing_node_is_told_and_the_server_goes_on(server: Server) -> None:
    broken = server.base / "models" / "checkpoints" / "broken.safetensors"
    broken.write_bytes(b"not a checkpoint at all")
    graph = still_graph()
    graph["1"]["inputs"]["ckpt_name"] = broken.name
    with pytest.raises(LauncherError, match=r"Node 1 \(CheckpointLoaderSimple\) failed with"):
        render(server.client, graph)
    assert server.is_running() and answers(server.client)


def test_a_server_that_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "ComfyUI"
    folder.mkdir()
    (folder / "main.py").write_text("raise SystemExit('the port is on fire')")
    broken = ComfyUI(folder, Path(sys.executable))
    with pytest.raises(LauncherError, match=r"(?s)did not start.*exit code 1.*port is on fire"):
        Server(broken, tmp_path, tmp_path / "logs" / "comfyui.log")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that only asks")
def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """The parent is killed outright, as no handler of its own could see."""
    folder = tmp_path / "ComfyUI"
    folder.mkdir()
    (folder / "main.py").write_text(
        "import os, pathlib, time\n"
        "pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "time.sleep(60)\n"
    )
    parent = f"""
import socket, subprocess, sys, time
line = socket.create_server(("127.0.0.1", 0))
port = line.getsockname()[1]
subprocess.Popen([sys.executable, {str(HERE / "start_comfyui.py")!r}, f"--lifeline={{port}}",
                  {str(folder)!r}, "--"])
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", parent], cwd=tmp_path)
    note = tmp_path / "pid"
    wait_for(note.exists)
    wait_for(lambda: bool(note.read_text()))
    child = int(note.read_text())
    assert alive(child)
    process.kill()
    process.wait()
    wait_for(lambda: not alive(child))


def test_stopping_frees_the_port_and_ends_the_process(comfy: ComfyUI, tmp_path: Path) -> None:
    (tmp_path / "custom_nodes").mkdir()
    with Server(comfy, tmp_path, tmp_path / "comfyui.log") as second:
        assert answers(second.client)
        port = second.client.port
    assert not second.is_running()
    with socket.create_server(("127.0.0.1", port)):
        pass
    assert free_port() > 0


def test_a_port_that_another_comfyui_took_gives_way_to_the_next(
    comfy: ComfyUI, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "custom_nodes").mkdir()
    ports = iter([server.client.port, free_port()])
    with Server(comfy, tmp_path, tmp_path / "log.txt", ports=lambda: next(ports)) as second:
        assert answers(second.client) and second.is_running()
        assert second.client.port != server.client.port
    assert answers(server.client)


def test_the_probe_reports_what_imports_here(comfy: ComfyUI) -> None:
    found = probe(comfy.python)
    assert found["accelerator"] == torch.accelerator.is_available()
    assert set(found) == {"accelerator", "torchvision", "torchaudio"}


def environment_is_finished() -> bool:
    """True under `run.py test`; elsewhere `run.py demo` would install everything first."""
    version = sys.version_info[:2]
    stamp = environment.stamp_of(environment.LOCK.read_text(encoding="utf-8"), version)
    return environment.is_current(ROOT / ".venv", stamp)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to another process")
@pytest.mark.skipif(not environment_is_finished(), reason="`run.py install` was not run")
def test_ctrl_c_stops_a_served_page_and_its_server(comfy: ComfyUI, tmp_path: Path) -> None:
    graph = tmp_path / "empty.json"
    node = {"class_type": "PreviewAny", "inputs": {"source": "nothing to render"}}
    graph.write_text(json.dumps({"1": node}))
    command = [sys.executable, str(ROOT / "run.py"), "demo", "--serve", "--workflow", str(graph)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout is not None
    page = next(line for line in process.stdout if "The page with the result is at" in line)
    port = int(page.split("127.0.0.1:")[1].split(";")[0])
    assert answers(Client("127.0.0.1", port))
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert not answers(Client("127.0.0.1", port))


def test_the_help_page_of_every_node_is_served(server: Server) -> None:
    pages = sorted((ROOT / "web" / "docs").glob("ADK_*.md"))
    assert pages
    for page in pages:
        address = f"/extensions/{PACK_NAME}/docs/{page.name}"
        url = f"http://127.0.0.1:{server.client.port}{address}"
        with urlopen(url, timeout=10) as answer:
            assert answer.read() == page.read_bytes()
