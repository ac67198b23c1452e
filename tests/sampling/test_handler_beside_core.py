"""The windows beside core's own Context Windows node, which sets the same slot of the model."""

from __future__ import annotations

import logging
import random
from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.nodes.animate import DISPLAY_NAME
from animatediff_kit.nodes.windows import ContextWindows
from animatediff_kit.sampling.handler import FrameWindows
from animatediff_kit.sampling.windows import WindowSettings, windows_of
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_context_windows import ContextWindowsManualNode


def cores_node(model: ModelPatcher, **more: Any) -> ModelPatcher:
    """The model with core's Context Windows (Manual) node behind it, as the page runs it."""
    given: dict[str, Any] = dict(
        context_length=windowed.LENGTH,
        context_overlap=windowed.OVERLAP,
        context_schedule="standard_static",
        context_stride=1,
        closed_loop=False,
        fuse_method="pyramid",
        dim=0,
        freenoise=False,
        causal_window_fix=False,  # would add a frame to each window
    )
    given.update(more)
    inputs = {i.id for i in ContextWindowsManualNode.define_schema().inputs}
    given = {key: value for key, value in given.items() if key in inputs}
    (result,) = ContextWindowsManualNode.execute(model, **given).result
    return result


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_replacing_cores_windows_names_both_nodes(
    still: ModelPatcher, caplog: pytest.LogCaptureFixture
) -> None:
    first = cores_node(still)
    (second,) = ContextWindows.execute(first).result
    assert warnings(caplog) == [
        f"{ContextWindows.define_schema().display_name} replaces the context windows that "
        f"{ContextWindowsManualNode.define_schema().display_name} has set on this model."
    ]
    assert isinstance(second.model_options["context_handler"], FrameWindows)
    assert not isinstance(first.model_options["context_handler"], FrameWindows)


def test_replacing_our_own_windows_names_both_nodes(
    still: ModelPatcher, caplog: pytest.LogCaptureFixture
) -> None:
    animate, slide = DISPLAY_NAME, ContextWindows.define_schema().display_name
    first = windowed.windowed(still, node=animate)
    ContextWindows.execute(first)
    windowed.windowed(windowed.windowed(still), node=animate)
    assert warnings(caplog) == [
        f"{slide} replaces the context windows that {animate} has set on this model.",
        f"{animate} replaces the context windows that {slide} has set on this model.",
    ]


def test_one_node_does_not_warn(still: ModelPatcher, caplog: pytest.LogCaptureFixture) -> None:
    ContextWindows.execute(still)
    assert not warnings(caplog)


@pytest.mark.parametrize("freenoise", [False, True])
def test_nothing_of_cores_windows_is_left(still: ModelPatcher, freenoise: bool) -> None:
    """Its wrappers expect its handler; those of 0.33 fail at another."""
    replaced = windowed.windowed(cores_node(still, freenoise=freenoise))
    frames = tiny.sample(replaced, windowed.FRAMES)
    assert by_hand.same(frames, tiny.sample(windowed.windowed(still), windowed.FRAMES))


SHARED = ["standard_static", "standard_uniform", "looped_uniform", "batched"]


@pytest.mark.parametrize("schedule", SHARED)
def test_window_lists_are_cores(still: ModelPatcher, schedule: str) -> None:
    """Those of its handler itself, at stride 1, for random videos."""
    draw = random.Random(schedule)
    for _ in range(200):
        length = draw.randint(2, 24)
        overlap, frames = draw.randint(0, length - 1), draw.randint(length + 1, 160)
        closed = schedule == "looped_uniform" and draw.random() < 0.5
        given = dict(context_length=length, context_overlap=overlap, context_schedule=schedule)
        model = cores_node(still, **given, closed_loop=closed)
        handler: Any = model.model_options["context_handler"]
        handler._step = step = draw.randint(0, 30)
        windows = handler.get_context_windows(model.model, torch.zeros(frames, 1), {})
        expected = [[int(frame) for frame in window.index_list] for window in windows]
        settings = WindowSettings(length, overlap, 1, schedule, closed_loop=closed)
        assert windows_of(frames, settings, step) == expected, (frames, settings, step)


@pytest.mark.parametrize(
    ("schedule", "fuse"),
    [
        ("standard_static", "pyramid"),
        ("standard_uniform", "relative"),
        ("looped_uniform", "flat"),
        ("batched", "pyramid"),
    ],
)
def test_motion_under_cores_windows(animated: ModelPatcher, schedule: str, fuse: str) -> None:
    """0.3.75 can have windows over frames only where these are one more than the steps."""
    call = dict(frames=windowed.FRAMES, steps=windowed.FRAMES - 1, positive=tiny.prompt(11))
    theirs = cores_node(animated, context_schedule=schedule, fuse_method=fuse)
    frames = tiny.sample(theirs, **call)
    ours = tiny.sample(windowed.windowed(animated, schedule=schedule, fuse=fuse), **call)
    assert by_hand.relative(ours, frames) < windowed.ROUNDING


def test_cores_node_replaces_ours(animated: ModelPatcher) -> None:
    """The last node on the model counts, as with any two."""
    call = dict(frames=windowed.FRAMES, steps=windowed.FRAMES - 1)
    frames = tiny.sample(cores_node(windowed.windowed(animated, 5, 3)), **call)
    assert by_hand.same(frames, tiny.sample(cores_node(animated), **call))
