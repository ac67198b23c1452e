"""Stop rules are read strictly, and hold when what they say is so."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from animatediff_kit.training.engine.config import TrainingSettings
from animatediff_kit.training.engine.looks import MOVES, Look, PreviewFigures
from animatediff_kit.training.engine.stop_rules import parse

RULE = "8 of 8 previews pan left by at least 0.25, warp error below 1.5"
COUNTS = "3 previews stand beside 2, and a run has one number"
SEEN = PreviewFigures(0, "a", 0.25, 0.0, 1.0, 0.0, 0.1, 1.0, 0.01, 1.0, 1.49)


def look(*previews: PreviewFigures, step: int = 100, held_out: tuple[float, ...] = ()) -> Look:
    return Look(step, held_out, previews)


def test_the_rule_of_the_issue_holds_by_its_numbers_alone() -> None:
    rules = parse(RULE)
    assert rules.previews == 8 and not rules.held_out
    assert rules.met([look(*[SEEN] * 8)]) == RULE
    for worse in (
        replace(SEEN, pan=0.249),
        replace(SEEN, pan=-0.3),
        replace(SEEN, warp_share=1.5),
        replace(SEEN, warp_share=math.nan),
    ):
        assert rules.met([look(*[SEEN] * 7, worse)]) == ""
    assert rules.met([look(*[SEEN] * 7)]) == ""  # one of eight was not drawn
    assert rules.met([]) == ""


def test_all_clauses_of_a_count_speak_of_the_same_previews() -> None:
    rules = parse("1 of 2 previews pan left by at least 0.2, flow above 0.9")
    panning, flowing = replace(SEEN, flow_share=0.5), replace(SEEN, pan=0.0)
    assert rules.met([look(panning, flowing)]) == ""
    assert rules.met([look(panning, SEEN)])
    apart = parse("1 of 2 previews pan left by at least 0.2, 1 of 2 previews flow above 0.9")
    assert apart.met([look(panning, flowing)])


@pytest.mark.parametrize("move", MOVES)
def test_each_move_goes_its_own_way(move: str) -> None:
    shown = {
        "pan": replace(SEEN, pan=0.3),
        "tilt": replace(SEEN, pan=0.0, tilt=0.3),
        "zoom": replace(SEEN, pan=0.0, zoom=1.3),
        "roll": replace(SEEN, pan=0.0, roll=0.3),
    }
    rules = parse(f"1 of 1 previews {move} by 0.29 to 0.31")
    component, sign = MOVES[move]
    one = shown[component]
    other = replace(one, pan=-one.pan, tilt=-one.tilt, zoom=1 / one.zoom, roll=-one.roll)
    assert bool(rules.met([look(one)])) == (sign > 0)
    assert bool(rules.met([look(other)])) == (sign < 0)
    rest = [figures for name, figures in shown.items() if name != component]
    assert not any(rules.met([look(figures)]) for figures in rest)


def test_the_run_and_times_in_a_row() -> None:
    rules = parse("# a remark\n\nheld-out loss at most 0.5, step at least 200, 2 times in a row")
    assert rules.held_out and rules.previews == 0
    low = [look(step=step, held_out=(0.25, 0.75)) for step in (100, 200, 300)]
    assert rules.met(low[:2]) == "" and rules.met(low)
    high = look(step=250, held_out=(0.5, 0.75))
    assert rules.met([low[1], high, low[2]]) == ""
    assert rules.met([look(step=300), look(step=400)]) == ""  # nothing was held out


def test_one_line_of_many_is_enough() -> None:
    rules = parse(f"step above 900\n{RULE}")
    assert rules.met([look(*[SEEN] * 8)]) == RULE
    assert rules.met([look(step=901)]) == "step above 900"
    assert parse("").lines == () and parse("  \n# none\n").met([look()]) == ""


def test_settings_that_rules_do_not_go_with_are_refused() -> None:
    TrainingSettings(stop_rules=RULE, prompts="\n".join("abcdefgh")).check()
    for changes, said in (
        (
            {"prompts": "a\nb"},
            "speak of 8 previews, and the prompts are 2; write as many prompts, or",
        ),
        (
            {"preview_every": 0},
            "The stop rules are looked at with every preview, and preview_every",
        ),
        (
            {"stop_rules": "held-out loss below 1"},
            "speak of the held-out loss, and no clip is held",
        ),
        (
            {"stop_rules": "8 of"},
            "The stop rules cannot be read at line 1, column 5: the line ends",
        ),
    ):
        with pytest.raises(ValueError, match=said):
            TrainingSettings(**{"stop_rules": RULE, **changes}).check()


@pytest.mark.parametrize(
    "text, line, column, what",
    [
        ("8 of 8 previews pan left than 0.25", 1, 26, "`than` stands where `by` is expected"),
        ("step at least 5\n8 of 8 pictures", 2, 8, "`pictures` stands where `previews` is"),
        ("pan left by at least 1", 1, 1, "`pan left` says not of how many"),
        ("9 of 8 previews flow above 1", 1, 1, "9 of 8 previews are no share of them"),
        ("0 of 8 previews flow above 1", 1, 1, "0 of 8 previews are no share of them"),
        ("8 of 8 previews", 1, 16, "the line ends where one of pan left, pan right"),
        ("1 of 2 previews flow above 1\n1 of 3 previews flow above 1", 2, 1, COUNTS),
        ("1 of 2 previews step above 3", 1, 17, "`step` stands where one of pan left"),
        ("step above x", 1, 12, "`x` stands where a number such as 0.25 is expected"),
        ("step above -1", 1, 12, "`-` stands where a number"),
        ("step 5 to 2", 1, 6, "from 5 to 2 there is nothing"),
        ("step over 3", 1, 6, "`over` stands where one of at least, at most"),
        ("step above 1,", 1, 14, "the line ends where one of pan left"),
        ("step above 1 flow", 1, 14, "`flow` stands where a comma or the end"),
        ("2 times in a row", 1, 1, "`times in a row` needs 2 or more"),
        ("step above 1, 1 times in a row", 1, 15, "`times in a row` needs 2 or more"),
        ("step above 1, 2 times in a row, step above 3", 1, 31, "`,` stands where the end of"),
        ("1.5 of 2 previews flow above 1", 1, 1, "`1.5` stands where a whole number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    text: str, line: int, column: int, what: str
) -> None:
    with pytest.raises(ValueError, match="The stop rules cannot be read") as caught:
        parse(text)
    said = str(caught.value)
    assert f"at line {line}, column {column}: {what}" in said
    assert said.endswith(f"A rule is written such as `{RULE}`.")
