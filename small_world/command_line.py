"""`python small_world`: the steps that are asked for, those that are finished left out."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..training.run.in_terminal import log_of_one_process
from ..training.run.toml_tables import toml_reader
from .retrain import Workshop, steps_of
from .variants import variants_of

log = logging.getLogger(__name__)

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / ".comfy" / "small_world"


def recipes() -> dict[str, Any]:
    """The tables of recipes.toml."""
    return toml_reader().loads((HERE / "recipes.toml").read_text(encoding="utf-8"))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="small_world", description=__doc__)
    parser.add_argument("steps", nargs="*", help="these alone; all that ship without")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for checkpoints and caches")
    options = parser.parse_args(arguments)
    shop = Workshop(options.folder, recipes())
    shipped, others = steps_of(shop), variants_of(shop)
    steps = {**shipped, **others}
    for name in options.steps:
        if name not in steps:
            parser.error(f"there is no step {name!r}; the steps are {', '.join(steps)}")
    with log_of_one_process():
        for name in options.steps or shipped:
            file, make = steps[name]
            if not file.exists():
                log.info("%s ...", name)
                file.parent.mkdir(parents=True, exist_ok=True)
                make()
    return 0
