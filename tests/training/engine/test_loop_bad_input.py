"""Bad numbers and bad clips: what is skipped, and what is refused with a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import comfy.model_management as memory
import pytest
import torch
from adk_tests.support import tiny
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from adk_tests.training.small import equal, weights
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.loop import SKIPS_IN_A_ROW, Report, Run
from animatediff_kit.training.models.conditioning import ModelInputs
from animatediff_kit.training.models.stages import DOMAIN_ADAPTER, motion_lora
from torch import Tensor


@pytest.fixture(autouse=True)
def unload() -> Iterator[None]:
    yield
    memory.unload_all_models()


class SomeBroken(ClipsInMemory):
    """Clips whose latents are no numbers in the passes that `broken` names, by their order."""

    broken: range = range(0)
    reads: int = 0

    def latents(self, index: int) -> Tensor:
        self.reads += 1
        latents = super().latents(index)
        return latents * math.nan if self.reads - 1 in self.broken else latents


def broken(passes: range) -> SomeBroken:
    clips = SomeBroken(frames=2, side=4)
    clips.broken = passes
    return clips


def test_a_step_without_numbers_is_skipped_counted_and_harms_nothing(tmp_path: Path) -> None:
    reports: list[Report] = []
    run = small.run(
        tmp_path,
        clips=broken(range(1, 3)),
        watch=reports.append,
        steps=5,
        batch_size=1,
        ema=0.9,
    )
    states: list[dict[str, Tensor]] = []
    run.watch = lambda report: (reports.append(report), states.append(weights(run)))[0]  # pyright: ignore
    run.train()
    assert [math.isnan(report.loss) for report in reports] == [False, True, True, False, False]
    assert [report.skipped for report in reports] == [0, 1, 2, 2, 2]
    assert equal(states[0], states[1]) and equal(states[1], states[2])
    assert not equal(states[2], states[3])
    assert all(torch.isfinite(t).all() for t in (*states[-1].values(), *run.weights().values()))


def test_a_run_that_never_gets_numbers_gives_up_and_keeps_its_weights(tmp_path: Path) -> None:
    run = small.run(tmp_path, clips=broken(range(1, 999)), steps=200, batch_size=1)
    states: list[dict[str, Tensor]] = []
    run.watch = lambda report: states.append(weights(run))
    with pytest.raises(ValueError) as caught:
        run.train()
    assert str(caught.value) == (
        f"The gradients were no numbers in {SKIPS_IN_A_ROW} steps in a row, up to step 51. Lower "
        "the learning rate (0.001), or choose the precision bf16 or fp32."
    )
    assert equal(states[0], weights(run))
    other = small.run(tmp_path, steps=200, batch_size=1)
    other.resume(found(tmp_path)[-1])
    assert other.step == 51 and equal(states[0], weights(other))


def test_clips_without_pooled_text_are_refused_for_sdxl(tmp_path: Path) -> None:
    model = tiny.image_model("SDXL")
    trainee = motion_lora(model, tiny.motion_patcher("SDXL beta"), 4, 0, small.CPU)
    loss = ClipLoss(trainee, ClipsInMemory(frames=2), ModelInputs(model), small.settings())
    run = Run(loss, tmp_path)
    with pytest.raises(ValueError) as caught:
        run.train()
    assert str(caught.value) == (
        "The image model is conditioned on pooled text, as SDXL is, but the clips were encoded "
        "without. Encode them with the checkpoint's own CLIP."
    )
    assert not found(tmp_path)


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="The set of clips is empty; training needs at least one"):
        small.run(tmp_path, clips=ClipsInMemory(count=0))


@pytest.mark.parametrize("frames", [1, 33])
def test_clips_of_too_few_or_too_many_frames_are_named(frames: int, tmp_path: Path) -> None:
    clips = ClipsInMemory(frames=frames, side=4)
    with pytest.raises(ValueError) as caught:
        small.run(tmp_path, clips=clips)
    assert str(caught.value) == (
        f"The clip clip 0 has {frames} frames; training small_v3 needs from 2 to 32. Set the "
        "frames of the clips to 16."
    )
    small.run(tmp_path, DOMAIN_ADAPTER, clips=clips)  # single frames: any number will do
