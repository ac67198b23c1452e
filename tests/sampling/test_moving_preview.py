"""Seen while it is sampled: all frames, beside what listens already, and nothing changes by it."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import folder_paths
import latent_preview
import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.sampling import moving_preview
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.moving_preview import KEY, add_moving_preview
from animatediff_kit.sampling.preview_sheet import Sheet
from animatediff_kit.sampling.windows import WindowSettings
from comfy.cli_args import LatentPreviewMethod, args
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.taesd.taesd import TAESD


class Audience:
    """Looks at a number of runs, and keeps what it sees."""

    def __init__(self) -> None:
        self.runs = 0
        self.seen: list[Sheet] = []

    def __call__(self) -> Any:
        self.runs += 1
        return self.seen.append


@pytest.fixture
def audience(monkeypatch: pytest.MonkeyPatch) -> Audience:
    """Which may be shown every step."""
    monkeypatch.setattr(moving_preview, "SECONDS", 0.0)
    monkeypatch.setattr(moving_preview, "TIMES", 0.0)
    return Audience()


@pytest.mark.parametrize(
    ("sampler", "schedule"),
    [("euler", None), ("uni_pc", "standard_static"), ("dpmpp_2m", "views")],
)
def test_every_step_shows_all_frames_and_changes_none(
    animated: ModelPatcher, audience: Audience, sampler: str, schedule: str | None
) -> None:
    if schedule is not None:
        animated = apply_context_windows(animated, WindowSettings(4, 2, schedule=schedule), "it")
    told: list[int] = []
    shown = add_moving_preview(animated, audience)
    options: dict[str, Any] = dict(frames=6, steps=3, sampler_name=sampler)
    with_preview = tiny.sample(
        shown, callback=lambda step, x0, x, total: told.append(len(x0)), **options
    )
    assert torch.equal(with_preview, tiny.sample(animated, **options))
    assert told == [6, 6, 6], "who listened before listens still"
    assert audience.runs == 1
    assert [(sheet.frames, sheet.width, sheet.height) for sheet in audience.seen] == [(6, 8, 8)] * 3
    pixels = [sheet.picture.tobytes() for sheet in audience.seen]
    assert len(set(pixels)) == 3


def test_nobody_looks_and_nothing_is_drawn(
    animated: ModelPatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latent_preview, "get_previewer", None)  # it would raise
    shown = add_moving_preview(animated, lambda: None)
    assert torch.equal(tiny.sample(shown, frames=3), tiny.sample(animated, frames=3))


def test_one_frame_does_not_move(still: ModelPatcher, audience: Audience) -> None:
    tiny.sample(add_moving_preview(still, audience), frames=1)
    assert audience.seen == []


def test_it_is_added_once(still: ModelPatcher, audience: Audience) -> None:
    twice = add_moving_preview(add_moving_preview(still, audience), audience)
    tiny.sample(twice, frames=2, steps=2)
    assert len(audience.seen) == 2
    assert not still.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY)


def test_it_is_drawn_once_a_second_at_most(still: ModelPatcher) -> None:
    quick, begun = Audience(), time.perf_counter()
    tiny.sample(add_moving_preview(still, quick), frames=2, steps=40)
    assert 1 <= len(quick.seen) <= 1 + time.perf_counter() - begun


def test_it_steps_back_for_another_packs_previews(
    still: ModelPatcher,
    audience: Audience,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As VideoHelperSuite puts its own in ComfyUI's place where its previews are on."""

    class Animated(latent_preview.LatentPreviewer):
        pass

    monkeypatch.setattr(latent_preview, "get_previewer", lambda *_: Animated())
    caplog.set_level(logging.INFO)
    tiny.sample(add_moving_preview(still, audience), frames=3)
    assert audience.seen == []
    assert f"no moving preview, since {__name__} draws previews." in caplog.text


def test_taesd_draws_where_comfyui_has_it(
    still: ModelPatcher, audience: Audience, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights = tiny.randomise(TAESD().taesd_decoder.state_dict(), 2)
    torch.save(weights, tmp_path / "taesd_decoder.pth")
    known = folder_paths.folder_names_and_paths
    monkeypatch.setitem(known, "vae_approx", ([str(tmp_path)], {".pth"}))
    monkeypatch.setattr(args, "preview_method", LatentPreviewMethod.TAESD)
    tiny.sample(add_moving_preview(still, audience), frames=3, steps=1)
    (sheet,) = audience.seen
    assert (sheet.frames, sheet.width, sheet.height) == (3, 64, 64)
    assert len(set(sheet.picture.tobytes())) > 100, "it draws more than one colour"


def test_a_preview_that_fails_ends_no_run(
    still: ModelPatcher, audience: Audience, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(Audience):
        def __call__(self) -> Any:
            return self.fail

        def fail(self, sheet: Sheet) -> None:
            self.runs += 1
            raise RuntimeError("no memory is left")

    full = Full()
    assert torch.equal(
        tiny.sample(add_moving_preview(still, full), frames=2, steps=3),
        tiny.sample(still, frames=2, steps=3),
    )
    assert full.runs == 1, "it is not tried again"
    assert "The moving preview of this run stops (no memory is left). Sampling goes" in caplog.text
