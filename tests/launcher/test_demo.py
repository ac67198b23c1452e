"""What the demo shows goes with the pack alone."""

from __future__ import annotations

import os
from pathlib import Path

from animatediff_kit.launcher import demo, workflow
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
