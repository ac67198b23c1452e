"""A resumed run takes its seed from its checkpoint, and nothing else."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import pytest
from adk_tests.support.training_folders import own_folders
from animatediff_kit.training.engine.checkpoints import Checkpoint, read_identity, save
from animatediff_kit.training.engine.config import TrainingSettings
from animatediff_kit.training.run.in_comfyui import RUNS
from animatediff_kit.training.run.own_seed import with_own_seed
from torch import ones

SETTINGS = TrainingSettings(steps=4, seed=5, batch_size=2)


def write(folder: Path, step: int, seed: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    identity = dataclasses.replace(SETTINGS, seed=seed, batch_size=1).decides()
    return save(folder, Checkpoint(step, identity, {"weights.a": ones(3)}), keep=2)


def test_the_last_checkpoint_gives_the_seed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with own_folders(tmp_path) as root:
        folder = root / "output" / RUNS / "pan_001"
        write(folder, 1, 11)
        write(folder, 2, 22)
        with caplog.at_level(logging.INFO):
            assert with_own_seed(SETTINGS, "pan_001") == dataclasses.replace(SETTINGS, seed=22)
        assert caplog.messages == ["AnimateDiff Kit: pan_001 goes on with its own seed 22."]
        assert with_own_seed(SETTINGS, "") is SETTINGS
        with pytest.raises(ValueError, match="^There is no run 'pan_002' with a checkpoint in "):
            with_own_seed(SETTINGS, "pan_002")


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, 1, 11)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match="is no checkpoint of a training run, or is damaged"):
        read_identity(path)


def test_what_is_no_settings_is_left_to_the_training() -> None:
    assert with_own_seed("settings", "pan_001") == "settings"  # pyright: ignore
