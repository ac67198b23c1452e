"""Draws are the same for the same seed, the sets share nothing, and each has what it promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations as pairs_of

import numpy as np
import pytest
from animatediff_kit.small_world.draw import (
    CAMERA_SHARE,
    PATTERNED,
    VIDEO_CAMERA_SHARE,
    camera_clip,
    clip_frames,
    picture,
    random_of,
    random_scene,
    video,
    with_camera,
)
from animatediff_kit.small_world.motions import FRAMES, MOVES, SIDE, track
from animatediff_kit.small_world.scene import Scene, draw
from animatediff_kit.small_world.styles import STYLES, spoil
from animatediff_kit.small_world.words import GROUNDS, MOTIONS, PATTERNS, combinations

from .looks import TIMES, scene

EIGHT = [move for move in MOVES if move != "none"]
VIDEOS = [video(0, number) for number in range(1200)]
CAMERAS = [camera_clip(0, number, EIGHT[number % 8]) for number in range(200)]


def triple(seen: Scene) -> tuple[str, str, str]:
    return seen.colour, seen.shape, seen.motion


def test_the_same_numbers_draw_the_same() -> None:
    assert video(3, 5) == video(3, 5)
    assert np.array_equal(clip_frames(video(3, 5)), clip_frames(video(3, 5)))
    assert camera_clip(3, 5, "zoom in") == camera_clip(3, 5, "zoom in")
    (one, pixels), (same, again) = picture(3, 5), picture(3, 5)
    assert one == same and np.array_equal(pixels, again)


def test_other_numbers_seeds_and_sets_draw_otherwise() -> None:
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)]
    drawn = [
        *(picture(*place)[0] for place in places),
        *(video(*place) for place in places),
        *(camera_clip(*place, move) for place in places for move in EIGHT),
    ]
    things = [seen.thing for seen in drawn]
    assert len(set(things)) == len(things)
    stills = [picture(*place)[1] for place in places]
    assert all(np.abs(one - two).max() > 0.1 for one, two in pairs_of(stills, 2))


def test_every_place_has_a_stream_of_its_own() -> None:
    places = [(1, 0, 1), (1, 1, 0), (2, 0, 1), (1, 0, 2), (0, 1, 1)]
    draws = [tuple(random_of(*place).uniform(size=3)) for place in places]
    assert len(set(draws)) == len(places)
    assert draws[0] == tuple(random_of(1, 0, 1).uniform(size=3))


def test_training_and_held_out_scenes_are_of_their_combinations() -> None:
    assert {triple(seen) for seen in VIDEOS} <= set(combinations(False))
    held = {triple(video(0, number, held=True)) for number in range(300)}
    assert held <= set(combinations(True)) and len(held) == 30
    assert {triple(picture(0, number)[0]) for number in range(100)} <= set(combinations(False))
    assert {triple(seen) for seen in CAMERAS} <= set(combinations(False))


@pytest.mark.parametrize(
    ("part", "names"), [("motion", MOTIONS), ("ground", GROUNDS), ("pattern", PATTERNS)]
)
def test_words_are_equally_likely(part: str, names: list[str]) -> None:
    random = random_of(9)
    counts = Counter(getattr(random_scene(random), part) for _ in range(1200))
    assert set(counts) == set(names)
    expected = 1200 / len(names)
    assert max(abs(count - expected) for count in counts.values()) < 4 * expected**0.5


def test_every_training_combination_turns_up() -> None:
    random = random_of(9)
    found = {triple(random_scene(random)) for _ in range(2500)}
    assert found == set(combinations(False))


def test_a_scene_can_be_asked_for_some_motions() -> None:
    random = random_of(9)
    found = {random_scene(random, motions=("up", "orbit")).motion for _ in range(30)}
    assert found == {"up", "orbit"}


def test_the_camera_moves_over_what_rests_on_patterns() -> None:
    moved = [seen for seen in VIDEOS if seen.camera != "none"]
    assert len(moved) / len(VIDEOS) == pytest.approx(VIDEO_CAMERA_SHARE, abs=0.06)
    assert {seen.camera for seen in moved} == set(EIGHT)
    assert all(0.8 <= seen.amount <= 1.2 for seen in moved)
    assert np.ptp([seen.amount for seen in moved]) > 0.3
    assert {seen.motion for seen in moved} == {"still"}
    assert {seen.pattern for seen in moved} == set(PATTERNED)
    left = [seen for seen in VIDEOS if seen.camera == "none"]
    assert {seen.motion for seen in left} == set(MOTIONS)
    assert {seen.pattern for seen in left} == set(PATTERNS)


def test_pictures_are_taken_as_the_camera_moves() -> None:
    pictures = [picture(0, number)[0] for number in range(400)]
    rests = [seen for seen in pictures if seen.motion == "still"]
    moved = [seen for seen in pictures if seen.camera != "none"]
    assert len(moved) / len(rests) == pytest.approx(CAMERA_SHARE, abs=0.2)
    assert {seen.motion for seen in moved} == {"still"}


def test_captions_leave_the_camera_unsaid() -> None:
    random = random_of(9)
    rests = scene("still")
    assert with_camera(random, rests).caption == rests.caption
    assert with_camera(random, rests, "zoom in").camera == "zoom in"
    assert {with_camera(random, rests).camera for _ in range(100)} == set(EIGHT)


@pytest.mark.parametrize("motion", MOTIONS)
def test_things_stay_in_the_picture(motion: str) -> None:
    """All of a thing's middle, over the whole clip; and its size is one of things."""
    random = random_of(9)
    for _ in range(60):
        seen = random_scene(random, motions=(motion,))
        found = track(motion, seen.thing, TIMES)
        farthest = max(np.abs(found.x).max(), np.abs(found.y).max())
        assert farthest < SIDE / 2 - 8
        assert 4 < found.radius.min() and found.radius.max() < 17


def test_things_and_patterns_vary() -> None:
    for part in ("x", "y", "radius", "speed", "phase"):
        values = [getattr(seen.thing, part) for seen in VIDEOS]
        assert len(set(values)) == len(values)
    speeds = [seen.thing.speed for seen in VIDEOS]
    assert 1 <= min(speeds) < 1.02 and 1.68 < max(speeds) <= 1.7
    turns = [abs(seen.turn) for seen in VIDEOS if seen.pattern == "gradient"]
    assert max(turns) > 3
    assert max(abs(seen.turn) for seen in VIDEOS if seen.pattern == "checkered") <= 0.4


def test_a_reference_clip_shows_its_move_alone() -> None:
    for number, seen in enumerate(CAMERAS):
        assert seen.camera == EIGHT[number % 8] and seen.motion == "still"
        assert seen.pattern == "checkered" and 0.8 <= seen.amount <= 1.2
    assert max(abs(seen.turn) for seen in CAMERAS) <= 0.4


def test_reference_clips_of_two_moves_are_of_other_things() -> None:
    things = [camera_clip(0, 0, move).thing for move in EIGHT]
    assert len(set(things)) == 8


def test_a_picture_is_a_moment_of_its_scene() -> None:
    """Found among finely spaced moments; not always the same one."""
    moments = []
    for number in range(24):
        seen, pixels = picture(1, number)
        if seen.motion not in ("left", "right", "up", "down"):
            continue
        times = np.linspace(0, FRAMES - 1, 31, dtype=np.float32)
        far = np.abs(draw(seen, times) - pixels).mean((1, 2, 3))
        moments.append(times[far.argmin()])
        assert far.min() < 0.15 * np.median(far)
    assert len(moments) >= 8 and np.ptp(moments) > 8


def test_the_styles_share_their_scenes() -> None:
    for number in range(5):
        scenes = [replace(picture(0, number, style)[0], style="base") for style in STYLES]
        assert scenes[0] == scenes[1] == scenes[2]
        drawn = [picture(0, number, style)[1] for style in STYLES]
        assert all(np.abs(one - two).max() > 0.2 for one, two in pairs_of(drawn, 2))


def test_a_clip_has_its_frames_in_order() -> None:
    seen = video(0, 1)
    clean = clip_frames(seen)
    assert clean.shape == (FRAMES, SIDE, SIDE, 3) and clean.dtype == np.float32
    assert np.array_equal(clip_frames(seen, 5), clean[:5])
    assert clip_frames(seen, 20)[:16] == pytest.approx(clean, abs=1e-6)
    assert np.array_equal(clip_frames(seen, spoiled=True), spoil(clean))
    assert np.abs(clip_frames(seen, spoiled=True) - clean).max() > 0.2
