"""A MotionLoRA of one clip, with and without the path that takes up its look: does its motion go
over to other things, and does its colour?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from ...small_world.one_video import WAY, train_one_video
from ...small_world.scene import Scene
from ...small_world.sliding_clip import STILL
from ..claims.estimates import Estimate, share
from ..claims.findings import Figure, above, at_least, at_most, figure
from ..claims.scenes import Case, cases
from ..claims.studio import Studio
from ..claims.tracks import direction, track

MOVED, LEAKED = 0.8, 0.2
COLOURED = "clips with the colour of the one video"


def figures(studio: Studio, folder: Path, count: int, steps: int) -> Iterator[Figure]:
    found = others(count)
    bare = studio.shoot(found, steps=steps)
    name = f"clips of other things that go {WAY}"
    yield figure(f"without a MotionLoRA: {name}", share(moves(bare, found)), unit="%")
    yield figure(f"without a MotionLoRA: {COLOURED}", coloured(bare, found), unit="%")
    for two_paths, title in ((True, "two paths"), (False, "one path")):
        file = train_one_video(folder, two_paths)
        clips = studio.shoot(found, moves=((file, 1.0),), steps=steps)
        line = at_least(MOVED) if two_paths else None
        yield figure(f"{title}: {name}", share(moves(clips, found)), line, "%")
        leaked = coloured(clips, found)
        line = at_most(LEAKED) if two_paths else above(LEAKED)
        yield figure(f"{title}: {COLOURED}", leaked, line, "%", control=not two_paths)


def others(count: int) -> list[Case]:
    """Still things of other colours and shapes than the clip's."""
    found = cases(6 * count, motions=("still",))
    scenes = [c for c in found if c.scene.colour != STILL.colour and c.scene.shape != STILL.shape]
    return scenes[:count]


def moves(clips: list[Tensor], found: list[Case]) -> list[bool]:
    pairs = zip(clips, found, strict=True)
    return [direction(track(clip, case.scene)) == WAY for clip, case in pairs]


def coloured(clips: list[Tensor], found: list[Case]) -> Estimate:
    return share([leaks(clip, case.scene) for clip, case in zip(clips, found, strict=True)])


def leaks(clip: Tensor, scene: Scene) -> bool:
    """Whether more of the clip is nearer to the one video's colour than to the thing's own."""
    own, other = (
        float(np.nansum(track(clip, replace(scene, colour=colour)).area))
        for colour in (scene.colour, STILL.colour)
    )
    return other > own
