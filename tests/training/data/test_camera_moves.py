"""The eight camera moves do to the picture what their names say, by the amounts of the table.

The motion is measured with an estimator of its own: Gauss-Newton registration of neighbouring
frames by a similarity (scipy's splines), put together over the clip.
"""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from adk_tests.support.clip_sets import DrawnClips
from adk_tests.support.videos import as_images
from animatediff_kit.training.data.cache_identity import entry_of
from animatediff_kit.training.data.camera_moves import MOVES, CameraMove, crop, pose
from animatediff_kit.training.data.chosen_clips import ChosenClips
from animatediff_kit.training.data.clips import UnfitClip
from animatediff_kit.training.data.image_clips import ImageClips, StillClips
from scipy import ndimage
from torch import Tensor

FRAMES = 16
Similarity = np.ndarray
"""2 3: p' = M[:, :2] p + M[:, 2], p = (x, y) from the picture's centre, y down"""

TABLE: dict[str, tuple[float, float, float, float]] = {
    # move -> growth of the content, its shift right in widths and down in heights, its clockwise
    # turn in degrees, from the first frame to the last
    "zoom in": (1.45, 0, 0, 0),
    "zoom out": (1 / 1.45, 0, 0, 0),
    "pan left": (1, +0.30, 0, 0),
    "pan right": (1, -0.30, 0, 0),
    "tilt up": (1, 0, +0.24, 0),
    "tilt down": (1, 0, -0.24, 0),
    "roll clockwise": (1, 0, 0, +26),
    "roll anticlockwise": (1, 0, 0, -26),
}
EVERY_MOVE = pytest.mark.parametrize("move", MOVES)


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth blobs of no pattern.   -> h w in 0..1"""
    noise = np.random.default_rng(seed).standard_normal((height, width))
    blobs = ndimage.gaussian_filter(noise, 6)
    return (blobs - blobs.min()) / (blobs.max() - blobs.min())


def stills(height: int = 320, width: int = 320, count: int = 1) -> Tensor:
    pictures = [np.repeat(texture(height, width, i)[..., None], 3, 2) for i in range(count)]
    return as_images(picture * 255 for picture in pictures)


def register(first: np.ndarray, second: np.ndarray) -> Similarity:
    """The similarity that takes the content of one frame to where the next shows it."""
    h, w = first.shape
    margin = 8
    y, x = np.mgrid[margin : h - margin, margin : w - margin].astype(float)
    x, y = x - (w - 1) / 2, y - (h - 1) / 2
    wanted = first[margin : h - margin, margin : w - margin]
    splines = [ndimage.spline_filter(image) for image in (second, *np.gradient(second))]
    a = b = tx = ty = 0.0
    for _ in range(6):
        at_x, at_y = (1 + a) * x - b * y + tx, b * x + (1 + a) * y + ty
        places = [at_y + (h - 1) / 2, at_x + (w - 1) / 2]
        shown, down, right = (
            ndimage.map_coordinates(spline, places, prefilter=False, mode="nearest")
            for spline in splines
        )
        jacobian = [right * x + down * y, -right * y + down * x, right, down]
        system = np.stack([column.ravel() for column in jacobian], axis=1)
        step = np.linalg.lstsq(system, (wanted - shown).ravel(), rcond=None)[0]
        a, b, tx, ty = np.array([a, b, tx, ty]) + step
    return np.array([[1 + a, -b, tx], [b, 1 + a, ty]])


def motion(frames: Tensor) -> tuple[float, float, float, float]:
    """Growth, shift right in widths, shift down in heights and clockwise degrees over a clip."""
    grey = frames.mean(-1).double().numpy()
    total = np.eye(3)
    for first, second in itertools.pairwise(grey):
        total = np.vstack([register(first, second), [0, 0, 1]]) @ total
    h, w = grey.shape[1:]
    scale = math.hypot(total[0, 0], total[1, 0])
    turn = math.degrees(math.atan2(total[1, 0], total[0, 0]))
    return scale, total[0, 2] / w, total[1, 2] / h, turn


def assert_motion(
    measured: tuple[float, float, float, float], wanted: tuple[float, float, float, float]
) -> None:
    """Each within 2 % of what is wanted, or of the move's amount where nothing is wanted."""
    assert math.log(measured[0]) == pytest.approx(math.log(wanted[0]), rel=0.02, abs=0.0074)
    assert measured[1] == pytest.approx(wanted[1], rel=0.02, abs=0.006)
    assert measured[2] == pytest.approx(wanted[2], rel=0.02, abs=0.0048)
    assert measured[3] == pytest.approx(wanted[3], rel=0.02, abs=0.52)


@pytest.mark.parametrize(
    ("scale", "x", "y", "turn"),
    [(1.3, 0, 0, 0), (1, 0.2, -0.1, 0), (1, 0, 0, 15), (0.8, 0.1, 0, -9)],
)
def test_the_estimator_recovers_what_scipy_has_moved(
    scale: float, x: float, y: float, turn: float
) -> None:
    picture = texture(300, 300)

    def moved(part: float) -> np.ndarray:
        size, angle = scale**part, math.radians(turn * part)
        cos, sin = math.cos(angle) / size, math.sin(angle) / size
        inverse = np.array([[cos, -sin], [sin, cos]])  # rows and columns, content clockwise
        shift = np.array([y * 128 * part, x * 128 * part])
        offset = 149.5 - inverse @ (np.array([63.5, 63.5]) + shift)
        return ndimage.affine_transform(picture, inverse, offset, (128, 128), order=3)

    frames = np.stack([moved(i / 7) for i in range(8)])
    measured = motion(torch.from_numpy(frames)[..., None])
    assert_motion(measured, (scale, x, y, turn))


@EVERY_MOVE
def test_content_moves_by_the_table(move: str) -> None:
    clips = CameraMove(StillClips(stills(), "blobs", FRAMES, 128, 128), move, jitter=0)
    frames = clips.read(0).frames
    assert frames.shape == (FRAMES, 128, 128, 3)
    assert_motion(motion(frames), TABLE[move])


@EVERY_MOVE
def test_the_amount_scales_the_move(move: str) -> None:
    """Of a picture and a clip that are not square."""
    growth, right, down, turn = TABLE[move]
    clips = CameraMove(StillClips(stills(300, 400), "blobs", 8, 144, 96), move, 0.5, jitter=0)
    frames = clips.read(0).frames
    assert frames.shape == (8, 96, 144, 3)
    assert_motion(motion(frames), (growth**0.5, right / 2, down / 2, turn / 2))


def dot(x: float, y: float) -> Tensor:
    """A bright spot on black, in parts of the picture.   -> 1 320 320 3"""
    rows, columns = np.mgrid[0:320, 0:320] / 319.0
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2 / 0.02**2)
    return as_images([np.repeat(spot[..., None] * 255, 3, 2)])


def brightest(frame: Tensor) -> tuple[float, float]:
    row, column = divmod(int(frame[..., 0].argmax()), frame.shape[1])
    return column / frame.shape[1], row / frame.shape[0]


@pytest.mark.parametrize(
    ("move", "place", "right", "down"),
    [
        ("pan left", (0.5, 0.5), 1, 0),
        ("pan right", (0.5, 0.5), -1, 0),
        ("tilt up", (0.5, 0.5), 0, 1),
        ("tilt down", (0.5, 0.5), 0, -1),
        ("zoom in", (0.65, 0.35), 1, -1),
        ("zoom out", (0.65, 0.35), -1, 1),
        ("roll clockwise", (0.5, 0.25), 1, 0),
        ("roll anticlockwise", (0.5, 0.25), -1, 0),
    ],
)
def test_a_spot_goes_where_the_eye_expects_it(
    move: str, place: tuple[float, float], right: int, down: int
) -> None:
    frames = CameraMove(StillClips(dot(*place), "a spot", 8, 128, 128), move).read(0).frames
    (x, y), (end_x, end_y) = brightest(frames[0]), brightest(frames[-1])
    assert np.sign(end_x - x) * (abs(end_x - x) > 0.03) == right
    assert np.sign(end_y - y) * (abs(end_y - y) > 0.03) == down


@EVERY_MOVE
@pytest.mark.parametrize("picture", [(320, 320), (270, 480), (600, 256)])
@pytest.mark.parametrize("amount", [0.3, 1.0, 2.0])
def test_windows_stay_inside_the_picture(
    move: str, picture: tuple[int, int], amount: float
) -> None:
    clips = CameraMove(StillClips(torch.rand(1, 64, 64, 3), "a", 16, 128, 96), move, amount)
    touches = []
    for index in range(20):
        windows = clips.windows(index, 16, picture)
        x, y = np.array([corner for window in windows for corner in window.corners()]).T
        assert x.min() > -1e-6 and x.max() < picture[1] + 1e-6
        assert y.min() > -1e-6 and y.max() < picture[0] + 1e-6
        touches.append(min(picture[1] - np.ptp(x), picture[0] - np.ptp(y)))
    assert max(touches) < 1e-6, "the windows could be larger"


def test_each_clip_varies_a_little_and_always_alike() -> None:
    base = StillClips(stills(count=8), "blobs", 16, 128, 128)
    clips = CameraMove(base, "pan left")
    shifts = []
    for index in range(8):
        windows = clips.windows(index, 16, (320, 480))
        assert windows == CameraMove(base, "pan left").windows(index, 16, (320, 480))
        shifts.append((windows[0].x - windows[-1].x) / windows[0].width)
    assert all(0.27 <= shift <= 0.33 for shift in shifts) and len(set(shifts)) == 8
    other = CameraMove(base, "pan left", seed=1)
    assert other.windows(0, 16, (320, 480)) != clips.windows(0, 16, (320, 480))
    assert torch.equal(clips.read(3).frames, CameraMove(base, "pan left").read(3).frames)


def test_windows_stay_when_other_clips_come_and_go() -> None:
    """So an added picture, or one that is left out, costs no more than itself."""
    base = DrawnClips(5)
    moved = CameraMove(base, "pan left")
    rest = CameraMove(ChosenClips(base, (1, 4)), "pan left")
    for here, there in enumerate((1, 4)):
        assert rest.windows(here, 2, (96, 128)) == moved.windows(there, 2, (96, 128))
        assert entry_of(rest, here, "vae") == entry_of(moved, there, "vae")
    assert len({entry_of(moved, index, "vae").key for index in range(5)}) == 5


def test_frames_of_a_video_pass_under_the_window() -> None:
    """The clip's own frames are seen, each at its own time."""
    grey = torch.linspace(0.1, 0.9, 8).reshape(8, 1, 1, 1).expand(8, 200, 200, 3)
    clip = CameraMove(ImageClips(grey, "a fade", width=64, height=64), "zoom in").read(0)
    assert torch.allclose(clip.frames, grey[:, :64, :64], atol=1e-5)
    assert (clip.name, clip.caption) == ("images 0 to 7", "a fade")


@EVERY_MOVE
def test_a_mirrored_clip_has_the_same_move(move: str) -> None:
    """Left stays left: the mirror is under the camera, not before it."""
    picture = stills()
    clips = (StillClips(images, "blobs", 8, 128, 128) for images in (picture, picture.flip(2)))
    plain, flipped = (motion(CameraMove(c, move, 0.5, jitter=0).read(0).frames) for c in clips)
    assert_motion(plain, flipped)


def test_two_moves_happen_at_once() -> None:
    base = StillClips(stills(), "blobs", FRAMES, 128, 128)
    clips = CameraMove(CameraMove(base, "zoom in", 0.5, jitter=0), "roll clockwise", jitter=0)
    growth, _, _, turn = motion(clips.read(0).frames)
    assert growth == pytest.approx(1.45**0.5, rel=0.02) and turn == pytest.approx(26, rel=0.02)


def test_fine_stripes_become_grey() -> None:
    """The window is resampled with antialiasing, turned or not."""
    striped = torch.zeros(1, 640, 640, 3)
    striped[:, :, ::2] = 1.0
    for move in ("pan left", "roll clockwise"):
        frames = CameraMove(StillClips(striped, "stripes", 4, 128, 128), move).read(0).frames
        assert (frames - 0.5).abs().max() < 0.2, move
        assert frames.std() < 0.05, move


def test_a_crop_at_the_pictures_own_size_is_the_picture() -> None:
    clips = CameraMove(StillClips(stills(64, 64), "a", 3, 64, 64), "zoom in", 1e-9, jitter=0)
    picture = clips.clips.source(0).frames[0]
    (window, *_) = clips.windows(0, 3, (64, 64))
    assert torch.allclose(crop(picture, window, 64, 64, 1), picture, atol=1e-4)


def test_a_picture_that_is_too_small_is_named() -> None:
    clips = CameraMove(StillClips(stills(320, 320), "blobs", 16, 256, 256), "zoom in", jitter=0)
    with pytest.raises(
        UnfitClip,
        match="^image 0 is 320 x 320, too small for zoom in at 256 x 256: its smallest window has "
        "221 x 221 pixels. Set width and height to 216 x 216, lower the amount, or use a picture "
        "of 372 x 372 or more.$",
    ):
        clips.read(0)
    assert CameraMove(StillClips(stills(372, 372), "a", 16, 256, 256), "zoom in", jitter=0).read(0)
    assert CameraMove(StillClips(stills(), "a", 4, 216, 216), "zoom in", jitter=0).read(0)


def test_a_size_that_cannot_be_trained_at_is_not_advised() -> None:
    clips = CameraMove(StillClips(stills(64, 96), "blobs", 16, 64, 64), "zoom in", jitter=0)
    with pytest.raises(
        UnfitClip, match=r"has 44 x 44 pixels\. Lower the amount, or use a picture of"
    ):
        clips.read(0)


def test_bad_moves_are_refused() -> None:
    base = StillClips(stills(), "blobs")
    with pytest.raises(ValueError, match="^'dolly' is no camera move; choose one of zoom in, zoom"):
        CameraMove(base, "dolly")
    for amount in (0.0, -1.0, 4.1, math.nan):
        with pytest.raises(ValueError, match="^The amount is .*; set it above 0, and to 4 at"):
            CameraMove(base, "zoom in", amount)


def test_every_move_has_a_pose() -> None:
    assert len({pose(move, 0.9, 1.0) for move in MOVES}) == len(MOVES) == len(TABLE)


def test_the_description_follows_the_move() -> None:
    base = StillClips(stills(), "blobs")
    sets: list[Any] = [
        base,
        CameraMove(base, "zoom in"),
        CameraMove(base, "zoom out"),
        CameraMove(base, "zoom in", 0.9),
        CameraMove(base, "zoom in", seed=1),
        CameraMove(base, "zoom in", jitter=0),
        CameraMove(CameraMove(base, "zoom in"), "zoom in"),
    ]
    assert len({json.dumps(clips.description()) for clips in sets}) == len(sets)
