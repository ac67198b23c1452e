"""Pages of clips: what stands where."""

from __future__ import annotations

import numpy as np
import torch
from animatediff_kit.measures.contact_sheet import (
    CELL,
    COLUMNS,
    GAP,
    MARK,
    PAGE,
    PAPER,
    ROWS,
    THUMB,
    Cell,
    pages,
    shortened,
    thumbs_of,
)


def test_thumbs_are_the_first_the_middle_and_the_last_frame() -> None:
    frames = torch.arange(5).float()[:, None, None, None].expand(5, 96, 192, 3) / 5
    thumbs = thumbs_of(frames)
    assert thumbs.shape == (3, THUMB // 2, THUMB, 3) and thumbs.dtype == np.uint8
    assert [int(thumb[5, 5, 0]) for thumb in thumbs] == [0, 102, 204]
    assert len(thumbs_of(frames[:2])) == 2 and len(thumbs_of(frames[:1])) == 1


def test_each_clip_has_its_place() -> None:
    """A full page and one more; what is marked has a frame and red words."""
    thumbs = np.stack([np.full((THUMB, THUMB, 3), value, np.uint8) for value in (60, 120, 180)])
    cells = [Cell(thumbs, (f"clip {i}", "a caption", "flow"), i == 1) for i in range(41)]
    drawn = (pages(cells) * 255).round().byte().numpy()
    assert drawn.shape == (2, PAGE[1], PAGE[0], 3)
    for place in (0, 1, COLUMNS, COLUMNS * ROWS - 1):
        row, column = divmod(place, COLUMNS)
        x, y = column * (CELL[0] + 2 * GAP) + GAP, row * (CELL[1] + 2 * GAP) + GAP
        across = [int(drawn[0, y + 40, x + 40 + i * (THUMB + GAP), 0]) for i in range(3)]
        assert across == [60, 120, 180]
        words = drawn[0, y + THUMB + GAP : y + CELL[1], x : x + CELL[0]].reshape(-1, 3)
        assert (words.max(axis=1) > 200).any(), "there are no words"
        assert (tuple(drawn[0, y - 2, x + 20]) == MARK) == (place == 1)
    assert tuple(drawn[1, PAGE[1] - 5, 5]) == PAPER and drawn[1, 40, 40, 0] == 60


def test_none_is_an_empty_page_and_long_lines_are_cut() -> None:
    assert pages([]).shape == (1, PAGE[1], PAGE[0], 3)
    assert shortened("a" * 40) == "a" * 40 and shortened("a" * 41) == "a" * 37 + "..."


def test_letters_as_wide_as_two_fill_a_line_sooner() -> None:
    assert shortened("猫" * 20) == "猫" * 20 and shortened("猫" * 21) == "猫" * 18 + "..."
    assert shortened("a" * 35 + "猫猫猫") == "a" * 35 + "猫..."


def test_captions_that_pillow_s_own_font_lacks_are_told_apart() -> None:
    """Drawn with it alone, each of their letters is one and the same empty box."""
    thumbs = np.zeros((3, THUMB, THUMB, 3), np.uint8)
    cat, dog, bear = (pages([Cell(thumbs, (text,))]) for text in ("猫", "犬", "곰"))
    assert not torch.equal(cat, dog) and not torch.equal(dog, bear)
