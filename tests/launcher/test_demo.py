"""What the demo shows goes with the pack alone."""

from __future__ import annotations

import io
import os
import re
import time
import webbrowser
from pathlib import Path

import pytest
from animatediff_kit.launcher import LauncherError, demo, workflow
from animatediff_kit.small_world import files

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin")


def test_every_file_that_the_demo_names_ships_with_the_pack() -> None:
    content = workflow.load(ROOT / demo.EXAMPLE)
    values = [value for node in content["nodes"] for value in node["widgets_values"]]
    named = {value for value in values if isinstance(value, str) and value.endswith(WEIGHTS)}
    assert named == {files.MOTION_MODEL}
    assert (files.MOTION_MODELS / files.MOTION_MODEL).is_file()


def test_the_demo_is_of_the_size_that_the_small_world_knows() -> None:
    nodes = {node["type"]: node for node in workflow.load(ROOT / demo.EXAMPLE)["nodes"]}
    assert nodes["ADK_SmallWorldModels"]["widgets_values"] == [files.BASE]
    assert nodes["EmptyLatentImage"]["widgets_values"] == [64, 64, 16]


def test_each_server_writes_a_log_of_its_own_and_the_last_are_kept(tmp_path: Path) -> None:
    for day in range(10, 30):
        (tmp_path / f"comfyui-202601{day}-120000-1.log").write_text(str(day))
    (tmp_path / "install.log").touch()
    log = demo.new_log(tmp_path)
    assert log.parent == tmp_path and log.name.endswith(f"-{os.getpid()}.log")
    kept = sorted(path.name for path in tmp_path.glob("comfyui-*.log"))
    assert kept == [f"comfyui-202601{day}-120000-1.log" for day in range(21, 30)]
    assert (tmp_path / "install.log").exists()


def test_the_address_opens_a_template_and_nothing_else(tmp_path: Path) -> None:
    url = "http://127.0.0.1:8188"
    shown = demo.page_address(url, ROOT / demo.EXAMPLE, ROOT)
    assert shown == f"{url}/?template={demo.EXAMPLE.stem}&source=animatediff-kit"
    # the page's own check of both: letters, digits, - and _
    assert re.fullmatch(r"[a-zA-Z0-9_-]+", demo.EXAMPLE.stem)
    assert demo.page_address(url, tmp_path / f"{demo.EXAMPLE.name}", ROOT) == url


class Ended:
    """A server that is gone when it is asked for the second time."""

    def __init__(self) -> None:
        self.asked = 0

    def is_running(self) -> bool:
        self.asked += 1
        return self.asked < 2

    def obituary(self) -> str:
        return "ComfyUI has ended."


@pytest.mark.parametrize("screen", [True, False])
def test_serving_tells_the_address_and_opens_it_on_a_screen(
    screen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(demo, "has_screen", lambda: screen)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(LauncherError, match="^ComfyUI has ended.$"):
        demo.serve(Ended(), said.append, "http://a/?b")  # pyright: ignore
    assert said == ["The page with the result is at http://a/?b; Ctrl-C stops it."]
    assert opened == (["http://a/?b"] if screen else [])


def test_a_pipe_has_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert not demo.has_screen()
