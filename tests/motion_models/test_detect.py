"""What a file is, told by its keys and shapes alone, for every published variant."""

from __future__ import annotations

import pytest
from adk_tests.support import spellings
from animatediff_kit.motion_models.detect import Detected, identify, motion_keys
from animatediff_kit.motion_models.kinds import kind_of
from animatediff_kit.motion_models.specs import FAMILIES, MotionLayout, expected_shapes

SD15 = (320, 640, 1280, 1280)
SDXL = (320, 640, 1280)
Shapes = dict[str, tuple[int, ...]]


def shapes_of(widths=SD15, mid_block=False, positions: int | None = None) -> Shapes:
    """A full-size motion model in the authors' names."""
    shapes = expected_shapes(MotionLayout(widths, mid_block))
    return shapes if positions is None else spellings.with_tables(shapes, positions)


def detect(file: Shapes, family: str = "automatic") -> Detected:
    """As the loader does: sort the keys of a file, then identify."""
    official, grammar = motion_keys(file)
    shapes = {new: file[old] for old, new in official.items()}
    return identify(shapes, grammar, family)


VARIANTS = {
    # file -> family, positions
    "mm_sd_v15": (shapes_of(positions=24), "v1", 24),
    "mm_sd_v15_v2": (shapes_of(mid_block=True, positions=32), "v2", 32),
    "v3_sd15_mm": (shapes_of(positions=32), "v3", 32),
    "mm_sdxl_v10_beta": (shapes_of(SDXL, positions=32), "SDXL beta", 32),
    "hsxl_temporal_layers": (spellings.hotshot(shapes_of(SDXL, positions=24)), "HotshotXL", 24),
    "HotshotXL without a table": (spellings.hotshot(shapes_of(SDXL)), "HotshotXL", None),
    "HotshotXL in diffusers' names": (
        spellings.diffusers(shapes_of(SDXL, positions=24)),
        "HotshotXL",
        24,
    ),
    "AnimateLCM": (shapes_of(mid_block=True), "AnimateLCM", None),
    "Lightning comfy": (shapes_of(mid_block=True, positions=32), "v2", 32),
    "Lightning diffusers": (
        spellings.diffusers(shapes_of(mid_block=True, positions=32)),
        "v2",
        32,
    ),
    "LongAnimateDiff 32": (shapes_of(mid_block=True, positions=32), "v2", 32),
    "LongAnimateDiff 64": (shapes_of(mid_block=True, positions=64), "LongAnimateDiff", 64),
    "a 16-frame fine-tune of v1": (shapes_of(positions=16), "v1", 16),
    "a 64-frame fine-tune of v3": (shapes_of(positions=64), "v3", 64),
    "v1 in diffusers' names": (spellings.diffusers(shapes_of(positions=24)), "v1", 24),
    "SDXL beta in diffusers' names": (
        spellings.diffusers(shapes_of(SDXL, positions=32)),
        "SDXL beta",
        32,
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("prefix", ["", "module.", "model.diffusion_model.", "module.unet."])
def test_every_variant(name, prefix):
    file, family, positions = VARIANTS[name]
    found = detect(spellings.prefixed(file, prefix))
    assert (found.family.name, found.positions) == (family, positions)
    assert found.layout.widths == (SDXL if FAMILIES[family].base == "SDXL" else SD15)
    assert found.layout.mid_block == FAMILIES[family].mid_block
    if positions is not None:
        assert found.notes == ()


@pytest.mark.parametrize("respell", [dict, spellings.diffusers])
def test_v1_and_v3_without_a_table_are_ambiguous(respell):
    with pytest.raises(ValueError, match="v1 .* and v3 .* cannot be told apart: choose v1 or v3"):
        detect(respell(shapes_of()))
    assert detect(respell(shapes_of()), "v1").family.name == "v1"
    assert detect(respell(shapes_of()), "v3").family.name == "v3"


def test_what_content_cannot_settle_is_noted():
    (note,) = detect(shapes_of(mid_block=True)).notes
    assert "no position table, AnimateLCM's mark; a re-saved v2 would look the same" in note
    (note,) = detect(shapes_of(SDXL)).notes
    assert "a re-spelled HotshotXL cannot be told from SDXL beta" in note
    assert detect(spellings.hotshot(shapes_of(SDXL))).notes == ()
    assert detect(shapes_of(mid_block=True), "v2").notes == ()


UNET: Shapes = {
    "conv_in.weight": (320, 4, 3, 3),
    "conv_in.bias": (320,),
    "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight": (320, 320),
    "down_blocks.0.resnets.0.norm1.weight": (320,),
    "mid_block.resnets.0.norm1.weight": (1280,),
    "conv_out.weight": (4, 320, 3, 3),
}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_whole_unet_with_four_channels_is_no_pia(prefix):
    found = detect(spellings.prefixed({**UNET, **shapes_of(positions=32)}, prefix))
    assert found.family.name == "v3" and not found.layout.mid_block


@pytest.mark.parametrize("prefix", ["", "module."])
def test_nine_input_channels_are_pia(prefix):
    file = {**UNET, **shapes_of(positions=32), "conv_in.weight": (320, 9, 3, 3)}
    assert kind_of(spellings.prefixed(file, prefix)) == "PIA"


def test_an_image_encoder_is_animatelcm_i2v():
    file = {**shapes_of(mid_block=True), "img_encoder.conv_in.weight": (320, 4, 3, 3)}
    assert kind_of(spellings.prefixed(file)) == "AnimateLCM-I2V"


@pytest.mark.parametrize(
    ("file", "family"),
    [
        (shapes_of(mid_block=True, positions=32), "Lightning"),
        (shapes_of(mid_block=True), "v2"),
        (shapes_of(mid_block=True, positions=32), "LongAnimateDiff"),
        (shapes_of(positions=32), "v1"),
        (shapes_of(SDXL, positions=32), "HotshotXL"),
        (spellings.hotshot(shapes_of(SDXL, positions=24)), "SDXL beta"),
    ],
)
def test_override_of_the_same_shape_is_taken(file, family):
    assert detect(file, family).family is FAMILIES[family]


@pytest.mark.parametrize(
    ("file", "family", "text"),
    [
        (
            shapes_of(positions=32),
            "v2",
            r"no middle module, but family v2 has 4 levels and a middle module",
        ),
        (
            shapes_of(mid_block=True, positions=32),
            "v1",
            r"a middle module, but family v1 has 4 levels and no middle module",
        ),
        (
            shapes_of(SDXL, positions=32),
            "v3",
            r"it has 3 levels of 320, 640, 1280 channels.* family v3 has 4 levels",
        ),
        (shapes_of(positions=32), "HotshotXL", r"family HotshotXL has 3 levels"),
    ],
)
def test_override_of_another_shape_is_refused(file, family, text):
    with pytest.raises(ValueError, match=text + ".*: choose automatic or a family of that shape"):
        detect(file, family)
