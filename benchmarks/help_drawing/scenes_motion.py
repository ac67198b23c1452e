"""Scenes of the nodes that animate: pairs and squares of clips that differ in one input."""

from __future__ import annotations

import numpy as np

from ...sampling.window_picture import shares
from ...sampling.windows import WindowSettings
from .clips import LENGTH, LONG, OVERLAP, taken
from .curves import WIDTH, spans
from .kept import Frames
from .layout import COLOURS, GROUND, above, beside, enlarged, grid, labelled, padded, told


def still_and_moving(seed: int) -> Frames:
    return beside([enlarged(taken(name, seed)) for name in ("still", "star")])


def small_world(seed: int) -> Frames:
    names = ("round", "circle base", "circle outlined", "circle neon")
    return grid([enlarged(taken(name, seed)) for name in names])


def camera_moves(seed: int) -> Frames:
    names = ("zoom in", "pan left", "tilt up", "roll clockwise")
    return grid([enlarged(taken(name, seed)) for name in names])


def pair(one: str, other: str, texts: tuple[str, str], seed: int) -> Frames:
    parts = zip((one, other), texts, strict=True)
    return beside([labelled(enlarged(taken(name, seed)), text) for name, text in parts])


def strength(seed: int) -> Frames:
    return pair("strengthless", "star", ("0", "1"), seed)


def adapter(seed: int) -> Frames:
    return pair("star", "adapted", ("0", "1"), seed)


def guidance(seed: int) -> Frames:
    return pair("unguided", "star", ("cfg 1", "cfg 6"), seed)


def positions(seed: int) -> Frames:
    return pair("star", "stretched", ("16", "16 > 24"), seed)


def refined(seed: int) -> Frames:
    return pair("star", "refined", ("1", "3"), seed)


def long_video(seed: int) -> Frames:
    """The clip, and the windows over its frames."""
    windows = [(at, at + LENGTH) for at in (0, LONG - LENGTH)]
    clip = enlarged(taken("long", seed))
    return above([clip, spans(windows, LONG, (LONG - LENGTH, LENGTH))])


def moving_windows(seed: int) -> Frames:
    """A step of sampling after the other, whose windows lie elsewhere."""
    settings = WindowSettings(LENGTH, OVERLAP, schedule="standard_uniform")
    pages = [window_rows(settings, step) for step in range(16)]
    rows = max(len(page) for page in pages)
    tall = [padded(page[None], rows, WIDTH)[0] for page in pages]
    return told(np.stack(tall), lambda number: f"{number + 1} / {len(pages)}")


def window_rows(settings: WindowSettings, step: int, frames: int = 48) -> np.ndarray:
    """-> h w 3, each window a row of its own, the brighter the more it counts"""
    _, table = shares(frames, settings, step)
    rows = []
    for row, colour in zip(table, COLOURS * len(table), strict=False):
        mix = np.where(row > 0, 0.15 + 0.85 * row, 0.0)[None, :, None]
        line = np.array(GROUND) * (1 - mix) + np.array(colour) * mix
        places = np.arange(WIDTH) * frames // WIDTH
        rows += [line[:, places].repeat(16, 0), np.full((3, WIDTH, 3), GROUND)]
    return np.concatenate(rows).round().astype(np.uint8)
