"""Pools of pictures as bytes: of the image set, and of everything for the autoencoder."""

from __future__ import annotations

import numpy as np
from animatediff_kit.small_world.draw import clip_frames, picture, video
from animatediff_kit.small_world.motions import SIDE
from animatediff_kit.small_world.pictures import as_bytes, everything, stills
from animatediff_kit.small_world.styles import STYLES


def test_stills_are_the_image_set_with_its_captions() -> None:
    captions, drawn = stills(6, seed=2, style="outlined")
    assert drawn.shape == (6, SIDE, SIDE, 3) and drawn.dtype == np.uint8
    for number in range(6):
        scene, image = picture(2, number, "outlined")
        assert captions[number] == scene.caption
        assert np.abs(drawn[number] / 255 - image).max() <= 0.5 / 255 + 1e-6
    assert len(set(captions)) > 3


def test_stills_follow_seed_and_style() -> None:
    first = stills(4, seed=0)
    assert np.array_equal(stills(4, seed=0)[1], first[1])
    assert np.array_equal(stills(2, seed=0)[1], first[1][:2])
    assert not np.array_equal(stills(4, seed=1)[1], first[1])
    captions, drawn = stills(4, seed=0, style="neon")
    assert captions == first[0] and not np.array_equal(drawn, first[1])


def test_bytes_are_rounded() -> None:
    values = np.array([0.0, 0.499 / 255, 0.501 / 255, 0.5, 254.6 / 255, 1.0])
    assert as_bytes(values).tolist() == [0, 0, 1, 128, 255, 255]
    assert as_bytes(values).dtype == np.uint8


def test_everything_holds_all_styles_and_both_kinds_of_videos() -> None:
    count, seed = 41, 3
    drawn = everything(count, seed)
    assert drawn.shape == (count, SIDE, SIDE, 3) and drawn.dtype == np.uint8
    for i, style in enumerate(STYLES):
        assert np.array_equal(drawn[8 * i : 8 * (i + 1)], stills(8, seed, style)[1])
    frames = drawn[24:]
    known = {
        (spoiled, as_bytes(frame).tobytes())
        for number in range(5)
        for spoiled in (False, True)
        for frame in clip_frames(video(seed, number), spoiled=spoiled)
    }
    kinds = [{kind for kind, pixels in known if pixels == frame.tobytes()} for frame in frames]
    assert all(len(kind) == 1 for kind in kinds), "frames of another set"
    spoiled = sum(True in kind for kind in kinds)
    assert 0 < spoiled < len(frames)
    assert len({frame.tobytes() for frame in frames}) > 12
    assert np.array_equal(everything(count, seed), drawn)
    assert not np.array_equal(everything(count, seed + 1), drawn)
