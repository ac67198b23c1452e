"""What is said of a picture that is too small for a camera move."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .clips import BUCKET, LATENT


def too_small(
    name: str,
    picture: tuple[int, int],
    wanted: tuple[int, int],
    moves: Sequence[str],
    smallest: tuple[float, float],
) -> str:
    """picture: (height, width) as it was read;   wanted: the same of the training;   smallest: of
    the camera's smallest window in the picture, which grows as the picture does"""
    growth = wanted[1] / smallest[1]
    needed = [math.ceil(side * growth) for side in (picture[1], picture[0])]
    fits = [int(side) // LATENT * LATENT for side in (smallest[1], smallest[0])]
    smaller = f"Set width and height to {fits[0]} x {fits[1]}, lower"
    lower = smaller if min(fits) >= BUCKET else "Lower"
    return (
        f"{name} is {picture[1]} x {picture[0]}, too small for {' and '.join(moves)} at "
        f"{wanted[1]} x {wanted[0]}: its smallest window has {smallest[1]:.0f} x "
        f"{smallest[0]:.0f} pixels. {lower} the amount, or use a picture of {needed[0]} x "
        f"{needed[1]} or more."
    )
