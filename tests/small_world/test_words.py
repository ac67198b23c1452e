"""What there is in the small world, how captions say it, and what training never shows."""

from __future__ import annotations

from itertools import product

import pytest
from animatediff_kit.small_world import files, retrain
from animatediff_kit.small_world.motions import MOVES
from animatediff_kit.small_world.styles import STYLES
from animatediff_kit.small_world.train_images import EMPTY, Words
from animatediff_kit.small_world.words import (
    COLOURS,
    GROUNDS,
    MOTIONS,
    PATTERNS,
    SHAPES,
    caption,
    combinations,
    held_out,
)

TRIPLES = list(product(COLOURS, SHAPES, MOTIONS))
CAPTIONS = [caption(c, s, m, g, p) for (c, s, m), g, p in product(TRIPLES, GROUNDS, PATTERNS)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("red", "star", "left", "gray", "checkered"),
            "a red star moving left on a gray checkered background",
        ),
        (("blue", "cross", "still", "white", "plain"), "a blue cross on a white background"),
        (
            ("orange", "circle", "orbit", "teal", "gradient"),
            "an orange circle going round on a teal gradient background",
        ),
        (
            ("green", "square", "bounce", "black", "plain"),
            "a green square bouncing on a black background",
        ),
    ],
)
def test_captions_are_sentences(words: tuple[str, str, str, str, str], said: str) -> None:
    assert caption(*words) == said


def test_every_scene_has_a_caption_of_its_own() -> None:
    assert len(set(CAPTIONS)) == 6 * 5 * 8 * 5 * 3
    assert not any("  " in said or "a orange" in said for said in CAPTIONS)


def test_one_combination_in_eight_is_held_out() -> None:
    assert sum(held_out(*triple) for triple in TRIPLES) * 8 == len(TRIPLES)
    assert len(combinations(True)) * 8 == len(TRIPLES)


def test_training_and_held_out_combinations_share_nothing() -> None:
    shown, held = set(combinations(False)), set(combinations(True))
    assert not shown & held
    assert shown | held == set(TRIPLES)


def test_every_pair_is_shown_in_training() -> None:
    shown = combinations(False)
    assert {(c, s) for c, s, _ in shown} == set(product(COLOURS, SHAPES))
    assert {(c, m) for c, _, m in shown} == set(product(COLOURS, MOTIONS))
    assert {(s, m) for _, s, m in shown} == set(product(SHAPES, MOTIONS))


def test_the_held_out_are_spread_over_all_words() -> None:
    held = combinations(True)
    assert {c for c, _, _ in held} == set(COLOURS)
    assert {s for _, s, _ in held} == set(SHAPES)
    assert {m for _, _, m in held} == set(MOTIONS)
    assert len({(c, s) for c, s, _ in held}) == len(held), "a pair lacks more than one motion"


def test_the_text_encoder_has_a_row_for_every_word() -> None:
    """Words.rows raises KeyError for a token without one."""
    words = Words()
    assert words.ids == sorted(set(words.ids))
    rows = {tuple(words.rows(said)) for said in CAPTIONS}
    assert len(rows) == len(CAPTIONS), "two captions read alike"
    read = {words.ids[row] for caption_rows in rows for row in caption_rows}
    unsaid = {words.ids[row] for row in words.unsaid}
    assert unsaid == set(words.tokens("plain")) - set(words.tokens(EMPTY)) and len(unsaid) == 1
    assert set(words.ids) - read == unsaid, "a row that no caption reads"
    assert len(words.rows(EMPTY)) == 77
    assert all(words.ids[row] == token for token, row in words.places.items())


def test_a_word_from_elsewhere_has_no_row() -> None:
    with pytest.raises(KeyError):
        Words().rows("a red dog on a gray background")


def test_every_style_has_its_model_and_every_move_its_lora() -> None:
    assert set(files.IMAGE_MODELS) == set(STYLES)
    assert set(retrain.CAMERA_MOVES) == set(MOVES) - {"none"}
    assert len({files.motion_lora(move) for move in retrain.CAMERA_MOVES}) == 8
