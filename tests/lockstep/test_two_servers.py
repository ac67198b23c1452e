"""Two real servers sample one video: the first is given a prompt, both compute windows of it, and
the first alone saves files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from animatediff_kit.launcher import comfyui, workflow
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.serve import Options, variables
from animatediff_kit.launcher.server import Server, free_port

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "example_workflows" / "04-Small-world-long-animation.json"
SMALL = {"EmptyLatentImage": {"batch_size": 24}, "BasicScheduler": {"steps": 2}}


@pytest.fixture
def ranks(
    comfy: ComfyUI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Server]]:
    """Both, started side by side."""
    master, made = f"127.0.0.1:{free_port()}", {}
    monkeypatch.setenv("ADK_RANK_TIMEOUT", "30")

    def start(rank: int) -> None:
        base = comfyui.prepare_base(tmp_path / str(rank), ROOT)
        made[rank] = Server(comfy, base, base / "comfyui.log")

    with ExitStack() as stack:
        threads = []
        for rank in (0, 1):
            for name, value in variables(Options(2, rank, master)).items():
                monkeypatch.setenv(name, value)
            threads.append(threading.Thread(target=start, args=(rank,)))
            threads[-1].start()
            log = tmp_path / str(rank) / "comfyui.log"
            while threads[-1].is_alive() and not log.is_file():
                threads[-1].join(0.01)  # then it has read the variables
        for thread in threads:
            thread.join()
        for server in made.values():
            stack.enter_context(server)
        yield [made[0], made[1]]
        for server in made.values():
            comfyui.unlink(server.base / "custom_nodes" / comfyui.PACK_NAME)


def rendered(server: Server) -> bytes:
    """The animation of the template, made short."""
    prompt = workflow.to_prompt(workflow.load(TEMPLATE), server.client.object_info())
    for node in prompt.values():
        node["inputs"] |= SMALL.get(node["class_type"], {})
    for event in server.client.run(prompt):
        if event.kind == "queued":
            prompt_id = event.data["prompt_id"]
    (file,) = [f for f in server.client.outputs(prompt_id) if f.filename.endswith(".webp")]
    with server.client.opened(file) as content:
        return content.read()


def written(server: Server) -> list[str]:
    return [path.name for path in (server.base / "output").rglob("*") if path.is_file()]


def test_two_servers_sample_one_video(ranks: list[Server], server: Server) -> None:
    first, second = ranks
    together = rendered(first)
    assert together == rendered(server), "not the video that one server makes"
    assert [len(written(each)) for each in ranks] == [2, 0], "the second decodes and saves nothing"
    for each in ranks:
        log = each.log.read_text(encoding="utf-8", errors="replace")
        assert "AnimateDiff Kit: sampled on 2 ranks in " in log
