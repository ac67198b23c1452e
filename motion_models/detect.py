"""Keys and shapes of a motion model -> its family and its modules; or a sentence why not.

Pure Python over {key: shape}: no tensor is read, no file name looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .kinds import TEMPORAL_MARKS, Shapes
from .layouts import Grammar, grammar_of, strip_wrappers, to_official
from .specs import FAMILIES, LEVELS, Family, MotionLayout, expected_shapes, table_shapes

AUTOMATIC = "automatic"


@dataclass(frozen=True)
class Detected:
    """A motion model's family, modules and position table, read from its content.

    `positions` is None where the file holds no table. `notes` say what content alone could not
    settle.
    """

    family: Family
    layout: MotionLayout
    positions: int | None
    notes: tuple[str, ...] = ()


def motion_keys(keys: Iterable[str]) -> tuple[dict[str, str], Grammar]:
    """Keys of motion modules as they stand in the file -> the authors' grammar; and the file's
    grammar."""
    stripped = {key: strip_wrappers(key) for key in keys}
    temporal = {k: s for k, s in stripped.items() if any(m in s for m in TEMPORAL_MARKS)}
    grammar = grammar_of(temporal.values())
    return {key: to_official(s, grammar) for key, s in temporal.items()}, grammar


def layout_of(shapes: Shapes) -> MotionLayout:
    """The modules that the keys of a motion model (authors' grammar) speak of.

    Raises ValueError when no level can be read from them.
    """
    widths: dict[int, int] = {}
    layers = 0
    for key, shape in shapes.items():
        match = re.match(
            r"down_blocks\.(\d+)\.motion_modules\.(\d+)\.temporal_transformer\.norm\.weight$", key
        )
        if match and shape:
            widths[int(match[1])] = shape[0]
            layers = max(layers, int(match[2]) + 1)
    if sorted(widths) != list(range(len(widths))) or not widths:
        raise ValueError("no complete set of down_blocks motion modules was found in it")
    mid_block = any(key.startswith("mid_block.") for key in shapes)
    attentions = 2 if any(".attention_blocks.1." in key for key in shapes) else 1
    return MotionLayout(tuple(widths[i] for i in range(len(widths))), mid_block, layers, attentions)


def positions_of(shapes: Shapes) -> int | None:
    """Rows of the file's position table, or None where it holds none."""
    tables = (shape for key, shape in shapes.items() if key.endswith(".pos_encoder.pe"))
    lengths = {shape[1] for shape in tables if len(shape) == 3}
    if len(lengths) > 1:
        raise ValueError(f"its position tables disagree on their length ({sorted(lengths)})")
    return lengths.pop() if lengths else None


def identify(
    shapes: Shapes,
    grammar: Grammar = "official",
    family: str = AUTOMATIC,
) -> Detected:
    """The family and layout of a motion model from its shapes in the authors' grammar.

    `grammar` is what the file was written in, `family` the user's override. Raises ValueError with
    the reason as a clause ("it ...", "its ...") for the caller to put the file's name before.
    """
    layout, positions = layout_of(shapes), positions_of(shapes)
    if layout.attentions == 1:
        raise ValueError(
            "its modules have one attention each, as SparseCtrl's have; a motion model has two"
        )
    check_complete(shapes, layout, positions)
    if family != AUTOMATIC:
        return Detected(check_override(FAMILIES[family], layout), layout, positions)
    notes: tuple[str, ...] = ()
    if len(layout.widths) == LEVELS["SDXL"]:
        name = "HotshotXL" if grammar == "hotshot" or positions == 24 else "SDXL beta"
        if positions is None and grammar != "hotshot":
            notes = (
                "it holds no position table, so a re-spelled HotshotXL cannot be told from SDXL "
                "beta",
            )
    elif layout.mid_block:
        name, notes = mid_block_family(positions)
    else:
        name = no_mid_block_family(positions)
    return Detected(FAMILIES[name], layout, positions, notes)


def mid_block_family(positions: int | None) -> tuple[str, tuple[str, ...]]:
    """The family of a four-level model with a middle module: v2's kin."""
    if positions is None:
        note = "it holds no position table, AnimateLCM's mark; a re-saved v2 would look the same"
        return "AnimateLCM", (note,)
    return ("LongAnimateDiff" if positions > FAMILIES["v2"].positions else "v2"), ()


def no_mid_block_family(positions: int | None) -> str:
    """The family of a four-level model without a middle module: v1 or v3, told by the position
    table."""
    if positions is None:
        raise ValueError(
            "it holds no position table, so v1 (GroupNorm over all frames) and v3 (per frame) "
            "cannot be told apart: choose v1 or v3 as family on Load Motion Model (mm_sd_v14 and "
            "mm_sd_v15 are v1)"
        )
    return "v1" if positions <= FAMILIES["v1"].positions else "v3"


def check_override(family: Family, layout: MotionLayout) -> Family:
    """`family` if a model with these modules can be computed by its rules; ValueError otherwise."""
    levels = LEVELS[family.base]
    if len(layout.widths) != levels or layout.mid_block != family.mid_block:
        mid = "a middle module" if family.mid_block else "no middle module"
        raise ValueError(
            f"it has {layout}, but family {family.name} has {levels} levels and {mid}: choose "
            f"{AUTOMATIC} or a family of that shape on Load Motion Model"
        )
    return family


def check_complete(shapes: Shapes, layout: MotionLayout, positions: int | None) -> None:
    """Raise ValueError unless every tensor of every module is there, with its shape, and nothing
    else."""
    tables = table_shapes(layout, positions)
    check_tensors(shapes, expected_shapes(layout), tables, "motion module")


def check_tensors(
    shapes: Shapes,
    expected: Shapes,
    optional: Mapping[str, tuple[int | None, ...]],
    owner: str,
) -> None:
    """Raise ValueError unless every expected tensor is there, and nothing else but the optional
    ones, each with its shape. `owner` is what has them."""
    missing = [key for key in expected if key not in shapes]
    if missing:
        raise ValueError(
            f"{len(missing)} of its {len(expected)} tensors are missing, {missing[0]} for one: "
            "download it again"
        )
    known = {**expected, **optional}
    wrong = [key for key, shape in shapes.items() if shape != known.get(key, shape)]
    if wrong:
        raise ValueError(
            f"{len(wrong)} of its tensors have the wrong shape, {wrong[0]} for one: "
            f"{list(shapes[wrong[0]])} instead of {list(known[wrong[0]])}"
        )
    surplus = [key for key in shapes if key not in known]
    if surplus:
        raise ValueError(
            f"{len(surplus)} of its tensors belong to no {owner} known here, {surplus[0]} for one"
        )
