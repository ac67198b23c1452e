"""Windows that follow each other over sampling, and views inside windows: against windows that need
neither."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.nodes.windows import ContextWindows
from animatediff_kit.sampling.apply_windows import (
    add_window_phase,
    apply_context_windows,
    memory_of_one_window,
)
from animatediff_kit.sampling.model_noise import windows_on
from animatediff_kit.sampling.window_phases import WindowPhase
from animatediff_kit.sampling.windows import VIEWS, WindowSettings
from comfy.model_patcher import ModelPatcher

FRAMES = 8


def chained(model: ModelPatcher, *phases: dict[str, Any]) -> ModelPatcher:
    """The node once for each."""
    for phase in phases:
        model = ContextWindows.execute(model, **phase).args[0]
    return model


def viewed(model: Any, windows: WindowSettings, views: WindowSettings) -> Any:
    return add_window_phase(model, WindowPhase(windows, views=views))


def sampled(model: Any, **call: Any) -> Any:
    return tiny.sample(model, frames=FRAMES, steps=2, **call)


def test_a_window_of_all_frames_in_views_is_the_schedule_views(animated: ModelPatcher) -> None:
    """Another way through the code, with the same arithmetic; also with values by frame."""
    whole = WindowSettings(FRAMES, 2, on_equal_length=True)
    inside = sampled(viewed(animated, whole, WindowSettings(4, 2)))
    alone = sampled(apply_context_windows(animated, WindowSettings(4, 2, schedule=VIEWS)))
    plain = sampled(animated)
    assert by_hand.relative(inside, alone) < 1e-5 and by_hand.relative(inside, plain) > 1e-2


def test_disjoint_views_are_shorter_windows(still: ModelPatcher) -> None:
    """Each frame sees those of its view alone, so that the longer window makes no difference."""
    model = apply_motion_model(still, tiny.motion_patcher("v3"))
    long = WindowSettings(4, 0, schedule="batched")
    inside = sampled(viewed(model, long, WindowSettings(2, 0)))
    short = sampled(apply_context_windows(model, WindowSettings(2, 0, schedule="batched")))
    assert by_hand.relative(inside, short) < 1e-5
    assert by_hand.relative(inside, sampled(apply_context_windows(model, long))) > 1e-2


def test_views_let_windows_be_longer_than_the_position_table(still: ModelPatcher) -> None:
    model = apply_motion_model(still, tiny.motion_patcher("v2", positions=4))
    settings = dict(length=6, overlap=2)
    frames = sampled(chained(model, dict(**settings, view_length=4, view_overlap=1)))
    assert frames.isfinite().all()
    with pytest.raises(ValueError, match=r"^6 frames exceed the 4 positions .* or its view_length"):
        sampled(chained(model, settings))
    with pytest.raises(ValueError, match=r"^5 frames exceed the 4 positions"):
        sampled(chained(model, dict(**settings, view_length=5)))


FIRST = dict(length=4, overlap=1)
LATER = dict(length=6, overlap=2, fuse="flat")


def test_windows_follow_each_other_as_two_samplers_would(animated: ModelPatcher) -> None:
    both = chained(animated, FIRST, LATER | dict(start_percent=0.5))
    model, calls = windowed.recorded(both, "context_window")
    call = dict(sampler_name="euler")
    frames = windowed.advanced(
        model, noise=True, start=0, end=4, latent=windowed.empty(FRAMES), **call
    )["samples"]
    lengths = [len(seen["context_window"].index_list) for seen in calls.seen]
    assert lengths == [4] * 6 + [6] * 4
    half: Any = windowed.empty(FRAMES)
    for start, settings in ((0, FIRST), (2, LATER)):
        half = windowed.advanced(
            chained(animated, settings),
            noise=start == 0,
            start=start,
            end=start + 2,
            latent=half,
            **call,
        )
    assert by_hand.relative(frames, half["samples"]) < 1e-5
    assert by_hand.relative(frames, tiny.sample(chained(animated, FIRST), FRAMES, steps=4)) > 1e-3


def test_what_the_handler_says(animated: ModelPatcher, caplog: Any) -> None:
    views = dict(view_length=4, view_overlap=1)
    with caplog.at_level(logging.INFO, logger="animatediff_kit"):
        model = chained(animated, LATER | views, FIRST | dict(start_percent=0.4))
        assert not caplog.records, "nothing is replaced"
        sampled(model)
    told = [record.getMessage() for record in caplog.records]
    assert (
        "AnimateDiff Kit: 8 frames in 2 windows of 6, overlap 2, standard_static, flat, views of "
        "4, overlap 1; from 0.4 of sampling on, 8 frames in 3 windows of 4, overlap 1, "
        "standard_static, pyramid."
    ) in told
    handler = model.model_options["context_handler"]
    assert (handler.at_once(8), handler.at_once(6), handler.at_once(3)) == (4, 6, 3)
    assert windows_on(handler) == (4, 1)
    seen: list[Any] = []
    for options in ({}, model.model_options):
        memory_of_one_window(
            lambda model, shape, **more: seen.append(shape),
            model,
            [8, 4, 8, 8],
            model_options=options,
        )
    assert seen == [[8, 4, 8, 8], [6, 4, 8, 8]]


def test_a_loop_that_does_not_close_is_told(animated: ModelPatcher, caplog: Any) -> None:
    loop = dict(schedule="looped_uniform", closed_loop=True, overlap=2)
    for length, told in ((FRAMES, []), (FRAMES - 2, []), (FRAMES + 4, ["Set the length to 8."])):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
            sampled(chained(animated, loop | dict(length=length)))
        messages = [record.getMessage() for record in caplog.records]
        assert [message[-20:] for message in messages] == told
        if told:
            assert messages[0].startswith(
                "closed_loop is on, but 8 frames fit into one window of 12, so the video does not "
            )


def test_the_place_of_a_phase(animated: ModelPatcher, caplog: Any) -> None:
    late = dict(length=2, overlap=0, start_percent=0.7)
    model = chained(animated, FIRST, late, LATER | dict(start_percent=0.3), late | dict(length=3))
    phases = model.model_options["context_handler"].phases
    assert [(phase.start, phase.windows.length) for phase in phases] == [(0, 4), (0.3, 6), (0.7, 3)]
    assert not caplog.records
    model = chained(model, FIRST)
    assert len(model.model_options["context_handler"].phases) == 1
    assert "replaces the context windows" in caplog.text
    with pytest.raises(
        ValueError, match=r"^These windows begin at 0.7 of sampling, but the model has none before"
    ):
        chained(animated, late)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(view_length=4, view_overlap=4), r"^The overlap of 4 frames leaves windows of 4 no "),
        (
            dict(schedule=VIEWS, view_length=8),
            r"^view_length is 8, but the schedule views slides inside the motion layers already;",
        ),
    ],
)
def test_impossible_views(still: ModelPatcher, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ContextWindows.execute(still, **given)


def test_nothing_of_views_is_left(animated: ModelPatcher) -> None:
    """A run with views, then one without, is the one without."""
    plain = sampled(animated)
    sampled(chained(animated, LATER | dict(view_length=4, view_overlap=1)))
    assert torch.equal(sampled(animated), plain)
