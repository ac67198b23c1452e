"""EasyCache and LazyCache in windows: each window leaves out what it has little change in itself.

Without a motion model no frame sees another, so a window must give what sampling its frames alone
gives, and calls of the UNet that are left out are left out there as well.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from adk_tests.support import tiny, windowed
from animatediff_kit.sampling.apply_windows import add_window_phase
from animatediff_kit.sampling.free_init import FreeInitSampler
from animatediff_kit.sampling.window_phases import WindowPhase
from animatediff_kit.sampling.windows import WindowSettings
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.samplers import CFGGuider, calculate_sigmas, sampler_object
from comfy_extras.nodes_easycache import EasyCacheNode, LazyCacheNode
from torch import Tensor

LENGTH, STEPS = windowed.LENGTH, 10
FRAMES = 2 * LENGTH
CALLS = STEPS - 2
"""Of the UNet in a run, at most: so many are left out that the comparison has something to see."""

ROUNDING = windowed.ROUNDING * STEPS / 2
"""That of windowed.py is for two steps."""


def cached(node: Any, model: ModelPatcher, threshold: float = 0.3) -> ModelPatcher:
    return node.execute(model, threshold, 0.1, 0.95, False).result[0]


def noises() -> Tensor:
    """Two halves that change at other steps: the second comes from another seed, and is calmer."""
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn((FRAMES, 4, 8, 8), generator=generator)
    noise[LENGTH:] *= 0.2
    return noise


def computed(model: ModelPatcher) -> tuple[ModelPatcher, list[int]]:
    """The model, and the latents of each call that the UNet was really computed for."""
    batches: list[int] = []

    def count(executor: Any, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        batches.append(x.shape[0])
        return executor(x, *args, **kwargs)

    model = model.clone()  # within EasyCache's own wrapper, which stands there already
    model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "count", count)
    return model, batches


def sampled(model: ModelPatcher, noise: Tensor) -> tuple[Tensor, list[int]]:
    model, batches = computed(model)
    return windowed.sample_noise(model, noise, steps=STEPS), batches


@pytest.mark.parametrize("windows_first", [True, False])
def test_each_window_is_its_frames_alone(still: ModelPatcher, windows_first: bool) -> None:
    noise = noises()
    if windows_first:
        model = cached(EasyCacheNode, windowed.windowed(still, LENGTH, 0))
    else:
        model = windowed.windowed(cached(EasyCacheNode, still), LENGTH, 0)
    video, calls = sampled(model, noise)
    halves = [sampled(cached(EasyCacheNode, still), part) for part in noise.split(LENGTH)]
    for window, (half, own) in zip(video.split(LENGTH), halves, strict=True):
        torch.testing.assert_close(window, half, rtol=0, atol=ROUNDING * float(half.std()))
        assert 0 < len(own) <= CALLS
    assert len(calls) == sum(len(own) for _, own in halves)
    assert len(halves[0][1]) != len(halves[1][1]), "both halves leave out the same"


def test_a_window_of_another_length_is_no_change_of_size(still: ModelPatcher) -> None:
    """core resets what it keeps where the size changes, and leaves out all calls after it."""
    noise = noises()[: LENGTH + 2]
    model = windowed.windowed(still, LENGTH, 1, schedule="batched")
    video, calls = sampled(cached(EasyCacheNode, model), noise)
    exact, _ = sampled(model, noise)
    whole, _ = sampled(cached(EasyCacheNode, still), noise)
    assert 0 < len(calls) < 2 * STEPS
    off, allowed = (float((v - exact).abs().mean()) for v in (video, whole))
    assert off < 2 * allowed


@pytest.mark.parametrize("schedule", ["looped_uniform", "shifted"])
def test_windows_that_move_keep_the_state_of_their_frames(
    still: ModelPatcher, schedule: str
) -> None:
    """At threshold 0 nothing is left out, and nothing may differ."""
    noise = noises()
    model = windowed.windowed(still, LENGTH, 1, schedule=schedule)
    exact, every = sampled(model, noise)
    video, calls = sampled(cached(EasyCacheNode, model, 0.0), noise)
    assert torch.equal(video, exact) and calls == every
    _, fewer = sampled(cached(EasyCacheNode, model), noise)
    assert len(fewer) < len(every)


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = [record for record in caplog.records if record.levelno == logging.WARNING]
    return [record.getMessage() for record in records if "saves less" in record.getMessage()]


def test_windows_that_move_are_told_to_whoever_wants_to_save(
    still: ModelPatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """Once a run, and with reason: in a video of several windows only those at its ends come back
    at the next step."""
    noise = windowed.noise_of(40)
    left_out = {}
    for schedule in ("standard_static", "shifted"):
        model = windowed.windowed(still, 8, 0, schedule=schedule)
        _, every = sampled(model, noise)
        assert warnings_of(caplog) == []
        _, calls = sampled(cached(EasyCacheNode, model), noise)
        left_out[schedule] = 1 - len(calls) / len(every)
    assert left_out["shifted"] < 0.5 * left_out["standard_static"]
    assert warnings_of(caplog) == [
        "EasyCache saves less here than it could: it compares a context window with the same "
        "frames at the step before, but the windows of the schedule shifted move at every step. "
        "Choose the schedule standard_static, or leave EasyCache out."
    ]


def test_of_windows_that_change_the_moving_ones_are_told(
    still: ModelPatcher, caplog: pytest.LogCaptureFixture
) -> None:
    model = windowed.windowed(still, LENGTH, 1)
    later = WindowPhase(WindowSettings(LENGTH, 1, schedule="looped_uniform"), start=0.5)
    windowed.sample_noise(cached(EasyCacheNode, add_window_phase(model, later)), noises())
    (told,) = warnings_of(caplog)
    assert "the schedule looped_uniform move at every step" in told


@pytest.mark.parametrize(
    ("node", "schedule", "frames"),
    [
        (EasyCacheNode, "views_shifted", FRAMES),  # one call has all frames
        (EasyCacheNode, "batched", FRAMES),
        (EasyCacheNode, "shifted", LENGTH),  # one window
        (LazyCacheNode, "shifted", FRAMES),
    ],
)
def test_where_calls_come_back_nothing_is_told(
    animated: ModelPatcher,
    caplog: pytest.LogCaptureFixture,
    node: Any,
    schedule: str,
    frames: int,
) -> None:
    model = cached(node, windowed.windowed(animated, LENGTH, 0, schedule=schedule))
    windowed.sample_noise(model, noises()[:frames])
    assert warnings_of(caplog) == []


def test_lazy_cache_keeps_the_whole_video(still: ModelPatcher) -> None:
    noise = noises()
    whole, calls = sampled(cached(LazyCacheNode, still), noise)
    video, in_windows = sampled(cached(LazyCacheNode, windowed.windowed(still, LENGTH, 0)), noise)
    torch.testing.assert_close(video, whole, rtol=0, atol=ROUNDING * float(whole.std()))
    assert 0 < len(calls) <= CALLS and len(in_windows) == 2 * len(calls)


@pytest.mark.parametrize("schedule", ["standard_static", "shifted"])
def test_lazy_cache_in_windows_is_no_cache_where_nothing_is_left_out(
    animated: ModelPatcher, schedule: str
) -> None:
    """With windows that overlap, and frames that see each other: at threshold 0 the same video;
    else fewer calls, and frames that stay nearer to their own than to any other window's."""
    noise = noises()
    model = windowed.windowed(animated, LENGTH, 1, schedule=schedule)
    exact, every = sampled(model, noise)
    video, calls = sampled(cached(LazyCacheNode, model, 0.0), noise)
    assert torch.equal(video, exact) and calls == every
    fewer, calls = sampled(cached(LazyCacheNode, model), noise)
    assert 0 < len(calls) < len(every) and not torch.equal(fewer, exact)
    away = (fewer[:, None] - exact).abs().mean((2, 3, 4))
    assert away.argmin(1).tolist() == list(range(FRAMES))
    assert float(away.diagonal().mean()) < 0.5 * float(away[:LENGTH, LENGTH:].mean())


def test_runs_share_nothing(still: ModelPatcher) -> None:
    model = cached(EasyCacheNode, windowed.windowed(still, LENGTH, 1))
    first, again = (windowed.sample_noise(model, noises(), steps=STEPS) for _ in range(2))
    assert torch.equal(first, again)


def test_the_node_tells_what_was_left_out(
    still: ModelPatcher, caplog: pytest.LogCaptureFixture
) -> None:
    model = cached(EasyCacheNode, windowed.windowed(still, LENGTH, 0))
    with caplog.at_level(logging.INFO):
        _, calls = sampled(model, noises())
    skipped = STEPS - len(calls) / 2
    assert f"EasyCache - skipped {skipped}/{STEPS} steps" in caplog.text


def test_a_state_that_cannot_be_had_twice_is_refused(still: ModelPatcher) -> None:
    model = cached(EasyCacheNode, windowed.windowed(still, LENGTH, 0))
    options = model.model_options["transformer_options"]

    class EasyCacheHolder:
        """Of another ComfyUI, without `clone`."""

    options["easycache"] = EasyCacheHolder()
    for key in ("outer_sample", "calc_cond_batch", "diffusion_model"):
        model.remove_wrappers_with_key(key, "easycache")
    with pytest.raises(ValueError) as caught:
        windowed.sample_noise(model, noises())
    assert str(caught.value) == (
        "EasyCache of this ComfyUI keeps one state for all calls of the UNet, so in context "
        "windows it would give frames what it kept of others. Remove it, or the windows."
    )
    assert tiny.sample(model, LENGTH).isfinite().all()


@pytest.mark.parametrize("node", [EasyCacheNode, LazyCacheNode])
@pytest.mark.parametrize("windows", [False, True])
def test_each_pass_of_free_init_begins_as_a_run_of_its_own(
    node: Any, windows: bool, still: ModelPatcher
) -> None:
    model = windowed.windowed(still, LENGTH, 1) if windows else still
    model, noise = cached(node, model), noises()
    found: list[Tensor] = []
    plain = sampler_object("euler")

    class Heard(FreeInitSampler):
        """Keeps the noise of each pass."""

        def refined(self, *given: Any) -> Tensor:
            found.append(super().refined(*given))
            return found[-1]

    def run(sampler: Any, noise: Tensor) -> Tensor:
        guider = CFGGuider(model)
        guider.set_conds(tiny.prompt(11), tiny.prompt(12))
        guider.set_cfg(4.0)
        sampling = model.get_model_object("model_sampling")
        sigmas = calculate_sigmas(sampling, "normal", STEPS)
        with torch.inference_mode():
            return guider.sample(
                noise, torch.zeros_like(noise), sampler, sigmas, disable_pbar=True, seed=1
            )

    video = run(Heard(plain, 2, "butterworth"), noise)
    assert torch.equal(video, run(plain, found[0]))
