"""The words of the small world, and the captions made of them."""

from __future__ import annotations

from itertools import product

SHAPES = ("circle", "square", "triangle", "star", "cross")

COLOURS = {
    # word -> red, green, blue
    "red": (0.90, 0.12, 0.12),
    "green": (0.10, 0.70, 0.20),
    "blue": (0.12, 0.25, 0.95),
    "yellow": (0.98, 0.88, 0.10),
    "purple": (0.58, 0.15, 0.80),
    "orange": (1.00, 0.52, 0.05),
}

GROUNDS = {
    "black": (0.06, 0.06, 0.08),
    "gray": (0.45, 0.45, 0.47),
    "white": (0.92, 0.92, 0.92),
    "teal": (0.10, 0.42, 0.42),
    "pink": (0.93, 0.66, 0.72),
}

PATTERNS = ("plain", "gradient", "checkered")

MOTIONS = {
    # motion -> what the caption says
    "still": "",
    "left": "moving left",
    "right": "moving right",
    "up": "moving up",
    "down": "moving down",
    "orbit": "going round",
    "grow": "growing",
    "bounce": "bouncing",
}


def caption(colour: str, shape: str, motion: str, ground: str, pattern: str) -> str:
    """`a red star moving left on a gray checkered background`"""
    kind = "" if pattern == "plain" else pattern
    words = ("a", colour, shape, MOTIONS[motion], "on a", ground, kind, "background")
    return " ".join(word for word in words if word).replace("a orange", "an orange")


def held_out(colour: str, shape: str, motion: str) -> bool:
    """Whether no training set shows this combination: one in eight, so spread that each colour
    meets each shape, and each of both each motion, in other combinations."""
    c, s = list(COLOURS).index(colour), SHAPES.index(shape)
    return (c + 2 * s + 3 * list(MOTIONS).index(motion)) % 8 == 0


def combinations(held: bool) -> list[tuple[str, str, str]]:
    """(colour, shape, motion): those of training, or those held out."""
    return [c for c in product(COLOURS, SHAPES, MOTIONS) if held_out(*c) == held]
