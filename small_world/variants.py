"""What docs/proof.md compares the shipped weights with: trained like them but for one thing.

It is made when it is asked for by name, lies in the folder of the checkpoints, and never ships.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import files
from .retrain import Workshop, train_stage
from .train_axes import NAME as AXES
from .train_axes import axis_files, train_axes

CONVOLUTION = "convolution"
FEW = "few"
"""In recipes.toml: of which moves there are MotionLoRAs of how many clips, beside those shipped."""


def few_name(move: str, clips: int) -> str:
    return f"{move}, {clips} clips"


def few_file(shop: Workshop, move: str, clips: int) -> Path:
    """Named as the shipped one, with the number of clips behind."""
    return shop.folder / FEW / f"{Path(files.motion_lora(move)).stem}_{clips}.safetensors"


def few_recipe(shop: Workshop, move: str, clips: int) -> dict[str, Any]:
    recipe = shop.recipe(move)
    return {**recipe, "clips": {**recipe["clips"], "count": clips}}


def variants_of(shop: Workshop) -> dict[str, tuple[Path, Callable[[], None]]]:
    """Name -> the file that it makes, and what makes it."""
    convolution = shop.folder / "convolution.safetensors"
    made: dict[str, tuple[Path, Callable[[], None]]] = {
        CONVOLUTION: (
            convolution,
            lambda: train_stage(shop, CONVOLUTION, convolution.parent, convolution.name),
        )
    }
    last = list(axis_files(shop).values())[-1]
    made[AXES] = last, lambda: train_axes(shop)
    few = shop.recipes[FEW]
    for move in few["moves"]:
        for clips in few["clips"]:
            name, path = few_name(move, clips), few_file(shop, move, clips)
            recipes = {**shop.recipes, name: few_recipe(shop, move, clips)}
            with_few = replace(shop, recipes=recipes)
            made[name] = (
                path,
                lambda shop=with_few, name=name, path=path: train_stage(
                    shop, name, path.parent, path.name
                ),
            )
    return made
