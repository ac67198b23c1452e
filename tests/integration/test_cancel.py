"""Progress and cancel of a long animation: both go by windows, not by steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.integration.graphs import Scene, forget, run
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.server import Server

FRAMES, LENGTH, OVERLAP, STEPS = 28, 8, 3, 2
WINDOWS = 5  # starts 0, 5, 10, 15, 20
WINDOWED: dict[str, Any] = dict(length=LENGTH, overlap=OVERLAP)


def long_animation(frames: int = FRAMES, steps: int = STEPS) -> tuple[Scene, str]:
    """A graph with an animation in windows, and the node that samples it."""
    scene = Scene(frames)
    sampler = scene.sampled(scene.windowed(scene.animated(), **WINDOWED), steps=steps, cfg=1.0)
    scene.kept(sampler)
    return scene, sampler[0]


def test_progress_comes_after_every_window(server: Server) -> None:
    forget(server)
    scene, sampler = long_animation()
    progress = run(server, scene).progress(sampler)
    by_window = [value for value, most in progress if most == STEPS * WINDOWS]
    assert by_window == list(range(1, STEPS * WINDOWS + 1))
    shares = [value / most for value, most in progress]
    assert shares == sorted(shares)  # the bar never goes back


def test_cancel_ends_a_long_animation_within_a_window(server: Server) -> None:
    forget(server)
    scene, sampler = long_animation(frames=208, steps=20)
    after: list[Any] = []
    cancelled = False
    with pytest.raises(LauncherError, match=rf"interrupted at node {sampler} \(KSampler\)"):
        for event in server.client.run(scene.prompt):
            if event.kind != "progress" or event.data["node"] != sampler:
                continue
            if cancelled:
                after.append(event.data)
            else:
                assert event.data["max"] > 20  # windows
                server.client.interrupt()
                cancelled = True
    assert len(after) <= 2  # the window that was running, and one whose message was on its way
    scene, _ = long_animation(frames=9, steps=1)
    keeper = scene.kept(scene.sampled(scene.model, steps=1))
    done = run(server, scene)
    assert keeper in done.executed() and torch.isfinite(done.latent(keeper)).all()
