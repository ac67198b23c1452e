"""MotionLoRA files that do not fit, are damaged, or are something else."""

from __future__ import annotations

import logging
from functools import cache

import pytest
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models.kinds import SPATIAL_LORA, kind_of
from animatediff_kit.motion_models.lora import apply_motion_lora
from comfy.model_patcher import ModelPatcher
from torch import Tensor

BLOCK = "temporal_transformer.transformer_blocks.0."
DOWN = f"down_blocks.0.motion_modules.0.{BLOCK}attention_blocks.0.to_q"  # 32 channels
MIDDLE = f"mid_block.motion_modules.0.{BLOCK}attention_blocks.0.to_q"  # 128
SPATIAL = "down_blocks.0.attentions.0.transformer_blocks.0.attn1."
DOWN_KEY = f"{DOWN.removesuffix('to_q')}processor.to_q_lora.down.weight"
UP_KEY = DOWN_KEY.replace(".down.", ".up.")


@cache
def motion(family: str) -> ModelPatcher:
    return tiny.motion_patcher(family)


def pair(out: int = 32, inputs: int = 32, rank: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(out + inputs + rank)
    return torch.randn((out, rank), generator=generator), torch.randn(
        (rank, inputs), generator=generator
    )


def warnings_of(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name.startswith("animatediff_kit")]


def test_middle_pairs_on_v3_are_counted_and_v2_is_named(caplog):
    lora = spellings.official_lora({DOWN: pair(), MIDDLE: pair(128, 128)})
    with caplog.at_level(logging.WARNING):
        patched = apply_motion_lora(motion("v3"), lora, 1.0, "zoom.ckpt")
    assert list(patched.patches) == [f"{DOWN}.weight"]
    assert warnings_of(caplog) == [
        "zoom.ckpt: 1 of 2 layers match nothing in tiny_v3 (it was made for v2, which has a middle "
        "module)."
    ]


def test_the_same_file_fits_v2_without_a_warning(caplog):
    lora = spellings.official_lora({DOWN: pair(), MIDDLE: pair(128, 128)})
    patched = apply_motion_lora(motion("v2"), lora, 1.0, "zoom.ckpt")
    assert set(patched.patches) == {f"{DOWN}.weight", f"{MIDDLE}.weight"}
    assert not warnings_of(caplog)


def test_layers_that_match_nothing_are_counted(caplog):
    lora = spellings.official_lora({DOWN: pair(), DOWN.replace("_modules.0", "_modules.7"): pair()})
    lora[f"{DOWN}.own_scale"] = torch.ones(32)
    apply_motion_lora(motion("v2"), lora, 1.0, "x.pt")
    assert warnings_of(caplog) == ["x.pt: 2 of 3 layers match nothing in tiny_v2."]


def test_spatial_keys_are_counted(caplog):
    lora = spellings.official_lora({DOWN: pair()})
    up, down = pair()
    lora[SPATIAL + "processor.to_q_lora.up.weight"] = up
    lora[SPATIAL + "processor.to_q_lora.down.weight"] = down
    patched = apply_motion_lora(motion("v2"), lora, 1.0, "x.pt")
    assert list(patched.patches) == [f"{DOWN}.weight"]
    assert warnings_of(caplog) == [
        "x.pt: 2 keys of the image model were left out; a MotionLoRA changes motion alone."
    ]


@pytest.mark.parametrize(
    "halves",
    [pair(64, 64), pair(32, 64), pair(64, 32), (pair(rank=4)[0], pair(rank=8)[1])],
    ids=["both", "inputs", "outputs", "ranks"],
)
def test_wrong_widths(halves):
    with pytest.raises(
        ValueError, match=r"^wide.pt does not fit tiny_v2: at down_blocks.*32, 32\]"
    ):
        apply_motion_lora(motion("v2"), spellings.official_lora({DOWN: halves}), 1.0, "wide.pt")


@pytest.mark.parametrize("shape", [(), (32,), (4, 32, 1), (0,)])
def test_pairs_that_are_no_matrices(shape):
    lora = {DOWN_KEY: torch.ones(shape), UP_KEY: torch.ones(32, 4)}
    with pytest.raises(ValueError, match=r"^odd.pt does not fit tiny_v2: .* and down \["):
        apply_motion_lora(motion("v2"), lora, 1.0, "odd.pt")


@pytest.mark.parametrize(("missing", "left"), [(UP_KEY, "down"), (DOWN_KEY, "up")])
@pytest.mark.parametrize("strength", [1.0, 0.0])
def test_half_a_pair(missing, left, strength):
    lora = spellings.official_lora({DOWN: pair(), MIDDLE: pair(128, 128)})
    del lora[missing]
    text = f"^cut.pt is incomplete: at {DOWN} it holds {left} alone, where a pair of down and up"
    with pytest.raises(ValueError, match=text):
        apply_motion_lora(motion("v2"), lora, strength, "cut.pt")


def test_alpha_alone_is_no_pair():
    lora = spellings.kohya_lora({DOWN: pair(), MIDDLE: pair(128, 128)}, 4.0)
    lora = {key: t for key, t in lora.items() if "mid_block" not in key or key.endswith(".alpha")}
    with pytest.raises(
        ValueError, match=f"^cut.pt is incomplete: at {MIDDLE} it holds alpha alone"
    ):
        apply_motion_lora(motion("v2"), lora, 1.0, "cut.pt")


@pytest.mark.parametrize("spell", [spellings.official_lora, spellings.peft_lora])
def test_nothing_that_fits(spell):
    lora = spell({DOWN.replace("down_blocks.0", "down_blocks.9"): pair()})
    with pytest.raises(
        ValueError, match="^far.pt changes no layer of tiny_v2: none of its 1 layers is one of this"
    ):
        apply_motion_lora(motion("v2"), lora, 1.0, "far.pt")


def test_a_lora_of_sd15_on_an_sdxl_motion_model():
    lora = spellings.official_lora({MIDDLE: pair(128, 128)})
    with pytest.raises(ValueError, match="^x changes no layer of tiny_SDXL beta"):
        apply_motion_lora(motion("SDXL beta"), lora, 1.0, "x")


WRONG = {
    "adapter": (
        [SPATIAL + "processor.to_q_lora.down.weight"],
        "a LoRA of the image model: load it with Apply Domain Adapter .v3_sd15_adapter. or Load L",
    ),
    "spatial LoRA": (
        ["lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight"],
        "a LoRA of the image model: load it with Apply Domain Adapter",
    ),
    "motion model": ([f"{DOWN}.weight"], "a motion model: load it with Load Motion Model"),
    "SparseCtrl": (
        [f"{DOWN}.weight", "controlnet_cond_embedding.weight"],
        "a SparseCtrl model: load it with Load SparseCtrl Model",
    ),
    "checkpoint": (
        ["model.diffusion_model.input_blocks.0.0.weight"],
        "an image model without motion modules",
    ),
    "unknown": (["emb_params"], "none of AnimateDiff's formats"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_another_kind_is_sent_to_its_node(kind):
    keys, text = WRONG[kind]
    with pytest.raises(ValueError, match=f"^my file.pt is no MotionLoRA but {text}"):
        apply_motion_lora(motion("v2"), {key: torch.ones(4, 4) for key in keys}, 1.0, "my file.pt")


FOREIGN = {
    # what a file of another kind holds of a layer -> what it is said to be
    "hada_w1_a": "a LoHa (LyCORIS)",
    "hada_w2_b": "a LoHa (LyCORIS)",
    "lokr_w1": "a LoKr (LyCORIS)",
    "lokr_w2_a": "a LoKr (LyCORIS)",
    "oft_blocks": "an OFT or BOFT",
    "boft_R": "an OFT or BOFT",
    "oft_R.weight": "an OFT or BOFT",
    "a1.weight": "a GLoRA",
    "ia3_l": "an (IA)3",
    "lora_magnitude_vector": "a DoRA of peft",
    "lora_magnitude_vector.default.weight": "a DoRA of peft",
    "diff": "a set of full differences",
    "diff_b": "a set of full differences",
    "set_weight": "a set of full differences",
    "w_norm": "a set of full differences",
}


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("layer", [DOWN, "lora_unet_" + DOWN.replace(".", "_")])
@pytest.mark.parametrize("part", FOREIGN)
def test_other_kinds_of_change_are_refused_as_what_they_are(part, layer, beside):
    """Also beside pairs of a plain LoRA, which alone would be half of the file."""
    lora = {f"{layer}.{part}": torch.ones(4, 4)}
    if beside:
        lora |= spellings.official_lora({DOWN: pair()})
    with pytest.raises(ValueError) as told:
        apply_motion_lora(motion("v2"), lora, 1.0, "x.pt")
    assert str(told.value) == (
        f"x.pt is no MotionLoRA but {FOREIGN[part]} of a motion model, which is not computed here: "
        "convert it to a plain LoRA, or get one."
    )


@pytest.mark.parametrize("part", FOREIGN)
def test_those_of_the_image_model_are_sent_to_their_node(part):
    lora = {f"lora_unet_down_blocks_0_attentions_0_proj_in.{part}": torch.ones(4, 4)}
    text = f"x.pt is no MotionLoRA but {FOREIGN[part]} of the image model: load it with Load LoRA."
    with pytest.raises(ValueError) as told:
        apply_motion_lora(motion("v2"), lora, 1.0, "x.pt")
    assert str(told.value) == text


def test_norms_beside_a_lora_of_the_image_model_change_nothing():
    lora = {
        "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": torch.ones(4, 4),
        "lora_unet_down_blocks_0_attentions_0_norm.w_norm": torch.ones(4),
    }
    assert kind_of(lora) == SPATIAL_LORA


@pytest.mark.parametrize("shape", [(32,), (4, 1), (32, 32), ()])
def test_a_dora_of_other_widths(shape):
    lora = spellings.kohya_lora({DOWN: pair()}, 4.0)
    lora[f"lora_unet_{DOWN.replace('.', '_')}.dora_scale"] = torch.ones(shape)
    with pytest.raises(ValueError, match=r"^x does not fit tiny_v2: at .* its dora_scale \["):
        apply_motion_lora(motion("v2"), lora, 1.0, "x")


def test_an_alpha_is_one_number():
    lora = spellings.kohya_lora({DOWN: pair()}, 4.0)
    alpha = f"lora_unet_{DOWN.replace('.', '_')}.alpha"
    with pytest.raises(
        ValueError, match=rf"^The MotionLoRA's {alpha} has the shape \[3, 3\], where"
    ):
        apply_motion_lora(motion("v2"), {**lora, alpha: torch.ones(3, 3)}, 1.0, "x")
