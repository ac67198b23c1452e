"""What a run in windows tells of itself: steps, windows, progress, one line; and its cancelling."""

from __future__ import annotations

import logging
from typing import Any

import comfy.model_management
import comfy.utils
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.call import OPTION, step_of
from animatediff_kit.sampling.windows import VIEWS, WindowSettings, windows_of
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy_extras.nodes_sag import SelfAttentionGuidance

FRAMES, LENGTH = windowed.FRAMES, windowed.LENGTH


STEPS = {
    # sampler -> the step that each of its evaluations belongs to, of three
    "euler": [0, 1, 2],
    "heun": [0, 1, 1, 2, 2],  # a step's second evaluation is at the sigma where the next begins
    "dpm_2": [0, 0, 1, 1, 2],
    "dpmpp_sde": [0, 0, 1, 1, 2],
    "seeds_2": [0, 0, 1, 1, 2],
    "seeds_3": [0, 0, 0, 1, 1, 1, 2],
    "res_multistep": [0, 1, 2],
    "uni_pc": [0, 1, 2],
    "lcm": [0, 1, 2],
}
MOVING = WindowSettings(LENGTH, 1, 1, "looped_uniform")
FIRST_WINDOWS = [windows_of(FRAMES, MOVING, step)[0] for step in range(5)]


def steps_seen(calls: windowed.Calls) -> list[int]:
    """The sampling step of each evaluation, told by its first window."""
    indices = [seen["context_window"].index_list for seen in calls.seen]
    return [FIRST_WINDOWS.index(window) for window in indices[:: len(windows_of(FRAMES, MOVING))]]


@pytest.mark.parametrize("sampler", STEPS)
def test_evaluations_between_sigmas_belong_to_the_step_before(
    still: ModelPatcher, sampler: str
) -> None:
    model, calls = windowed.recorded(
        windowed.windowed(still, schedule="looped_uniform"), "context_window"
    )
    tiny.sample(model, FRAMES, steps=3, cfg=1.0, sampler_name=sampler)
    assert steps_seen(calls) == STEPS[sampler]


@pytest.mark.parametrize("sampler", ["euler", "dpm_2", "heun"])
def test_each_stage_counts_its_own_steps(still: ModelPatcher, sampler: str) -> None:
    """A stage knows its own sigmas alone, as core's windows do."""
    windows = windowed.windowed(still, schedule="looped_uniform")
    model, calls = windowed.recorded(windows, "context_window")
    call = dict(sampler_name=sampler, cfg=1.0)
    first = windowed.advanced(model, noise=True, start=0, end=2, latent=windowed.empty(), **call)
    before = {"euler": [0, 1], "dpm_2": [0, 0, 1, 1], "heun": [0, 1, 1, 1]}[sampler]
    after = {"euler": [0, 1], "dpm_2": [0, 0, 1], "heun": [0, 1, 1]}[sampler]
    assert steps_seen(calls) == before
    calls.seen.clear()
    windowed.advanced(model, noise=False, start=2, end=4, latent=first, **call)
    assert steps_seen(calls) == after


def test_step_of_sigmas() -> None:
    sigmas = torch.tensor([14.6, 3.0, 0.7, 0.0])
    for sigma, step in ((20.0, 0), (14.6, 0), (14.59, 0), (3.1, 0), (3.0, 1), (1.2, 1), (0.1, 2)):
        assert step_of(sigmas, sigma) == (step, 3), sigma
    assert step_of(None, 3.0) == (0, 1)


def kept_options(model: ModelPatcher) -> tuple[ModelPatcher, list[dict[str, Any]]]:
    """The model with a PREDICT_NOISE wrapper that keeps each evaluation's transformer_options."""
    kept: list[dict[str, Any]] = []

    def keep(executor: Any, x: Any, timestep: Any, model_options: Any = None, seed: Any = None):
        kept.append(model_options["transformer_options"])
        return executor(x, timestep, model_options, seed)

    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "keep", keep)
    return model, kept


PUBLISHED = {"ad_params", "context_window"}


@pytest.mark.parametrize("schedule", ["standard_static", VIEWS])
def test_nothing_published_is_left_after_an_evaluation(
    animated: ModelPatcher, schedule: str
) -> None:
    model, kept = kept_options(windowed.windowed(animated, schedule=schedule))
    model, calls = windowed.recorded(model, *PUBLISHED, OPTION)
    tiny.sample(model, FRAMES)
    assert len(kept) == 2 and all(not PUBLISHED & set(options) for options in kept)
    for options in kept:
        assert options[OPTION].indices is None and options[OPTION].views is None
    for seen in calls.seen:
        run = seen.pop(OPTION)
        assert (run.views is not None) == (schedule == VIEWS) == (run.indices is None)
        wanted = set() if schedule == VIEWS else PUBLISHED
        assert {key for key, value in seen.items() if value is not None} == wanted


@pytest.mark.parametrize("call", [1, 2])
def test_cancel_between_windows(animated: ModelPatcher, call: int) -> None:
    """The button is pressed while a window is computed; it is the last."""
    model, kept = kept_options(windowed.windowed(animated))
    plain = tiny.sample(model, FRAMES)
    kept.clear()
    calls: list[int] = []

    def press(executor: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(len(calls) + 1)
        prediction = executor(*args, **kwargs)  # ComfyUI itself looks before each of these
        comfy.model_management.interrupt_current_processing(calls[-1] == call)
        return prediction

    pressed = model.clone()
    pressed.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "press", press)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        tiny.sample(pressed, FRAMES)
    # after the last window of a step the next step's first is not begun
    assert calls[-1] == call
    assert all(not PUBLISHED & set(options) for options in kept)
    assert by_hand.same(tiny.sample(model, FRAMES), plain)


def test_progress_counts_windows(still: ModelPatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def hook(value: int, total: int, preview: Any = None, node_id: Any = None) -> None:
        seen.append((value, total))

    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", hook)
    # 0.33 leaves out what comes sooner than this after the last
    monkeypatch.setattr(comfy.utils, "PROGRESS_THROTTLE_MIN_INTERVAL", 0, raising=False)
    tiny.sample(windowed.windowed(still), FRAMES, steps=2)
    assert seen == [(window, 4) for window in range(1, 5)]


@pytest.mark.parametrize(
    ("frames", "settings", "text"),
    [
        (7, {}, "7 frames in 2 windows of 4, overlap 1, standard_static, pyramid"),
        (
            7,
            {"schedule": "looped_uniform", "fuse": "flat", "closed_loop": True},
            "7 frames in 3 windows of 4, overlap 1, looped_uniform, flat",
        ),
        (4, {}, "4 frames in one window"),
    ],
)
def test_one_line_a_run(
    still: ModelPatcher,
    caplog: pytest.LogCaptureFixture,
    frames: int,
    settings: dict[str, Any],
    text: str,
) -> None:
    model = windowed.windowed(still, **settings)
    for runs in (1, 2):
        with caplog.at_level(logging.INFO, logger="animatediff_kit"):
            tiny.sample(model, frames)
        lines = [r.getMessage() for r in caplog.records if r.name.startswith("animatediff_kit")]
        assert lines == runs * [f"AnimateDiff Kit: {text}."]


@pytest.mark.parametrize(("frames", "expected"), [(FRAMES, 4), (3, 3)])
def test_room_is_made_for_one_window(still: ModelPatcher, frames: int, expected: int) -> None:
    shapes: list[list[int]] = []

    def keep(executor: Any, model: Any, noise_shape: Any, *args: Any, **kwargs: Any) -> Any:
        shapes.append(list(noise_shape))
        return executor(model, noise_shape, *args, **kwargs)

    model = windowed.windowed(still)
    model.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, "keep", keep)
    tiny.sample(model, frames)
    assert shapes == [[expected, 4, 8, 8]]


@pytest.mark.parametrize("schedule", ["standard_static", "views"])
def test_self_attention_guidance_is_refused_in_windows(still: ModelPatcher, schedule: str) -> None:
    guided = SelfAttentionGuidance.execute(still, 0.5, 2.0).result[0]
    model = windowed.windowed(guided, schedule=schedule)
    with pytest.raises(ValueError) as caught:
        windowed.sample_noise(model, windowed.noise_of())
    assert str(caught.value) == (
        "Self-Attention Guidance keeps the attention of one call of the UNet, but 7 frames in "
        "windows of 4 take several, so it would blur frames by others' attention. Remove it, or "
        "lower the number of frames to 4."
    )
    noise = torch.randn((4, 4, 32, 32), generator=torch.Generator().manual_seed(1))
    one, whole = (windowed.sample_noise(m, noise) for m in (model, guided))
    assert torch.equal(one, whole) and whole.isfinite().all()


def test_another_function_after_guidance_is_not_refused(still: ModelPatcher) -> None:
    model = windowed.windowed(still)
    model.set_model_sampler_post_cfg_function(lambda args: args["denoised"])
    expected = windowed.sample_noise(windowed.windowed(still), windowed.noise_of())
    assert torch.equal(windowed.sample_noise(model, windowed.noise_of()), expected)
