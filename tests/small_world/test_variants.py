"""What the proof compares with: made like what ships but for one thing, and when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from animatediff_kit.benchmarks.claims.claim_camera import move_of
from animatediff_kit.small_world import files
from animatediff_kit.small_world.command_line import main, recipes
from animatediff_kit.small_world.retrain import CAMERA_MOVES, Workshop, steps_of
from animatediff_kit.small_world.variants import AXES, CONVOLUTION, few_recipe, variants_of


def test_variants_are_no_steps_that_ship_and_lie_elsewhere(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, recipes())
    variants = variants_of(shop)
    assert len(variants) == 8 and not set(variants) & set(steps_of(shop))
    assert all(path.is_relative_to(tmp_path) for path, _ in variants.values())
    for name, (path, _) in variants.items():
        if name not in (CONVOLUTION, AXES):
            assert move_of(path) == name.partition(",")[0]
            assert path.stem.endswith(name.split()[-2])


def test_the_convolution_is_trained_with_the_motion_module_s_recipe(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, recipes())
    motion, convolution = shop.recipe("motion"), shop.recipe(CONVOLUTION)
    for key in ("clips", "training", "adapter"):
        assert convolution[key] == motion[key]
    assert convolution["stage"] != motion["stage"]


def test_fewer_clips_are_the_only_difference(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, recipes())
    for move in CAMERA_MOVES:
        recipe, few = shop.recipe(move), few_recipe(shop, move, 5)
        assert recipe["clips"] == {"kind": move, "count": 50}
        assert few == {**recipe, "clips": {"kind": move, "count": 5}}


def test_a_step_that_is_none_is_named_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["zoom", "--folder", str(tmp_path)])
    told = capsys.readouterr().err
    assert "there is no step 'zoom'" in told and "zoom in, 5 clips" in told
    assert not (files.WEIGHTS / "zoom").exists() and not any(tmp_path.iterdir())
