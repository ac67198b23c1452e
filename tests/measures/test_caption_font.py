"""Which font draws a line, and what it does not have."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest
from animatediff_kit.measures.caption_font import SYSTEM_FONTS, drawable, has
from PIL import ImageFont

WIDER = str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
"""A font that has Greek and Cyrillic, and no Chinese, Japanese or Korean."""

pytestmark = pytest.mark.skipif(
    not isinstance(ImageFont.load_default(), ImageFont.FreeTypeFont),
    reason="Pillow was built without FreeType, so that no other font can be read",
)


def test_plain_letters_need_no_other_font() -> None:
    text, font = drawable("a red cat, 16 frames", [WIDER])
    assert text == "a red cat, 16 frames"
    assert font.getmask("a").size == ImageFont.load_default().getmask("a").size


def test_a_font_that_has_the_letters_draws_them() -> None:
    text, font = drawable("кот Ω", ["no such font.ttf", WIDER])
    assert text == "кот Ω" and isinstance(font, ImageFont.FreeTypeFont) and font.path == WIDER
    assert all(has(font, letter) for letter in "котΩ")


def test_letters_of_no_font_are_their_code_points() -> None:
    assert drawable("a 猫", [])[0] == "a U+732B"
    assert drawable("猫 кот 犬", [WIDER])[0] == "U+732B  кот U+72AC"
    assert drawable("고양이", [WIDER])[0] == "U+ACE0 U+C591 U+C774"


def test_what_the_system_has_is_looked_for_by_itself() -> None:
    text, font = drawable("猫 кот")
    drawn = [letter for letter in "猫кот" if letter in text]
    assert all(has(font, letter) for letter in drawn) and len(set(SYSTEM_FONTS)) > 10
