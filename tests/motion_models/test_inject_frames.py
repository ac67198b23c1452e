"""Frames: any number up to the position table's end, whatever prompts and batches ComfyUI makes."""

from __future__ import annotations

import inspect
import logging
from typing import Any

import comfy.context_windows
import comfy.model_management as memory
import pytest
import torch
from adk_tests.support import by_hand, tiny
from adk_tests.support.calls import recorded
from animatediff_kit.motion_models.inject import apply_motion_model
from comfy.model_patcher import ModelPatcher

POSITIONS = 6


@pytest.fixture
def short(base: ModelPatcher) -> ModelPatcher:
    """A model animated by a motion model of 6 positions."""
    return apply_motion_model(base, tiny.motion_patcher("v2", positions=POSITIONS))


@pytest.mark.parametrize("frames", range(1, POSITIONS + 1))
def test_any_number_of_frames(short: ModelPatcher, frames: int) -> None:
    expected = tiny.sample(by_hand.animated("v2", frames=frames), frames=frames)
    assert by_hand.same(tiny.sample(short, frames=frames), expected)


@pytest.mark.parametrize("family", ["v1", "v3"])
def test_as_many_frames_as_positions(base: ModelPatcher, family: str) -> None:
    motion = tiny.motion_patcher(family)
    frames = motion.model.spec.positions
    built_in = tiny.sample(by_hand.animated(family, frames=frames), frames=frames, steps=1)
    frames_out = tiny.sample(apply_motion_model(base, motion), frames=frames, steps=1)
    assert by_hand.relative(frames_out, built_in) < 1e-5


def test_too_many_frames(short: ModelPatcher) -> None:
    model, calls = recorded(short)
    with pytest.raises(ValueError) as caught:
        tiny.sample(model, frames=7)
    assert str(caught.value) == (
        "7 frames exceed the 6 positions that tiny_v2 has. Set context_length of Animate Model to "
        "6, connect Slide Context Windows with this length, or lower the number of frames "
        "(batch_size in Empty Latent Image) to 6."
    )
    assert not calls.batches, "the UNet was run before"
    expected = tiny.sample(by_hand.animated("v2", frames=6), frames=6)
    assert by_hand.same(tiny.sample(model, frames=6), expected)


def test_the_window_named_is_16_where_it_may_be(base: ModelPatcher) -> None:
    model = apply_motion_model(base, tiny.motion_patcher("v2"))
    with pytest.raises(ValueError, match=r"33 frames exceed the 32 .* Model to 16, .* to 32\.$"):
        tiny.sample(model, frames=33)


def with_windows(model: ModelPatcher, length: int) -> ModelPatcher:
    """Core's own context windows over the frames."""
    windows = comfy.context_windows
    keywords: dict[str, Any] = dict(context_length=length, context_overlap=1, dim=0)
    if "causal_window_fix" in inspect.signature(windows.IndexListContextHandler).parameters:
        keywords["causal_window_fix"] = False  # adds a frame to each window
    handler = windows.IndexListContextHandler(
        windows.get_matching_context_schedule("standard_static"),
        windows.get_matching_fuse_method("pyramid"),
        **keywords,
    )
    windowed = model.clone()
    windowed.model_options["context_handler"] = handler
    return windowed


def test_more_frames_in_cores_windows(short: ModelPatcher) -> None:
    """0.3.75 cannot do windows over frames unless there is one frame more than steps."""
    model, calls = recorded(with_windows(short, 4))
    frames = tiny.sample(model, frames=5, steps=4)
    expected = tiny.sample(with_windows(by_hand.animated("v2", frames=4), 4), frames=5, steps=4)
    assert by_hand.same(frames, expected)
    assert set(calls.batches) == {8}  # windows of 4 frames, two prompts


def test_a_window_that_is_too_long(short: ModelPatcher) -> None:
    model, calls = recorded(with_windows(short, 7))
    with pytest.raises(ValueError) as caught:
        tiny.sample(model, frames=9, steps=8)
    assert str(caught.value) == (
        "7 frames exceed the 6 positions that tiny_v2 has. Set the context window's length to 6 or "
        "less, or its view_length."
    )
    assert not calls.batches, "the UNet was run before"


def test_one_frame_warns_once_a_run(short: ModelPatcher, caplog: pytest.LogCaptureFixture) -> None:
    for runs in (1, 2):
        with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
            frames = tiny.sample(short, frames=1, steps=3)
        warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        assert warnings == runs * [
            "Only 1 frame is being sampled; tiny_v2 needs about 16 to show motion. Raise "
            "batch_size in Empty Latent Image: it is the number of frames."
        ]
        assert frames.shape == (1, 4, 8, 8) and frames.isfinite().all()


def test_two_frames_do_not_warn(short: ModelPatcher, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
        tiny.sample(short, frames=2)
    assert not caplog.records


def no_memory(model: ModelPatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """ComfyUI finds no room for two prompts at once."""
    monkeypatch.setattr(memory, "get_free_memory", lambda *a, **k: (0, 0) if len(a) > 1 else 0)
    if hasattr(model, "get_free_memory"):  # asked instead since 0.33
        monkeypatch.setattr(type(model), "get_free_memory", lambda self, device: 0)


@pytest.mark.parametrize("family", ["v1", "v2"])
def test_prompts_together_or_one_by_one(
    base: ModelPatcher, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    model, calls = recorded(apply_motion_model(base, tiny.motion_patcher(family)), "cond_or_uncond")
    together = tiny.sample(model, frames=5)
    assert calls.prompts() == 2 * [(10, [1, 0])]
    no_memory(model, monkeypatch)
    apart = tiny.sample(model, frames=5)
    assert calls.prompts()[2:] == 2 * [(5, [1]), (5, [0])]
    assert by_hand.relative(apart, together) < 1e-4


def built_in(frames: int, **call: Any) -> torch.Tensor:
    return tiny.sample(by_hand.animated("v2", frames=frames), frames=frames, **call)


def test_several_prompts_in_one_batch(short: ModelPatcher) -> None:
    model, calls = recorded(short, "cond_or_uncond")
    positive = [*tiny.prompt(11), *tiny.prompt(13), *tiny.prompt(14)]
    frames = tiny.sample(model, frames=3, positive=positive)
    assert calls.prompts() == 2 * [(12, [1, 0, 0, 0])]
    assert by_hand.same(frames, built_in(3, positive=positive))


def test_prompts_of_different_lengths(short: ModelPatcher) -> None:
    """7 and 21 tokens share a batch, 7 and 40 do not."""
    model, calls = recorded(short)
    positive = [*tiny.prompt(11, tokens=21), *tiny.prompt(13, tokens=40)]
    frames = tiny.sample(model, frames=3, positive=positive)
    assert sorted(calls.batches[:2]) == [3, 6]
    assert by_hand.same(frames, built_in(3, positive=positive))


def test_one_prompt_a_frame(short: ModelPatcher) -> None:
    positive = [[torch.cat([tiny.prompt(20 + i)[0][0] for i in range(3)]), {}]]
    frames = tiny.sample(short, frames=3, positive=positive)
    assert by_hand.same(frames, built_in(3, positive=positive))


def test_a_prompt_for_an_area(short: ModelPatcher) -> None:
    """A crop of each frame: other maps, the same number of frames."""
    model, calls = recorded(short)
    [[tokens, extra]] = tiny.prompt(13)
    area = [[tokens, {**extra, "area": (8, 4, 0, 2), "strength": 1.0}]]
    frames = tiny.sample(model, frames=3, positive=[*tiny.prompt(11), *area])
    assert calls.widths == {8, 4}
    assert by_hand.same(frames, built_in(3, positive=[*tiny.prompt(11), *area]))


def test_frames_of_one_video_do_not_touch_anothers(base: ModelPatcher) -> None:
    """What one prompt gives does not depend on the prompt beside it."""
    model = apply_motion_model(base, tiny.motion_patcher("v1"))
    guided = tiny.sample(model, steps=1, cfg=1.0)
    seen: list[torch.Tensor] = []

    def take_positive(args: dict[str, Any]) -> torch.Tensor:
        seen.append(args["cond_denoised"])
        return args["denoised"]

    both = model.clone()
    both.set_model_sampler_post_cfg_function(take_positive)
    tiny.sample(both, steps=1, cfg=3.0)
    assert by_hand.relative(base.model.process_latent_out(seen[0]), guided) < 1e-4
