"""Files are compared where they differ in nothing but what they are compared for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from animatediff_kit.benchmarks.claims.studio import check_alike
from animatediff_kit.training.engine.export import save_weights

ENTRIES = ("models", "steps")


def written(folder: Path, name: str, **told: str) -> Path:
    path = folder / f"{name}.safetensors"
    save_weights(path, {"weight": torch.ones(2)}, {"format": "pt", **told})
    return path


def test_files_of_one_recipe_are_alike(tmp_path: Path) -> None:
    one = written(tmp_path, "one", models="a", steps="300", clips="5")
    check_alike(one, written(tmp_path, "other", models="a", steps="300", clips="50"), ENTRIES)


@pytest.mark.parametrize("other", [{"models": "a", "steps": "40"}, {"steps": "300"}])
def test_what_differs_is_named(tmp_path: Path, other: dict[str, str]) -> None:
    one = written(tmp_path, "one", models="a", steps="300")
    with pytest.raises(ValueError, match=r"one.safetensors and other.safetensors cannot be comp"):
        check_alike(one, written(tmp_path, "other", **other), ENTRIES)


def test_files_that_say_nothing_are_not_alike(tmp_path: Path) -> None:
    one, other = written(tmp_path, "one"), written(tmp_path, "other")
    with pytest.raises(ValueError, match="their models are None and None"):
        check_alike(one, other, ENTRIES)
