"""Pictures of every kind come upright, in sRGB and opaque, and large ones in little memory."""

from __future__ import annotations

import logging
import os
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adk_tests.support.clip_sets import NEEDS_MEMORY_FIGURES, result_of
from adk_tests.support.videos import numbered, numbers, write_images
from animatediff_kit.training.data.clips import LARGE, UnreadableClip, reduction
from animatediff_kit.training.data.pictures import read_images
from animatediff_kit.training.data.video_clips import VideoClips
from animatediff_kit.training.data.video_settings import VideoSettings
from PIL import Image, ImageCms, ImageOps

DRAWN = np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8)


def saved(path: Path, image: Any, **options: Any) -> Path:
    image.save(path, **options)
    return path


def read(*paths: Path) -> np.ndarray:
    (*_, last) = read_images(paths, "walk")
    return last


def test_images_of_a_sequence(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "walk", 4)
    paths = [folder / f"frame {i}.png" for i in (0, 3)]
    shown = np.stack(list(read_images(paths, "walk")))
    assert numbers(torch.from_numpy(shown) / 255) == [0, 3]
    paths[1].write_bytes(paths[1].read_bytes()[:80])
    with pytest.raises(UnreadableClip, match=re.escape("walk/frame 3.png cannot be decoded (")):
        read(*paths)
    Image.fromarray(numbered(0, 64, 128)).save(paths[1])
    with pytest.raises(UnreadableClip, match="^walk/frame 3.png is 128 x 64, but .* at 64 x 64.$"):
        read(*paths)


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "bmp", "tif"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "CMYK", "YCbCr"])
def test_ordinary_pictures_are_what_pillow_makes_of_them(
    tmp_path: Path, kind: str, mode: str
) -> None:
    try:
        path = saved(tmp_path / f"a.{kind}", Image.fromarray(DRAWN).convert(mode))
        with Image.open(path) as image:
            expected = np.array(image.convert("RGB"))
    except OSError:  # Pillow 12 writes TIFFs of YCbCr that it does not read
        pytest.skip(f"Pillow writes or reads no {kind} of mode {mode}")
    assert np.array_equal(read(path), expected)


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cameras_orientation(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"a.{kind}", Image.fromarray(DRAWN), exif=exif)
    with Image.open(path) as image:
        upright = np.array(ImageOps.exif_transpose(image))
    assert upright.shape[:2] == ((56, 40) if orientation > 4 else (40, 56))
    assert np.array_equal(read(path), upright)


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_gray_of_16_bits(tmp_path: Path, kind: str) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    shown = read(saved(tmp_path / f"a.{kind}", Image.fromarray(values)))
    assert np.array_equal(shown, np.repeat(np.round(values / 257)[..., None], 3, axis=2))


@pytest.mark.parametrize(("kind", "said"), [(np.float32, "fractional"), (np.int32, "whole")])
def test_numbers_without_a_white_are_refused(tmp_path: Path, kind: Any, said: str) -> None:
    path = saved(tmp_path / "a.tif", Image.fromarray(DRAWN[..., 0].astype(kind)))
    with pytest.raises(UnreadableClip, match=f"^walk/a.tif holds {said} numbers of 32 bits, of wh"):
        read(path)


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    picture = Image.fromarray(DRAWN).convert("RGBA")
    opaque = read(saved(tmp_path / "opaque.png", picture))
    assert np.array_equal(opaque, DRAWN)
    picture.paste((9, 9, 9, 0), (0, 0, 28, 40))
    picture.paste((100, 0, 200, 51), (28, 0, 56, 20))
    shown = read(saved(tmp_path / "a.png", picture))
    assert (shown[:, :28] == 255).all() and np.array_equal(shown[20:, 28:], DRAWN[20:, 28:])
    assert (shown[:20, 28:] == (224, 204, 244)).all()
    gray = Image.merge("LA", (Image.new("L", (8, 8), 0), Image.new("L", (8, 8), 51)))
    assert (read(saved(tmp_path / "la.png", gray)) == 204).all()
    palette = Image.fromarray(np.eye(8, dtype=np.uint8) * 3).convert("P")
    shown = read(saved(tmp_path / "p.png", palette, transparency=3))
    assert np.array_equal(shown[..., 0] == 255, np.eye(8, dtype=bool))


def profile_bytes(swapped: bool) -> bytes:
    """sRGB's profile; swapped: with the lights of red and green exchanged."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if not swapped:
        return made
    count = struct.unpack(">I", made[128:132])[0]
    head, tags, rest = made[:132], made[132 : 132 + 12 * count], made[132 + 12 * count :]
    tags = tags.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    return head + tags + rest


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif"])
def test_a_profile_is_carried_out(tmp_path: Path, kind: str) -> None:
    picture = Image.new("RGB", (8, 8), (200, 20, 60))
    path = tmp_path / f"a.{kind}"
    plain = read(saved(path, picture, icc_profile=profile_bytes(False)))
    with Image.open(path) as image:
        assert np.array_equal(plain, np.array(image))
    turned = read(saved(path, picture, icc_profile=profile_bytes(True))).astype(int)
    assert np.abs(turned - (20, 200, 60)).max() <= 8


def test_a_profile_and_transparency(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (8, 8), (200, 20, 60, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 4, 8))
    shown = read(saved(tmp_path / "a.png", picture, icc_profile=profile_bytes(True))).astype(int)
    assert (shown[:, :4] == 255).all() and np.abs(shown[:, 4:] - (20, 200, 60)).max() <= 2


def test_a_damaged_profile_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(DRAWN), icc_profile=b"no profile" * 20)
    assert np.array_equal(read(path), DRAWN)
    (record,) = (r for r in caplog.records if r.name.startswith("animatediff_kit"))
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("walk/a.png: its ICC profile is not used (")


def test_pages_are_not_dropped(tmp_path: Path) -> None:
    pages = [Image.fromarray(DRAWN)] * 3
    path = saved(tmp_path / "a.tif", pages[0], save_all=True, append_images=pages[1:])
    with pytest.raises(
        UnreadableClip, match="^walk/a.tif holds 3 pages; save each as a file of its own.$"
    ):
        read(path)


def test_a_picture_beyond_pillows_bound_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    path = saved(tmp_path / "a.png", Image.fromarray(DRAWN))
    with pytest.raises(UnreadableClip, match="^walk/a.png cannot be decoded .Image size .2240 pix"):
        read(path)


def test_how_much_a_large_picture_is_reduced() -> None:
    assert reduction(5000, 6000, 64, 64) == 1 and 5000 * 6000 == LARGE
    assert reduction(5001, 6000, 256, 512) == 5
    assert reduction(10_000, 10_000, 4096, 4096) == 1


@pytest.mark.parametrize("kind", ["png", "jpg"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "CMYK", "I;16"])
def test_a_reduced_picture_shows_the_same(tmp_path: Path, kind: str, mode: str) -> None:
    picture = Image.fromarray(numbered(0b1001_0011, 480, 960))
    if mode == "I;16":
        picture = Image.fromarray(np.array(picture.convert("L")).astype(np.uint16) * 257)
    try:
        path = saved(tmp_path / f"a.{kind}", picture.convert(mode))
    except OSError:
        pytest.skip(f"Pillow writes no {kind} of mode {mode}")
    (shown,) = read_images([path], "walk", lambda height, width: 16)
    assert shown.shape == (30, 60, 3)
    assert numbers(torch.from_numpy(shown)[None] / 255) == [0b1001_0011]


@NEEDS_MEMORY_FIGURES
def test_large_pictures_take_little_memory(tmp_path: Path) -> None:
    (tmp_path / "walk").mkdir()
    for i in range(3):
        Image.new("1", (10_000, 10_000), i % 2).save(tmp_path / f"walk/{i}.png")
    settings = VideoSettings(
        frames=3, stride=1, width=64, height=64, captions="fixed caption", caption="a wall"
    )

    def peak() -> tuple[list[float], int]:
        import resource

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        frames = VideoClips(tmp_path, settings).read(0).frames
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return frames.mean(dim=(1, 2, 3)).tolist(), (after - before) >> 10

    means, megabytes = result_of(peak)
    assert means == [0, 1, 0]
    assert megabytes < 600


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_an_image_whose_name_is_no_utf8_can_be_told_of(tmp_path: Path) -> None:
    image = tmp_path / os.fsdecode(b"caf\xe9.png")
    image.write_bytes(b"damaged")
    with pytest.raises(UnreadableClip, match=r"^walk/caf\\xe9.png cannot be decoded") as told:
        list(read_images([image], "walk"))
    str(told.value).encode()
