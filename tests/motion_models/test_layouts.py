"""Key grammars: the authors', diffusers' and Hotshot-XL's, both ways and tensor for tensor."""

from __future__ import annotations

import pytest
from adk_tests.support import spellings
from animatediff_kit.motion_models.layouts import (
    grammar_of,
    strip_wrappers,
    to_diffusers,
    to_official,
)
from animatediff_kit.motion_models.specs import MotionLayout, expected_shapes

SD15 = (320, 640, 1280, 1280)
LAYOUTS = {
    # two position tables a module; one in diffusers
    "v3": (MotionLayout(SD15, mid_block=False), 560, 540),
    "v2": (MotionLayout(SD15, mid_block=True), 588, 567),
    "SDXL": (MotionLayout((320, 640, 1280), mid_block=False), 420, 405),
}


def official_keys(name: str) -> set[str]:
    return set(spellings.with_tables(expected_shapes(LAYOUTS[name][0]), 32))


@pytest.mark.parametrize("name", LAYOUTS)
def test_official_to_diffusers_and_back(name):
    official, (_, with_two_tables, with_one) = official_keys(name), LAYOUTS[name]
    assert len(official) == with_two_tables
    converted = {key: to_diffusers(key) for key in official}
    foreign = {key for key in converted.values() if key is not None}
    assert len(foreign) == with_one
    assert foreign == set(spellings.diffusers(dict.fromkeys(official)))
    second = {key for key in official if ".attention_blocks.1.pos_encoder." in key}
    assert {key for key, new in converted.items() if new is None} == second
    assert {to_official(key, "diffusers") for key in foreign} == official - second
    assert grammar_of(foreign) == "diffusers"


@pytest.mark.parametrize("name", LAYOUTS)
def test_hotshot_to_official(name):
    official = official_keys(name)
    foreign = set(spellings.hotshot(dict.fromkeys(official)))
    assert len(foreign) == len(official) and not foreign & official
    assert grammar_of(foreign) == "hotshot"
    assert {to_official(key, "hotshot") for key in foreign} == official


@pytest.mark.parametrize("name", LAYOUTS)
def test_official_stays_as_it_is(name):
    official = official_keys(name)
    assert grammar_of(official) == "official"
    assert {to_official(key, "official") for key in official} == official


@pytest.mark.parametrize("mid_block", [False, True])
def test_diffusers_own_adapter_has_exactly_these_keys(mid_block):
    from diffusers import MotionAdapter

    widths = (32, 64, 96, 96)
    adapter = MotionAdapter(
        block_out_channels=widths, motion_max_seq_length=32, use_motion_mid_block=mid_block
    )
    theirs = {key: tuple(tensor.shape) for key, tensor in adapter.state_dict().items()}
    shapes = spellings.with_tables(expected_shapes(MotionLayout(widths, mid_block)), 32)
    ours = {to_diffusers(key): shape for key, shape in shapes.items()}
    ours.pop(None)
    assert ours == theirs


@pytest.mark.parametrize(
    "key",
    [
        "module.down_blocks.0.x",
        "unet.down_blocks.0.x",
        "module.unet.down_blocks.0.x",
        "model.diffusion_model.down_blocks.0.x",
        "module.model.diffusion_model.down_blocks.0.x",
        "down_blocks.0.x",
    ],
)
def test_wrappers_are_stripped_in_any_nesting(key):
    assert strip_wrappers(key) == "down_blocks.0.x"


def test_wrappers_are_stripped_from_the_front_alone():
    assert strip_wrappers("down_blocks.module.0") == "down_blocks.module.0"
