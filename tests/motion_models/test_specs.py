"""The table of families against the published sizes (full-size shapes, no tensors)."""

from __future__ import annotations

import math

import pytest
from animatediff_kit.motion_models.specs import (
    BETA_SCHEDULES,
    FAMILIES,
    LEVELS,
    MotionLayout,
    expected_shapes,
    module_tensors,
)

SD15 = (320, 640, 1280, 1280)
SDXL = (320, 640, 1280)

PUBLISHED = [
    # layout, modules, tensors, parameters
    pytest.param(MotionLayout(SD15, mid_block=False), 20, 520, 417_137_600, id="v1 and v3"),
    pytest.param(MotionLayout(SD15, mid_block=True), 21, 546, 453_209_280, id="v2"),
    pytest.param(MotionLayout(SDXL, mid_block=False), 15, 390, 236_779_200, id="SDXL"),
]


@pytest.mark.parametrize(("layout", "modules", "tensors", "parameters"), PUBLISHED)
def test_shapes_count_what_is_published(layout, modules, tensors, parameters):
    shapes = expected_shapes(layout)
    assert len(layout.modules()) == modules
    assert len(shapes) == tensors
    assert sum(math.prod(shape) for shape in shapes.values()) == parameters


@pytest.mark.parametrize(
    ("channels", "parameters"), [(320, 2_259_520), (640, 9_024_640), (1280, 36_071_680)]
)
def test_one_module_has_26_tensors_of_22_c2_plus_21_c(channels, parameters):
    sizes = [math.prod(n * channels for n in units) for units in module_tensors(2).values()]
    assert len(sizes) == 26
    assert sum(sizes) == parameters == 22 * channels**2 + 21 * channels


def test_modules_stand_at_the_published_places():
    places = MotionLayout(SD15, mid_block=True).modules()
    down = {f"down_blocks.{i}.motion_modules.{j}": c for i, c in enumerate(SD15) for j in (0, 1)}
    up = {
        f"up_blocks.{i}.motion_modules.{j}": c
        for i, c in enumerate((1280, 1280, 640, 320))
        for j in (0, 1, 2)
    }
    assert places == {**down, "mid_block.motion_modules.0": 1280, **up}


def test_shapes_of_single_tensors():
    shapes = expected_shapes(MotionLayout(SD15, mid_block=False))
    stem = "up_blocks.2.motion_modules.1.temporal_transformer."
    block = stem + "transformer_blocks.0."
    assert shapes[stem + "norm.weight"] == (640,)
    assert shapes[stem + "proj_in.weight"] == (640, 640)
    assert shapes[block + "attention_blocks.1.to_out.0.bias"] == (640,)
    assert shapes[block + "ff.net.0.proj.weight"] == (5120, 640)
    assert shapes[block + "ff.net.2.weight"] == (640, 2560)
    assert shapes[block + "ff_norm.bias"] == (640,)


def test_families_follow_the_published_table():
    per, across = "per_frame", "across_frames"
    table = {
        # base, middle module, positions, norms of the ResBlocks, norm of the module, betas
        "v1": ("SD1.5", False, 24, across, per, "AnimateDiff"),
        "v2": ("SD1.5", True, 32, per, per, "AnimateDiff"),
        "v3": ("SD1.5", False, 32, per, per, "AnimateDiff"),
        "SDXL beta": ("SDXL", False, 32, per, across, "AnimateDiff-SDXL"),
        "HotshotXL": ("SDXL", False, 24, across, per, "checkpoint"),
        "AnimateLCM": ("SD1.5", True, 64, per, per, "AnimateLCM"),
        "Lightning": ("SD1.5", True, 32, per, per, "AnimateDiff"),
        "LongAnimateDiff": ("SD1.5", True, 64, per, per, "AnimateDiff"),
    }
    assert table == {
        f.name: (f.base, f.mid_block, f.positions, f.resnet_norm, f.motion_norm, f.betas)
        for f in FAMILIES.values()
    }


def test_families_name_themselves_and_their_schedules_exist():
    for name, family in FAMILIES.items():
        assert family.name == name
        assert family.betas in BETA_SCHEDULES
        assert family.base in LEVELS
        assert 0 < family.frames <= family.positions


def test_layout_reads_as_a_clause():
    assert str(MotionLayout(SDXL, mid_block=False)) == (
        "3 levels of 320, 640, 1280 channels, no middle module"
    )
    assert str(MotionLayout(SD15, mid_block=True)) == (
        "4 levels of 320, 640, 1280, 1280 channels, a middle module"
    )
