"""A font that can draw a line: Pillow's own, which knows plain Latin letters alone, or one that the
system has. A letter that none of them has is drawn as its code point, not as an empty box."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from PIL import ImageFont

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

SIZE = 10
"""Pixels; that of Pillow's own."""

SYSTEM_FONTS = (
    # Pillow looks for them in the system's folders
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "SourceHanSans-Regular.ttc"),  # Linux
    *("wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "unifont.ttf"),
    *("msyh.ttc", "meiryo.ttc", "malgun.ttf", "msgothic.ttc", "segoeui.ttf"),  # Windows
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc", "Arial Unicode.ttf"),  # macOS
    "DejaVuSans.ttf",
)

NOWHERE = "\U0010fffd"
"""A code point for private use: what a font draws for a letter that it does not have."""


def drawable(line: str, names: Sequence[str] = SYSTEM_FONTS) -> tuple[str, Font]:
    """A line as it can be drawn, and the font that has most of it.

    names: of the fonts to look for behind Pillow's own, each a file's name or path. A letter that
    the font lacks becomes its code point, such as U+732B.
    """
    if line.isascii():
        return line, ImageFont.load_default()
    letters = sorted(set(line) - set(" "))
    best, lacking = ImageFont.load_default(), letters
    for name in ("", *names):
        font = found(name) if name else best
        missed = [letter for letter in letters if not has(font, letter)] if font else letters
        if font and (len(missed) < len(lacking) or not name):
            best, lacking = font, missed
        if not lacking:
            break
    codes = {ord(letter): f"U+{ord(letter):04X} " for letter in lacking}
    return line.translate(codes).rstrip(), best


@cache  # Pillow looks through the system's folders each time
def found(name: str) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, SIZE)
    except (OSError, ImportError):  # it is not there, or Pillow was built without FreeType
        return None


def has(font: Font, letter: str) -> bool:
    if not isinstance(font, ImageFont.FreeTypeFont):
        return letter.isascii()  # Pillow's small one has Latin-1 in part
    masks: list[Any] = [font.getmask(text) for text in (letter, NOWHERE)]
    drawn, empty = ((mask.size, bytes(mask)) for mask in masks)
    return drawn != empty
