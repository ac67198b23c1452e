"""A run that is stopped, resumed or killed goes on as if nothing had been."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import pytest
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from adk_tests.training.small import equal, weights
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.loop import Report
from animatediff_kit.training.models.stages import DOMAIN_ADAPTER, MOTION_LORA, MOTION_MODULE

STAGES = (DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA)


@pytest.fixture(autouse=True)
def unload() -> Iterator[None]:
    yield
    memory.unload_all_models()


class Stopped(BaseException):
    """Like the exception that ComfyUI's Cancel raises."""


def stop_after(steps: int) -> Any:
    def watch(report: Report) -> None:
        if report.step == steps:
            raise Stopped

    return watch


@pytest.mark.parametrize("stage", STAGES)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(stage: str, tmp_path: Path) -> None:
    changes: dict[str, Any] = dict(
        steps=5, ema=0.9, gradient_accumulation=3, batch_size=1, schedule="cosine", warmup=2
    )
    whole = small.run(tmp_path / "whole", stage, **changes)
    whole.train()
    begun = small.run(tmp_path / "parts", stage, **changes, watch=stop_after(2))
    with pytest.raises(Stopped):
        begun.train()
    resumed = small.run(tmp_path / "parts", stage, **changes)
    resumed.resume(found(tmp_path / "parts")[-1])
    assert resumed.step == 2
    resumed.train()
    assert resumed.losses == whole.losses
    assert equal(weights(resumed), weights(whole)) and equal(resumed.weights(), whole.weights())
    (one,), other = found(tmp_path / "whole"), found(tmp_path / "parts")[-1]
    assert one.name == other.name and one.read_bytes() == other.read_bytes()


def test_an_interruption_leaves_a_checkpoint_of_the_last_whole_step(tmp_path: Path) -> None:
    run = small.run(tmp_path, steps=9, watch=stop_after(3))
    with pytest.raises(Stopped):
        run.train()
    assert [path.name for path in found(tmp_path)] == ["checkpoint-00000003.safetensors"]


def test_checkpoints_are_written_every_so_often_and_at_the_end(tmp_path: Path) -> None:
    small.run(tmp_path, steps=5, save_every=2, keep=9).train()
    assert [int(path.stem[-8:]) for path in found(tmp_path)] == [2, 4, 5]


def test_a_finished_run_that_is_resumed_does_nothing(tmp_path: Path) -> None:
    small.run(tmp_path, steps=2).train()
    (path,) = found(tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    run = small.run(tmp_path, steps=2)
    run.resume(path)
    run.train()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_more_steps_can_be_asked_for_on_resuming(tmp_path: Path) -> None:
    small.run(tmp_path / "a", steps=2).train()
    run = small.run(tmp_path / "a", steps=4)
    run.resume(found(tmp_path / "a")[-1])
    run.train()
    whole = small.run(tmp_path / "b", steps=4)
    whole.train()
    assert run.losses == whole.losses


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (dict(learning_rate=1e-4), "its run had learning_rate 0.001, this one has 0.0001"),
        (dict(min_timestep=500), "its run had min_timestep the default, this one has 500"),
        (
            dict(clips=ClipsInMemory(frames=2, side=4, pixels_fingerprint="x")),
            "its run had other clips, or clips encoded with",
        ),
        (dict(stage=MOTION_MODULE), "its run had stage 'motion_lora', this one has 'motion_mod"),
    ],
)
def test_a_run_of_other_settings_or_clips_is_not_resumed(
    change: dict[str, Any], text: str, tmp_path: Path
) -> None:
    small.run(tmp_path, steps=1).train()
    run = small.run(tmp_path, **{"steps": 2, **change})
    before = weights(run)
    with pytest.raises(ValueError, match=text):
        run.resume(found(tmp_path)[-1])
    assert equal(weights(run), before) and run.step == 0


def test_the_scaler_of_fp16_goes_on_where_it_was(tmp_path: Path) -> None:
    begun = small.run(tmp_path, steps=2, precision="fp16")
    begun.scaler.load_state_dict({**begun.scaler.state_dict(), "scale": 512.0})
    begun.train()
    resumed = small.run(tmp_path, steps=4, precision="fp16")
    resumed.resume(found(tmp_path)[-1])
    assert resumed.scaler.state_dict() == begun.scaler.state_dict()
    assert resumed.scaler.state_dict()["scale"] == 512.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_run_that_is_killed_again_and_again_is_the_uninterrupted_one(tmp_path: Path) -> None:
    steps = 20
    entry = Path(__file__).parents[1] / "killed_entry.py"
    command = [sys.executable, str(entry), str(tmp_path / "killed"), str(steps), "4"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    whole = small.run(tmp_path / "whole", steps=steps, ema=0.9)
    whole.train()
    last, (one,) = found(tmp_path / "killed")[-1], found(tmp_path / "whole")
    assert last.name == one.name and last.read_bytes() == one.read_bytes()
    left = {path.name for path in (tmp_path / "killed").iterdir()}
    assert left == {path.name for path in found(tmp_path / "killed")}


def test_a_run_of_other_noise_levels_is_not_gone_on_with_at_the_default(tmp_path: Path) -> None:
    """Settings at their default are left out of what a run says of itself."""
    small.run(tmp_path, min_timestep=500).train()
    with pytest.raises(ValueError, match="its run had min_timestep 500, this one has the default"):
        small.run(tmp_path).resume(found(tmp_path)[-1])
