"""Contact Sheet: what it names, leaves out, and holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import comfy.model_management as memory
import pytest
import torch
from adk_tests.support.clip_sets import DrawnClips
from adk_tests.support.moving import camera
from animatediff_kit.measures.contact_sheet import PAGE
from animatediff_kit.nodes.training import sheet
from animatediff_kit.nodes.training.contact_sheet import ContactSheet
from animatediff_kit.nodes.training.sheet import sheet_of
from animatediff_kit.training.data.camera_moves import CameraMove
from animatediff_kit.training.data.clips import ClipSet
from animatediff_kit.training.data.joined_clips import joined
from torch import Tensor

SIZE = (64, 64)

SHOWN: list[Tensor] = [
    camera(6, pan=2, size=SIZE, seed=0),
    torch.cat([camera(3, pan=1, size=SIZE, seed=1), camera(3, pan=1, size=SIZE, seed=2)]),
    camera(6, size=SIZE, seed=3),
    camera(6, pan=2, size=SIZE, seed=0) * 0.99,
    camera(6, zoom=1.04, size=SIZE, seed=4),
]


class Videos(DrawnClips):
    """Of known faults: fine, a cut, still, the first again, fine, one that cannot be read."""

    def captions(self, index: int) -> tuple[str, ...]:
        return ("一只狗", "a dog") if index == 0 else (self.caption(index),)

    def fps(self, index: int) -> float:
        return 8.0

    def frames(self, index: int) -> Iterator[Tensor]:
        if index == 5:
            yield from super().frames(index)
        yield from SHOWN[index]


def videos() -> Videos:
    return Videos(6, bad=(5,))


def done(output: Any) -> tuple[ClipSet, Tensor, str]:
    return output.result


def test_a_picture_that_is_too_small_for_its_camera_is_marked() -> None:
    """The others are shown."""

    class Pictures(DrawnClips):
        def frames(self, index: int) -> Iterator[Tensor]:
            side = 64 if index else 96
            yield from torch.rand((self.length, side, side, 3))

    _, _, text = done(ContactSheet.execute(CameraMove(Pictures(2), "zoom in")))
    assert "1 are marked: clip 1 (unfit: clip 1 is 64 x 64, too small for zoom in" in text
    assert "clip 0 | a caption 0 | 2 frames" in text


def test_what_is_unfit_is_named() -> None:
    clips = videos()
    kept, pages, text = done(ContactSheet.execute(clips))
    assert kept is clips and pages.shape == (1, PAGE[1], PAGE[0], 3)
    head, _, listing = text.partition("\n\n")
    assert head.splitlines() == [
        "6 of 6 clips.",
        "3 are marked: clip 1 (a cut at frame 3); clip 2 (no motion); clip 5 (unreadable: clip 5 "
        "cannot be decoded (torn).).",
        "Nearly the same: clip 0, clip 3.",
    ]
    lines = listing.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("clip 0 | 一只狗 / a dog | 6 frames at 8 fps | flow 2.0")
    assert lines[0].endswith("px, pan left +16 %") and "zoom in x 1.2" in lines[4]
    assert lines[1].endswith("| a cut at frame 3") and lines[2].endswith("| no motion")


@pytest.mark.parametrize(
    ("leave_out", "left"),
    [("cuts", [1]), ("no motion", [2]), ("cuts and no motion", [1, 2])],
)
def test_what_is_left_out_on_request(leave_out: str, left: list[int]) -> None:
    """Of joined sets too, once for all repeats; the others keep name and identity."""
    kept, _, text = done(ContactSheet.execute(videos(), leave_out=leave_out))
    rest = [f"clip {i}" for i in range(6) if i not in left]
    assert [kept.name(i) for i in range(len(kept))] == rest
    assert f"{len(left)} of them are left out." in text
    both = joined(joined(None, videos(), 2), DrawnClips(1, length=1))
    kept, _, text = done(ContactSheet.execute(both, leave_out=leave_out))
    names = [*rest, *rest, "clip 0"]
    assert [kept.name(i) for i in range(len(kept))] == names
    assert "7 of 7 clips." in text and "| 1 frames | an image" in text


def test_some_of_many_spread_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are kept of so many as the pages show, and what is marked goes first."""
    clips = Videos(5)
    _, _, text = done(ContactSheet.execute(clips, most=2))
    assert clips.was_read == [] and text.startswith(
        "2 of 5 clips, spread over all; what is left out and which are alike is told of these "
        "alone. Set most higher, or to 0 for all."
    )
    assert [line.split(" | ")[0] for line in text.splitlines()[-2:]] == ["clip 0", "clip 2"]
    monkeypatch.setattr(sheet, "SHOWN", 2)
    shown: list[Any] = []
    pages = sheet.pages
    monkeypatch.setattr(sheet, "pages", lambda cells: shown.extend(cells) or pages(cells))
    _, _, text = done(ContactSheet.execute(Videos(5), most=0))
    assert [cell.lines[0] for cell in shown] == ["clip 1", "clip 2"]
    assert "The pages show 2 of them, those that are marked first." in text


def test_cancel_ends_it_within_a_clip() -> None:
    steps: list[int] = []

    def each(done: int, total: int) -> None:
        steps.append(done)
        memory.interrupt_current_processing(len(steps) == 4)
        memory.throw_exception_if_processing_interrupted()

    with pytest.raises(memory.InterruptProcessingException):
        sheet_of(videos(), 0, "nothing", each)
    assert steps == [0, 0, 0, 0]


def test_input_that_is_none() -> None:
    with pytest.raises(ValueError, match="^clips is None. Connect the node Load Video Clips"):
        ContactSheet.execute(None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="^leave_out is 'all'; it must be one of nothing, cuts"):
        ContactSheet.execute(videos(), leave_out="all")
