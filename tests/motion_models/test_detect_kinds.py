"""Telling a motion model from LoRAs, adapters, ControlNets and checkpoints; and damage in one."""

from __future__ import annotations

import pytest
import torch
from adk_tests.support import spellings
from animatediff_kit.motion_models.detect import identify
from animatediff_kit.motion_models.kinds import kind_of
from animatediff_kit.motion_models.specs import MotionLayout, expected_shapes

LAYOUT = MotionLayout((320, 640, 1280, 1280), mid_block=False)
SHAPES = spellings.with_tables(expected_shapes(LAYOUT), 32)
STEM = "down_blocks.0.motion_modules.0.temporal_transformer."
QUERY = STEM + "transformer_blocks.0.attention_blocks.0.to_q"
SPATIAL = "down_blocks.0.attentions.0.transformer_blocks.0.attn1."
PAIR = {QUERY: (torch.ones(4, 2), torch.ones(2, 4))}

KINDS = {
    "motion model": [
        SHAPES,
        spellings.diffusers(SHAPES),
        spellings.hotshot(SHAPES),
        spellings.prefixed(SHAPES),
        {**SHAPES, "conv_in.weight": (320, 4, 3, 3)},
    ],
    "MotionLoRA": [
        spellings.official_lora(PAIR),
        spellings.director_lora(PAIR),
        spellings.diffusers_lora(PAIR),
        spellings.peft_lora(PAIR),
        spellings.peft_lora(PAIR, ".default", "base_model.model."),
        spellings.kohya_lora(PAIR, 1.0),
        spellings.kohya_lora(PAIR, 1.0, of_diffusers=True),
        {**spellings.official_lora(PAIR), SPATIAL + "processor.to_q_lora.up.weight": ()},
    ],
    "spatial LoRA": [
        {SPATIAL + "processor.to_q_lora.down.weight": ()},  # v3_sd15_adapter
        {"unet." + SPATIAL + "to_q.lora_A.weight": ()},
        {"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": ()},
        {"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight": ()},
        {"text_encoder.text_model.encoder.layers.0.mlp.fc1.lora.up.weight": ()},
    ],
    "SparseCtrl": [
        {**SHAPES, "controlnet_cond_embedding.conv_in.weight": ()},
        {**{f"module.{k}": () for k in SHAPES}, "module.controlnet_down_blocks.0.weight": ()},
    ],
    "ControlNet": [
        {"module.controlnet_down_blocks.0.weight": ()},
        {"controlnet_cond_embedding.conv_in.weight": ()},
        {"control_model.zero_convs.0.0.weight": ()},
        {"input_hint_block.0.weight": (), "input_blocks.0.0.weight": ()},
    ],
    "checkpoint": [
        {"model.diffusion_model.input_blocks.0.0.weight": ()},
        {"down_blocks.0.resnets.0.norm1.weight": ()},
        {"diffusion_model.input_blocks.0.0.weight": ()},
        {"module.down_blocks.0.resnets.0.norm1.weight": ()},
    ],
    "FancyVideo": [
        {**SHAPES, "conv_in.weight": (320, 9, 3, 3), "fps_embedding.linear.weight": (1280, 320)},
        {**SHAPES, "motion_embedding.linear.bias": (1280,)},
    ],
    "PIA": [{**SHAPES, "conv_in.weight": (320, 9, 3, 3)}],
    "unknown": [{"emb_params": ()}, {"decoder.conv_in.weight": ()}, {}],
}


@pytest.mark.parametrize(("kind", "file"), [(k, f) for k, files in KINDS.items() for f in files])
def test_kind(kind, file):
    assert kind_of(file) == kind


def test_one_attention_is_sparsectrl():
    one = {k: s for k, s in SHAPES.items() if ".attention_blocks.1." not in k}
    with pytest.raises(ValueError, match="one attention each, as SparseCtrl's have"):
        identify(one)


def test_missing_tensors_are_counted_and_one_is_named():
    file = {k: s for k, s in SHAPES.items() if not k.startswith(QUERY)}
    with pytest.raises(ValueError, match=rf"1 of its 520 tensors are missing, {QUERY}.weight for"):
        identify(file)


def test_a_missing_module_is_missing_tensors():
    file = {k: s for k, s in SHAPES.items() if not k.startswith("up_blocks.2.motion_modules.1.")}
    with pytest.raises(ValueError, match="26 of its 520 tensors are missing, up_blocks.2"):
        identify(file)


def test_a_missing_level_is_told():
    file = {k: s for k, s in SHAPES.items() if not k.startswith("down_blocks.1.")}
    with pytest.raises(ValueError, match="no complete set of down_blocks motion modules"):
        identify(file)


@pytest.mark.parametrize("shape", [(320, 321), (320,), (320, 320, 1), ()])
def test_a_wrong_shape_is_told_with_both_shapes(shape):
    file = {**SHAPES, QUERY + ".weight": shape}
    with pytest.raises(ValueError, match=r"1 of its tensors have the wrong shape.*of \[320, 320\]"):
        identify(file)


@pytest.mark.parametrize("shape", [(1, 32, 640), (32, 320), (320,), (), (2, 32, 320)])
def test_a_position_table_of_the_wrong_shape_is_told(shape):
    key = STEM + "transformer_blocks.0.attention_blocks.0.pos_encoder.pe"
    with pytest.raises(ValueError, match=r"wrong shape.*pos_encoder.pe.*of \[1, 32, 320\]"):
        identify({**SHAPES, key: shape})


def test_tables_of_two_lengths_are_told():
    key = STEM + "transformer_blocks.0.attention_blocks.0.pos_encoder.pe"
    with pytest.raises(ValueError, match=r"position tables disagree on their length \(\[24, 32\]"):
        identify({**SHAPES, key: (1, 24, 320)})


@pytest.mark.parametrize(
    "key",
    [
        STEM + "transformer_blocks.1.ff_norm.weight",
        STEM + "gamma",
        "mid_block.motion_modules.1.temporal_transformer.norm.weight",
    ],
)
def test_surplus_tensors_are_told(key):
    with pytest.raises(ValueError, match="belong to no motion module known here|are missing"):
        identify({**SHAPES, key: (320,)})


def test_a_table_alone_of_a_module_that_is_not_there_is_surplus():
    key = "up_blocks.7.motion_modules.0.temporal_transformer.transformer_blocks.0."
    with pytest.raises(ValueError, match="belong to no motion module known here, up_blocks.7"):
        identify({**SHAPES, key + "attention_blocks.0.pos_encoder.pe": (1, 32, 320)})
