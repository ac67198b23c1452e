"""The templates' moving pictures: one for each, square, small, with frames that differ."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from animatediff_kit.graphs.templates import FOLDER, TEMPLATES
from animatediff_kit.graphs.thumbnails import FRAMES, LARGEST, SHOWN, SIDE, picture
from PIL import Image, ImageSequence

PLACE = Path(__file__).resolve().parents[2] / FOLDER


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_a_small_square_picture_that_moves(name: str) -> None:
    file = PLACE / f"{name}.jpg"
    assert file.stat().st_size <= LARGEST
    with Image.open(file) as image:
        assert image.format == "WEBP" and image.width == image.height
        frames = [frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(image)]
    assert len(frames) > 4 and len(set(frames)) > 4


def test_every_template_has_a_picture_of_its_own() -> None:
    assert list(SHOWN) == list(TEMPLATES)
    pictures = [path.read_bytes() for path in PLACE.glob("*.jpg")]
    assert len(set(pictures)) == len(pictures) == len(TEMPLATES)


def test_a_wide_and_long_animation_is_fitted_into_a_square(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (80, 40), (9 * n, 255 - 9 * n, 40)) for n in range(24)]
    file = tmp_path / "wide.webp"
    frames[0].save(file, save_all=True, append_images=frames[1:], lossless=True)
    with Image.open(BytesIO(picture(file))) as image:
        assert image.size == (SIDE, SIDE)
        shown = [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]
    assert len(shown) == 12 <= FRAMES
    assert max(shown[5].getpixel((SIDE // 2, 5))) < 60  # the ground above
    red, green, _ = shown[5].getpixel((SIDE // 2, SIDE // 2))
    assert abs(red - 90) < 12 and abs(green - 165) < 12
