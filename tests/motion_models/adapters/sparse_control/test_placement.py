"""Which frames the hint images are of, and which of them a window sees."""

from __future__ import annotations

import pytest
from animatediff_kit.motion_models.adapters.sparse_control.placement import (
    INDICES,
    SPREADS,
    HintFrames,
    in_window,
    read_indices,
)

WORKED = {
    # (spread, images, frames) -> frames, by hand
    ("uniform", 1, 16): [0],
    ("uniform", 2, 16): [0, 15],
    ("uniform", 3, 17): [0, 8, 16],
    ("uniform", 4, 16): [0, 5, 10, 15],
    ("starting", 1, 16): [0],
    ("starting", 4, 16): [0, 4, 8, 12],
    ("ending", 1, 16): [15],
    ("ending", 4, 16): [3, 7, 11, 15],
    ("center", 1, 16): [8],
    ("center", 2, 16): [4, 12],
}


@pytest.mark.parametrize(("case", "frames"), WORKED.items())
def test_spreads(case: tuple[str, int, int], frames: list[int]) -> None:
    spread, images, length = case
    assert list(HintFrames(spread).of(images, length)) == frames


@pytest.mark.parametrize("spread", SPREADS)
def test_every_spread_gives_each_image_a_frame_of_its_own(spread: str) -> None:
    for frames in range(1, 40):
        for images in range(1, frames + 1):
            hints = HintFrames(spread).of(images, frames)
            assert list(hints.values()) == list(range(images))
            assert list(hints) == sorted(hints) and set(hints) <= set(range(frames))
        assert list(hints) == list(range(frames))


def test_indices_count_from_the_end_below_zero_and_one_image_serves_many() -> None:
    assert HintFrames(INDICES, (0, 8, -1)).of(3, 16) == {0: 0, 8: 1, 15: 2}
    assert HintFrames(INDICES, (0, -1)).of(1, 16) == {0: 0, 15: 0}


@pytest.mark.parametrize(
    ("text", "indices"),
    [("0", (0,)), (" 0, 8,-1 ", (0, 8, -1)), ("3;5", (3, 5)), ("1 2\n+3", (1, 2, 3))],
)
def test_indices_are_read(text: str, indices: tuple[int, ...]) -> None:
    assert read_indices(text) == indices


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "^frame_indices is empty; write one frame for each image, like 0, 8, -1.$"),
        (" , ", "^frame_indices is empty"),
        ("0, x", "^'x' in frame_indices is no whole number; write frames like 0, 8, -1.$"),
        ("0.5", "^'0.5' in frame_indices is no whole number"),
        ("0:3", "^'0:3' in frame_indices is no whole number"),
        ("9" * 5000, "in frame_indices is no whole number"),
    ],
)
def test_what_is_no_list_of_frames(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_indices(text)


@pytest.mark.parametrize(
    ("hints", "images", "sentence"),
    [
        (HintFrames(INDICES, (0, 16)), 2, "^Hint frame 16 lies outside the video, whose 16 frames"),
        (HintFrames(INDICES, (-17,)), 1, r"^Hint frame -17 lies outside .*-1 to -16 from the end"),
        (HintFrames(INDICES, (3, -13)), 2, r"^Frame 3 is given two hints in .* \(3, -13\); give"),
        (HintFrames(INDICES, (0, 1)), 3, r"^2 frame indices \(0, 1\) are given for 3 hint images;"),
        (HintFrames("uniform"), 17, "^17 hint images are given for a video of 16 frames; give 16"),
        (HintFrames("everywhere"), 1, "^'everywhere' is no placement of hint images; there are"),
    ],
)
def test_what_does_not_fit_the_video(hints: HintFrames, images: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        hints.of(images, 16)


HINTS = {0: 10, 8: 11, 15: 12}


@pytest.mark.parametrize(
    ("window", "places"),
    [
        ([0, 1, 2, 3], {0: 10}),
        ([6, 7, 8, 9], {2: 11}),
        ([8, 9, 10, 11, 12, 13, 14, 15], {0: 11, 7: 12}),
        ([14, 15, 0, 1], {1: 12, 2: 10}),  # round the end of a loop
        ([9, 10, 11], {0: 11}),  # frame 9 is 1 from hint 8, frame 11 is 4 from hint 15
        ([12, 13, 14], {2: 12}),
        ([2, 3, 4, 5, 6], {0: 10, 4: 11}),  # as near on either side
        ([9, 11, 13], {0: 11}),
        ([7, 9], {0: 11}),  # between two frames of a stride: the first of them
    ],
)
def test_hints_of_a_window(window: list[int], places: dict[int, int]) -> None:
    assert in_window(HINTS, window) == places
