"""Pictures of videos are upright, not mirrored, with square pixels, and opaque."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from adk_tests.support.videos import numbered, numbers, set_matrix, write_video
from animatediff_kit.training.data.clips import UnreadableClip
from animatediff_kit.training.data.display import on_white, square_size
from animatediff_kit.training.data.videos import decode

HEIGHT, WIDTH = 64, 96
NAMES = {(220, 30, 30): "R", (30, 220, 30): "G", (30, 30, 220): "B", (200, 200, 200): "W"}


def four_colours() -> np.ndarray:
    """R G above B W"""
    red, green, blue, white = (np.array(colour, np.uint8) for colour in NAMES)
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:32, :48], picture[:32, 48:], picture[32:, :48], picture[32:, 48:] = (
        red,
        green,
        blue,
        white,
    )
    return picture


def colours(picture: np.ndarray) -> str:
    """The names of the four quarters' colours, row by row."""
    h, w = picture.shape[:2]
    middles = [picture[y, x] for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]
    return "".join(
        next(name for colour, name in NAMES.items() if np.abs(middle - np.array(colour)).max() < 40)
        for middle in middles
    )


@pytest.mark.parametrize(
    ("matrix", "shown", "turned"),
    [
        ((1, 0, 0, 1), "RGBW", False),
        ((-1, 0, 0, 1), "GRWB", False),
        ((1, 0, 0, -1), "BWRG", False),
        ((-1, 0, 0, -1), "WBGR", False),
        ((0, 1, -1, 0), "BRWG", True),
        ((0, -1, 1, 0), "GWRB", True),
        ((0, 1, 1, 0), "RBGW", True),
        ((0, -1, -1, 0), "WGBR", True),
    ],
)
def test_a_phones_display_matrix_is_carried_out(
    tmp_path: Path, matrix: tuple[int, int, int, int], shown: str, turned: bool
) -> None:
    video = set_matrix(write_video(tmp_path / "a.mp4", [four_colours()] * 3), *matrix)
    (picture,) = decode(video, "a.mp4", 0, 1, 1)
    assert colours(picture) == shown
    assert picture.shape[:2] == ((WIDTH, HEIGHT) if turned else (HEIGHT, WIDTH))


@pytest.mark.parametrize("kind", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("aspect", "size"),
    [(Fraction(2, 1), (64, 128)), (Fraction(1, 2), (128, 64)), (Fraction(12, 11), (64, 70))],
)
def test_pixels_are_made_square(
    tmp_path: Path, kind: str, aspect: Fraction, size: tuple[int, int]
) -> None:
    video = write_video(tmp_path / f"a{kind}", 12, aspect=aspect)
    pictures = decode(video, video.name, 3, 4, 3)
    assert {picture.shape for picture in pictures} == {(*size, 3)}
    assert numbers(torch.from_numpy(np.stack(pictures)) / 255) == [3, 7, 11]


def test_pixels_are_made_square_before_the_picture_is_turned(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", [four_colours()] * 3, aspect=Fraction(2, 1))
    (picture,) = decode(set_matrix(video, 0, 1, -1, 0), "a.mp4", 0, 1, 1)
    assert picture.shape == (2 * WIDTH, HEIGHT, 3) and colours(picture) == "BRWG"


def test_an_aspect_that_cannot_be_meant() -> None:
    assert square_size(64, 96, None, "a.mp4") == square_size(64, 96, Fraction(1), "a.mp4")
    with pytest.raises(UnreadableClip, match="^a.mp4 has pixels of 1 x 900; its header is wrong.$"):
        square_size(64, 96, Fraction(1, 900), "a.mp4")


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    picture = np.dstack([four_colours(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    picture[:32, :48, 3] = 0
    picture[32:, 48:, 3] = 127
    video = write_video(tmp_path / "a.mov", [picture] * 2, codec="png", pixels="rgba")
    (shown,) = decode(video, "a.mov", 0, 1, 1)
    assert (shown[:32, :48] == 255).all() and (shown[:32, 48:] == (30, 220, 30)).all()
    assert (shown[32:, 48:] == round((200 * 127 + 255 * 128) / 255)).all()
    opaque = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert on_white(opaque, np.full((8, 8), 255, np.uint8)) is opaque


def test_ordinary_pictures_come_as_pyav_gives_them(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", [numbered(i, HEIGHT, WIDTH) for i in range(5)])
    with av.open(str(video)) as container:
        plain = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.array_equal(np.stack(decode(video, "a.mp4", 0, 1, 5)), np.stack(plain))


def test_a_large_picture_is_made_smaller_as_it_is_decoded(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", [numbered(i, 256, 512) for i in range(9)])
    set_matrix(video, 0, 1, -1, 0)
    asked: list[tuple[int, int]] = []

    def half(height: int, width: int) -> int:
        asked.append((height, width))
        return 2

    pictures = decode(video, "a.mp4", 0, 8, 2, half)
    assert asked == [(512, 256)] * 2
    upright = np.stack([np.rot90(picture) for picture in pictures])
    assert upright.shape == (2, 128, 256, 3)
    assert numbers(torch.from_numpy(upright) / 255) == [0, 8]
