"""A contact sheet of training clips: each is read once, measured, and forgotten but for small
pictures and a line of text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from ...measures.camera_signature import CameraSignature
from ...measures.clip_faults import cut_at, is_still
from ...measures.contact_sheet import Cell, pages, thumbs_of
from ...measures.motion_measures import MotionMeasures, measure_motion
from ...measures.near_duplicates import near_duplicates, signature
from ...training.data.chosen_clips import Place, places, without
from ...training.data.clips import ClipSet, UnfitClip, UnreadableClip
from ...training.data.joined_clips import parts_of

NOTHING, CUTS, STILL, BOTH = "nothing", "cuts", "no motion", "cuts and no motion"
LEAVE_OUT = (NOTHING, CUTS, STILL, BOTH)

SHOWN = 400
"""Clips on the pages, ten of them; the text has all."""

Each = Callable[[int, int], None]
"""Called with clips that are done and all of them; may raise to end it."""


@dataclass(frozen=True)
class Look:
    """What is kept of a clip.   line: of the text;   fault: "" for none;   colours: its signature
    for duplicates, None of one that cannot be read"""

    place: Place
    name: str
    line: str
    cell: Cell | None
    fault: str = ""
    leave: str = ""
    colours: np.ndarray | None = None


def sheet_of(clips: ClipSet, most: int, leave_out: str, each: Each) -> tuple[ClipSet, Tensor, str]:
    """-> the clips that are kept, pages b h w 3, text.

    Raises ValueError where all would be left out, and what `each` raises.
    """
    all_of = places(clips)
    chosen = spread(all_of, most)
    looks: list[Look] = []
    drawn = {True: 0, False: 0}  # of those at fault, and of the others: pictures that are kept
    for done, place in enumerate(chosen):
        each(done, len(chosen))
        look = look_at(clips, place, lambda done=done: each(done, len(chosen)))
        drawn[bool(look.fault)] += 1
        has_room = drawn[bool(look.fault)] <= SHOWN
        looks.append(look if has_room else replace(look, cell=None))
    each(len(chosen), len(chosen))
    wanted = {CUTS, STILL} if leave_out == BOTH else {leave_out}
    left = {look.place for look in looks if look.leave in wanted}
    return without(clips, left), pages(cells_of(looks)), text_of(looks, len(all_of), left)


def spread(found: list[Place], most: int) -> list[Place]:
    """Of all, at most so many, evenly."""
    if not most or len(found) <= most:
        return found
    return [found[number * len(found) // most] for number in range(most)]


def look_at(clips: ClipSet, place: Place, each: Callable[[], None]) -> Look:
    own, index = parts_of(clips)[place.part].clips, place.index
    name, fps = own.name(index), own.fps(index)
    try:
        clip = own.read(index)
    except UnreadableClip as error:
        return Look(place, name, f"{name} | {error}", None, f"unreadable: {error}")
    except UnfitClip as error:
        return Look(place, name, f"{name} | {error}", None, f"unfit: {error}")
    frames = clip.frames
    speed = f"{len(frames)} frames" + (f" at {fps:.4g} fps" if fps else "")
    measured = measure_motion(frames, each) if len(frames) > 1 else None
    moved = motion_of(measured) if measured else "an image"
    leave, fault = fault_of(measured)
    lines = name, clip.caption, fault or f"{speed}, {moved}"
    cell = Cell(thumbs_of(frames), lines, bool(fault))
    captions = " / ".join(own.captions(index))
    line = " | ".join((name, captions, speed, moved, *([fault] if fault else [])))
    return Look(place, name, line, cell, fault, leave, signature(frames))


def fault_of(measured: MotionMeasures | None) -> tuple[str, str]:
    """Which of LEAVE_OUT it falls under, and the fault in words."""
    if measured is None:
        return "", ""
    cut = cut_at(measured)
    if cut is not None:
        return CUTS, f"a cut at frame {cut}"
    return (STILL, "no motion") if is_still(measured) else ("", "")


def motion_of(measured: MotionMeasures) -> str:
    flow = float(np.median(measured.high_flow))
    return f"flow {flow:.2f} px, {camera_of(measured.camera())}"


def camera_of(camera: CameraSignature) -> str:
    """Its move, and how far."""
    if camera.move == "none":
        return "no one camera move"
    kind = camera.move.split()[0]
    amount = {
        "zoom": f"x {camera.zoom_factor:.2f}",
        "pan": f"{camera.pan_percent:+.0f} %",
        "tilt": f"{camera.tilt_percent:+.0f} %",
        "roll": f"{camera.roll_degrees:+.0f} degrees",
    }[kind]
    return f"{camera.move} {amount}"


def cells_of(looks: list[Look]) -> list[Cell]:
    """Of the clips that the pages hold: what is at fault goes before what is not."""
    drawn = [look for look in looks if look.cell is not None]
    faulty = [look for look in drawn if look.fault][:SHOWN]
    fine = [look for look in drawn if not look.fault][: SHOWN - len(faulty)]
    shown = {look.place for look in (*faulty, *fine)}
    return [look.cell for look in drawn if look.place in shown and look.cell is not None]


def text_of(looks: list[Look], of: int, left: set[Place]) -> str:
    lines = [look.line for look in looks]
    heads = [f"{len(looks)} of {of} clips."]
    if len(looks) < of:
        heads[0] = (
            f"{len(looks)} of {of} clips, spread over all; what is left out and which are alike is "
            "told of these alone. Set most higher, or to 0 for all."
        )
    faulty = [look for look in looks if look.fault]
    if faulty:
        heads.append(f"{len(faulty)} are marked: " + "; ".join(map(marked, faulty)) + ".")
    if left:
        heads.append(f"{len(left)} of them are left out.")
    known = [look for look in looks if look.colours is not None]
    groups = near_duplicates([look.colours for look in known if look.colours is not None])
    heads.extend(
        "Nearly the same: " + ", ".join(known[index].name for index in group) + "."
        for group in groups
    )
    if len(looks) > SHOWN:
        heads.append(f"The pages show {SHOWN} of them, those that are marked first.")
    return "\n".join([*heads, "", *lines])


def marked(look: Look) -> str:
    return f"{look.name} ({look.fault})"
