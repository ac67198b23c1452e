"""Pictures of files and of prompts under a camera, with no model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from adk_tests.support.videos import numbered
from animatediff_kit.training.data.camera_axes import AXES
from animatediff_kit.training.engine.config import TrainingSettings
from animatediff_kit.training.run.moved_pictures import axes_of, moved_pictures
from animatediff_kit.training.run.run_config import ClipsTable, ModelTable, OutputTable, RunConfig
from animatediff_kit.training.run.stage_table import CAMERA_MOVE, StageTable
from PIL import Image


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """Two pictures of different sizes with their captions."""
    for number, (height, width) in enumerate(((160, 200), (240, 160))):
        path = tmp_path / "pictures" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(numbered(7 + number, height, width)).save(path)
        path.with_suffix(".txt").write_text(f"picture {number}", encoding="utf-8")
    table = ClipsTable(
        frames=3, width=64, height=64, source=tmp_path / "pictures", cache=tmp_path / "cache"
    )
    return RunConfig(
        ModelTable(tmp_path / "base"),
        (table,),
        StageTable(CAMERA_MOVE, axes=("pan", "roll"), clips=6, pictures=3),
        TrainingSettings(seed=5),
        OutputTable(tmp_path, "mine"),
    )


def test_pictures_of_files_show_each_amount(config: RunConfig) -> None:
    clips = moved_pictures(config)
    assert [clips.caption(i) for i in range(6)] == ["picture 0", "picture 1"] * 3
    clip = clips.read(3)
    assert clip.frames.shape == (3, 64, 64, 3)
    assert not torch.equal(clip.frames[0], clip.frames[2]), "the camera moves"
    task = axes_of(clips)
    assert task.moves == (AXES["pan"], AXES["roll"])
    assert {clips.name(i) for i in range(6)} == set(task.amounts) and len(task.amounts) == 6
    assert len(set(task.amounts.values())) == 6, "each clip has an amount of its own"


def test_there_are_as_many_clips_as_pictures_at_least(config: RunConfig) -> None:
    few = replace(config, stage=replace(config.stage, clips=1))
    assert len(moved_pictures(few)) == 2


def test_names_and_amounts_of_prompts_need_no_pictures(config: RunConfig, tmp_path: Path) -> None:
    """So that every process knows them, and the first alone draws."""
    source = tmp_path / "prompts.txt"
    source.write_text("a street\n\n a red car \n", encoding="utf-8")
    of_prompts = replace(config, clips=(replace(config.clips[0], source=source),))
    drawn = torch.rand((3, 128, 128, 3), generator=torch.Generator().manual_seed(0))
    first, other = moved_pictures(of_prompts, drawn), moved_pictures(of_prompts)
    assert axes_of(first) == axes_of(other)
    assert [first.caption(i) for i in range(4)] == ["a street", "a red car", "a street", "a street"]
    assert first.read(0).frames.shape == (3, 64, 64, 3)
