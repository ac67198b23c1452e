"""The scene of Contact Sheet: three clips, of which the node leaves two out."""

from __future__ import annotations

import numpy as np
import torch

from ...small_world.motions import FRAMES
from .drawings import a_video
from .kept import Frames
from .layout import GREEN, ORANGE, above, again, beside, framed
from .world import first

FIRST_MIDDLE_LAST = [0, FRAMES // 2, FRAMES - 1]


def sheet(seed: int) -> Frames:
    """A clip that moves, one with a cut, one that stands still; below, the frames of the sheet."""
    moves, other = (a_video(seed + n, FRAMES) for n in (0, 1))
    cut = np.concatenate([moves[: FRAMES // 2], other[FRAMES // 2 :]])
    found = [moves, cut, again(moves[:1], FRAMES)]
    images = torch.from_numpy(np.concatenate(found)).float() / 255
    clips = first("ADK_ClipsFromImages", images=images, frames=FRAMES, caption="a clip")
    kept = first("ADK_ContactSheet", clips=clips, leave_out="cuts and no motion")
    names = {kept.name(index) for index in range(len(kept))}
    colours = [GREEN if clips.name(n) in names else ORANGE for n in range(len(clips))]
    return beside([column(one, colour) for one, colour in zip(found, colours, strict=True)], 8)


def column(clip: Frames, colour: tuple[int, int, int]) -> Frames:
    large = framed(clip, [colour] * FRAMES)
    small = [again(clip[at : at + 1, ::3, ::3], FRAMES) for at in FIRST_MIDDLE_LAST]
    return above([large, beside(small, 1)])
