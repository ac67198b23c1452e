"""The training loop: it learns, it can be replayed and resumed, and it survives bad numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import pytest
import torch
from adk_tests.reference.live import relative_error
from adk_tests.support import tiny
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from adk_tests.training.small import equal, weights
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.loop import Report, Run
from animatediff_kit.training.models.conditioning import ModelInputs
from animatediff_kit.training.models.stages import (
    DOMAIN_ADAPTER,
    MOTION_LORA,
    MOTION_MODULE,
    DeviceAndDtype,
    motion_lora,
)
from torch import Tensor

STAGES = (DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA)


@pytest.fixture(autouse=True)
def unload() -> Iterator[None]:
    yield
    memory.unload_all_models()


def measured(run: Run[ClipLoss], passes: int = 8) -> float:
    """The mean loss over passes that training does not show."""
    total = 0.0
    for place in range(10_000, 10_000 + passes):
        with torch.no_grad(), run.loss.step_loss(place) as loss:
            total += float(loss)
    return total / passes


@pytest.mark.parametrize("stage", STAGES)
def test_two_clips_are_learned_and_a_rate_near_zero_learns_nothing(
    stage: str, tmp_path: Path
) -> None:
    """The model's first predictions are random, at a loss of about 1.35."""
    change: dict[float, float] = {}
    for rate in (3e-2, 1e-12):
        run = small.run(tmp_path, stage, steps=20, learning_rate=rate, caption_dropout=0.0)
        before = measured(run)
        run.train()
        change[rate] = measured(run) / before
    assert change[3e-2] < 0.9
    assert change[1e-12] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("stage", STAGES)
def test_training_changes_the_trained_weights_and_no_others(stage: str, tmp_path: Path) -> None:
    run = small.run(tmp_path, stage, steps=3)
    trained = {id(p) for p in run.parameters.values()}
    everything = dict(run.loss.trainee.denoiser.named_parameters())
    before = {name: p.detach().clone() for name, p in everything.items()}
    run.train()
    for name, p in everything.items():
        assert torch.equal(p, before[name]) == (id(p) not in trained), name


def test_a_run_can_be_replayed(tmp_path: Path) -> None:
    first, again, other = (
        small.run(tmp_path / str(i), seed=seed) for i, seed in enumerate((1, 1, 2))
    )
    torch.manual_seed(0)
    first.train()
    torch.manual_seed(5)
    again.train()
    other.train()
    assert first.losses == again.losses and equal(weights(first), weights(again))
    assert first.losses != other.losses


def gradients(run: Run[Any]) -> dict[str, Tensor]:
    run.gradients()
    return {name: p.grad.clone() for name, p in run.parameters.items() if p.grad is not None}


def test_accumulated_passes_have_the_gradient_of_their_mean(tmp_path: Path) -> None:
    together = gradients(small.run(tmp_path, gradient_accumulation=3, batch_size=1))
    summed: dict[str, Tensor] = {}
    for place in range(3):
        run = small.run(tmp_path, batch_size=1)
        run.step = place
        for name, gradient in gradients(run).items():
            summed[name] = summed.get(name, torch.zeros(())) + gradient / 3
    assert together.keys() == summed.keys()
    ours, truth = (torch.cat([g.flatten() for g in x.values()]) for x in (together, summed))
    assert relative_error(ours, truth) < 1e-6


def test_gradients_are_clipped_to_the_norm(tmp_path: Path) -> None:
    """Where the norm is above it, the first step's direction is kept: Adam's step is the same."""
    norms: dict[float, list[float]] = {}
    for limit in (1e-3, 1e3):
        reports: list[Report] = []
        run = small.run(tmp_path, steps=1, clip_norm=limit, watch=reports.append)
        seen: list[float] = []
        run.optimizer.register_step_pre_hook(lambda *_, run=run, seen=seen: seen.append(norm(run)))
        run.train()
        norms[limit] = [reports[0].norm, *seen]
    (unclipped, clipped), (same, free) = norms[1e-3], norms[1e3]
    assert unclipped == same == pytest.approx(free, rel=1e-5)
    assert clipped == pytest.approx(1e-3, rel=1e-3) and unclipped > 0.01


def norm(run: Run[Any]) -> float:
    return math.sqrt(sum(float(p.grad.square().sum()) for p in run.parameters.values()))  # pyright: ignore


@pytest.mark.parametrize("frozen", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("stage", STAGES)
def test_bf16_is_near_fp32_and_keeps_float32_weights(
    stage: str, frozen: torch.dtype, tmp_path: Path
) -> None:
    full = small.run(tmp_path / "full", stage, steps=3)
    where = DeviceAndDtype(torch.device("cpu"), frozen)
    half = small.run(tmp_path / "half", stage, where, steps=3, precision="bf16")
    full.train()
    half.train()
    assert half.losses == pytest.approx(full.losses, rel=0.02)
    assert half.losses != full.losses
    assert {p.dtype for p in half.parameters.values()} == {torch.float32}
    assert {t.dtype for s in half.optimizer.state.values() for t in s.values()} == {torch.float32}


@pytest.mark.parametrize("stage", STAGES)
def test_fp16_scales_its_loss_and_learns(stage: str, tmp_path: Path) -> None:
    full = small.run(tmp_path / "full", stage, steps=3)
    half = small.run(tmp_path / "half", stage, steps=3, precision="fp16")
    full.train()
    half.train()
    kept = [(a, b) for a, b in zip(half.losses, full.losses, strict=True) if not math.isnan(a)]
    assert kept and all(a == pytest.approx(b, rel=0.02) for a, b in kept)
    assert half.scaler.is_enabled() and half.scaler.state_dict()["scale"] > 1


def test_the_options_of_the_loss_are_used(tmp_path: Path) -> None:
    def loss(**changes: Any) -> float:
        run = small.run(tmp_path, **changes)
        return run.gradients()

    plain = loss()
    assert loss(debias=1.0) > plain
    assert loss(snr_gamma=1e-3) < plain
    assert loss(noise_offset=0.5) != plain
    assert loss(caption_dropout=1.0) != plain


def test_the_average_is_exported_and_lags_behind(tmp_path: Path) -> None:
    run, plain = (small.run(tmp_path / str(e), steps=4, ema=e) for e in (0.99, 0.0))
    start = weights(run)
    run.train()
    plain.train()
    assert equal(weights(run), weights(plain)) and equal(plain.weights(), weights(plain))
    for name, last in weights(run).items():
        travelled, averaged = (
            (last - start[name]).norm(),
            (run.weights()[name] - start[name]).norm(),
        )
        assert 0 < float(averaged) < float(travelled)


def test_more_noise_than_the_models_schedule_has_is_refused(tmp_path: Path) -> None:
    whole = small.run(tmp_path).loss
    trainee = replace(whole.trainee, signal=whole.trainee.signal[:100])
    with pytest.raises(ValueError, match="max_timestep is 1000, and the model's .* has 100 steps"):
        replace(whole, trainee=trainee)


def test_sdxl_trains_with_its_pooled_text(tmp_path: Path) -> None:
    model = tiny.image_model("SDXL")
    losses: list[list[float]] = []
    for clips in (ClipsInMemory(pooled=1280, frames=2), OtherPooled(pooled=1280, frames=2)):
        trainee = motion_lora(model, tiny.motion_patcher("SDXL beta"), 4, 0, small.CPU)
        s = small.settings(steps=2, batch_size=1)
        run = Run(ClipLoss(trainee, clips, ModelInputs(model), s), tmp_path)
        run.train()
        losses.append(run.losses)
    assert losses[0] != losses[1]  # the pooled text reaches the UNet


class OtherPooled(ClipsInMemory):
    def text(self, caption: str) -> Any:
        text = super().text(caption)
        return type(text)(text.embedding, -text.pooled)  # pyright: ignore


@pytest.mark.parametrize("stage", STAGES)
def test_a_node_can_call_it_inside_inference_mode(stage: str, tmp_path: Path) -> None:
    with torch.inference_mode():
        run = small.run(tmp_path / "node", stage, steps=2, ema=0.9)
        run.train()
        run = small.run(tmp_path / "node", stage, steps=3, ema=0.9)
        run.resume(found(tmp_path / "node")[-1])
        run.train()
    outside = small.run(tmp_path / "outside", stage, steps=3, ema=0.9)
    outside.train()
    assert run.losses == outside.losses and equal(run.weights(), outside.weights())


def test_checkpointing_changes_no_loss(tmp_path: Path) -> None:
    plain = small.run(tmp_path / "a", MOTION_MODULE)
    checkpointed = small.run(tmp_path / "b", MOTION_MODULE, gradient_checkpointing=True)
    plain.train()
    checkpointed.train()
    assert plain.losses == checkpointed.losses


def test_clips_of_two_shapes_train_together(tmp_path: Path) -> None:
    clips = ClipsInMemory(count=4, frames=2, sizes=[(4, 4), (4, 6), (4, 6), (4, 4)])
    run = small.run(tmp_path, clips=clips, steps=4)
    run.train()
    assert all(map(math.isfinite, run.losses))
