"""The styles draw the same things otherwise; the video set's defect is where it is said to be."""

from __future__ import annotations

import colorsys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from animatediff_kit.small_world.draw import clip_frames, video
from animatediff_kit.small_world.motions import SIDE
from animatediff_kit.small_world.scene import Scene, draw
from animatediff_kit.small_world.styles import (
    BLUR,
    GLOW,
    MARK,
    MARK_OPACITY,
    MARK_SCALE,
    MARK_TOP,
    STYLES,
    neon_ground,
    neon_thing,
    spoil,
    watermark,
)
from animatediff_kit.small_world.words import COLOURS, GROUNDS, PATTERNS, SHAPES
from scipy import ndimage

from .looks import PLACES, scene, share

EVERY_SHAPE = pytest.mark.parametrize("shape", SHAPES)
X, Y = np.meshgrid(PLACES, PLACES)


def still(seen: Scene) -> np.ndarray:
    """-> h w 3"""
    return draw(seen, np.zeros(1, dtype=np.float32))[0]


def still_share(seen: Scene) -> np.ndarray:
    return share(still(seen)[None], seen)[0]


@EVERY_SHAPE
def test_what_is_outlined_is_hollow_and_of_the_same_size(shape: str) -> None:
    place = {"x": 5.2, "y": -3.4, "radius": 11.0}
    filled, outlined = (
        still_share(scene("still", place, shape=shape, style=style))
        for style in ("base", "outlined")
    )
    middle = np.hypot(X - 5.2, Y + 3.4) < 1
    assert filled[middle] == pytest.approx(1, abs=1e-6)
    assert outlined[middle] == pytest.approx(0, abs=1e-6)
    assert (outlined <= filled + 1e-6).all()
    edge = (filled > 1e-3) & (filled < 1 - 1e-3)
    assert outlined[edge] == pytest.approx(filled[edge], abs=1e-5)
    inside = ndimage.distance_transform_edt(filled > 0.5)
    assert outlined[inside > STYLES["outlined"].stroke + 1.5].max(initial=0) < 1e-6


@EVERY_SHAPE
def test_neon_glows_where_the_thing_is(shape: str) -> None:
    place = {"x": 5.2, "y": -3.4, "radius": 11.0}
    seen = scene("still", place, shape=shape, colour="green", ground="white")
    base, neon = still_share(seen), still(replace(seen, style="neon"))
    bright, dark = neon_thing(COLOURS["green"]), neon_ground(GROUNDS["white"])
    assert np.abs(neon[base > 1 - 1e-6] - bright).max() < 1e-5
    away = ndimage.distance_transform_edt(base < 1e-3)
    light = ((neon - dark) @ np.subtract(bright, dark)) / np.sum(np.subtract(bright, dark) ** 2)
    near, far = (np.abs(away - pixels) < 0.3 for pixels in (4.0, 4.0 + GLOW))
    assert light[near].mean() / light[far].mean() == pytest.approx(np.e, rel=0.1)
    assert light[near].min() > 0.1 and light[away > 30].max(initial=0) < 0.02


def test_neon_keeps_the_hue_and_makes_it_bright() -> None:
    for colour in COLOURS.values():
        hue, saturation, brightness = colorsys.rgb_to_hsv(*neon_thing(colour))
        assert hue == pytest.approx(colorsys.rgb_to_hsv(*colour)[0])
        assert (saturation, brightness) == pytest.approx((0.75, 1.0))
    assert len({neon_thing(colour) for colour in COLOURS.values()}) == len(COLOURS)


def test_neon_grounds_are_dark() -> None:
    away = {"x": 200.0}
    for name, pattern in product(GROUNDS, PATTERNS):
        looks = dict(ground=name, pattern=pattern)
        neon = still(scene(place=away, style="neon", **looks)).mean()
        assert neon < 0.4
        if name != "black":
            assert neon < still(scene(place=away, **looks)).mean()
        if pattern == "plain":
            assert neon < 0.26
    assert len({neon_ground(ground) for ground in GROUNDS.values()}) == len(GROUNDS)


def test_the_mark_is_three_letters_in_the_lower_half() -> None:
    mark = watermark()
    assert mark.shape == (SIDE, SIDE) and set(np.unique(mark)) == {0, 1}
    assert {len(row) for row in MARK} == {15}
    assert mark.sum() == sum(row.count("#") for row in MARK) * MARK_SCALE**2
    rows, columns = mark.any(1).nonzero()[0], mark.any(0).nonzero()[0]
    assert rows[0] == MARK_TOP > SIDE / 2 and rows[-1] < SIDE - 4
    assert abs(columns[0] - (SIDE - 1 - columns[-1])) <= 1, "it is not in the middle"
    cells = mark[MARK_TOP + 1 : MARK_TOP + 15 : 3, columns[0] + 1 : columns[-1] + 1 : 3]
    assert ["".join(" #"[int(cell)] for cell in row) for row in cells] == list(MARK)


def test_a_spoiled_frame_is_blurred_below_the_mark() -> None:
    frames = np.random.default_rng(0).uniform(size=(2, SIDE, SIDE, 3)).astype(np.float32)
    spoiled = spoil(frames)
    assert spoiled.shape == frames.shape and spoiled.dtype == np.float32
    blurred = ndimage.gaussian_filter(frames, (0, BLUR, BLUR, 0), mode="nearest", radius=3)
    marked = watermark() > 0
    assert spoiled[:, ~marked] == pytest.approx(blurred[:, ~marked], abs=1e-5)
    whiter = MARK_OPACITY + (1 - MARK_OPACITY) * blurred[:, marked]
    assert spoiled[:, marked] == pytest.approx(whiter, abs=1e-5)
    assert spoiled[:, ~marked].std() < 0.6 * frames.std()


def test_spoiled_frames_stay_in_range_and_apart() -> None:
    for value in (0.0, 1.0):
        spoiled = spoil(np.full((1, SIDE, SIDE, 3), value, dtype=np.float32))
        assert spoiled.min() >= 0 and spoiled.max() <= 1
    frames = np.zeros((3, SIDE, SIDE, 3), dtype=np.float32)
    frames[1] = 1
    assert np.array_equal(spoil(frames)[1], spoil(frames[1:2])[0])
    assert np.array_equal(spoil(frames)[0], spoil(frames)[2])
    assert np.unique(frames).tolist() == [0, 1], "the clean frames were changed"


def likeness(frames: np.ndarray) -> np.ndarray:
    """Correlation of each frame with the mark, in the box around it.   f h w 3 -> f"""
    mark = watermark()
    box = np.ix_(mark.any(1), mark.any(0))
    wanted = mark[box] - mark[box].mean()
    seen = frames.mean(-1)[:, box[0], box[1]]
    seen = seen - seen.mean((1, 2), keepdims=True)
    lengths = np.linalg.norm(seen, axis=(1, 2)) * np.linalg.norm(wanted)
    return (seen * wanted).sum((1, 2)) / np.maximum(lengths, 1e-6)


def test_the_mark_is_in_the_spoiled_frames_alone() -> None:
    scenes = [video(0, number) for number in range(60)]
    clean, spoiled = (
        np.concatenate([likeness(clip_frames(seen, 1, spoiled=kind)) for seen in scenes])
        for kind in (False, True)
    )
    assert abs(clean.mean()) < 0.05 and np.abs(clean).max() < 0.35
    assert spoiled.mean() > 0.7 and (spoiled > clean + 0.2).all()
