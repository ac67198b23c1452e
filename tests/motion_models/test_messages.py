"""The texts of errors of this room that other tests meet by their kind alone."""

from __future__ import annotations

import pytest
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from animatediff_kit.motion_models.lora import apply_motion_lora

TEMPORAL = "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0."
LAYER = f"{TEMPORAL}attention_blocks.0.to_q"
SPATIAL = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora"


def test_an_adapter_that_holds_one_half_of_a_pair() -> None:
    whole = {
        f"{SPATIAL.replace('to_q', part)}.{half}.weight": torch.ones(32, 32)
        for part in ("to_q", "to_k")
        for half in ("up", "down")
    }
    half = {key: tensor for key, tensor in whole.items() if key != f"{SPATIAL}.down.weight"}
    text = (
        r"^cut\.ckpt is incomplete: it holds one half of a pair without the other, "
        rf"{SPATIAL}\.down\.weight\. Download it again\.$"
    )
    with pytest.raises(ValueError, match=text):
        apply_domain_adapter(tiny.image_model(), half, 1.0, "cut.ckpt")


def test_a_dora_whose_lengths_are_those_of_another_layer() -> None:
    lora = spellings.kohya_lora({LAYER: (torch.ones(32, 4), torch.ones(4, 32))}, 4.0)
    lora[f"lora_unet_{LAYER.replace('.', '_')}.dora_scale"] = torch.ones(48, 1)
    text = (
        rf"^x\.pt does not fit tiny_v2: at {LAYER} its dora_scale \[48, 1\] is no length of the "
        r"rows or columns of a weight of shape \[32, 32\]\. Use a MotionLoRA made for it\.$"
    )
    with pytest.raises(ValueError, match=text):
        apply_motion_lora(tiny.motion_patcher("v2"), lora, 1.0, "x.pt")
