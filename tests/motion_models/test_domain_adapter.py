"""The domain adapter on a real (tiny) SD1.5 model: Q = W z + scale * A B^T z, and its errors."""

from __future__ import annotations

import logging

import comfy.model_management
import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

RANK = 6
PROJECTIONS = ("to_q", "to_k", "to_v", "to_out")


def sites() -> dict[str, tuple[str, int]]:
    """diffusers' name of every spatial transformer of SD1.5 -> ComfyUI's, and its channels."""
    widths = tiny.WIDTHS["SD1.5"]
    down = {
        f"down_blocks.{i}.attentions.{j}": (f"input_blocks.{1 + 3 * i + j}.1", widths[i])
        for i in range(3)
        for j in range(2)
    }
    up = {
        f"up_blocks.{i}.attentions.{j}": (f"output_blocks.{3 * i + j}.1", widths[3 - i])
        for i in range(1, 4)
        for j in range(3)
    }
    return {**down, "mid_block.attentions.0": ("middle_block.1", widths[3]), **up}


def adapter(context: int = tiny.CONTEXT, seed: int = 4) -> dict[str, Tensor]:
    """v3_sd15_adapter's keys at tiny width, with live weights."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for site, (_, c) in sites().items():
        for attention in ("attn1", "attn2"):
            for projection in PROJECTIONS:
                cross = attention == "attn2" and projection in ("to_k", "to_v")
                inputs = context if cross else c
                stem = f"{site}.transformer_blocks.0.{attention}.processor.{projection}_lora"
                down = torch.randn((RANK, inputs), generator=generator) * inputs**-0.5
                tensors[f"{stem}.down.weight"] = down
                tensors[f"{stem}.up.weight"] = torch.randn((c, RANK), generator=generator)
    return tensors


def loaded_unet(model: ModelPatcher) -> nn.Module:
    comfy.model_management.load_models_gpu([model])
    return model.model.diffusion_model


@pytest.fixture
def base():
    yield tiny.image_model()
    comfy.model_management.unload_all_models()


@pytest.mark.parametrize("scale", [1.0, 0.4, -0.5])
@pytest.mark.parametrize("prefix", ["", "unet.", "module."])
def test_every_projection_is_wz_plus_scale_abz(base, scale, prefix):
    tensors = adapter()
    assert len(tensors) == 256
    plain = {key: w.clone().double() for key, w in base.model.diffusion_model.state_dict().items()}
    file = {prefix + key: tensor for key, tensor in tensors.items()}
    unet = loaded_unet(apply_domain_adapter(base, file, scale, "v3_sd15_adapter.ckpt"))
    for site, (place, _) in sites().items():
        for attention in ("attn1", "attn2"):
            for projection in PROJECTIONS:
                inner = ".0" if projection == "to_out" else ""
                layer = f"{place}.transformer_blocks.0.{attention}.{projection}{inner}"
                stem = f"{site}.transformer_blocks.0.{attention}.processor.{projection}_lora"
                down, up = (tensors[f"{stem}.{half}.weight"].double() for half in ("down", "up"))
                z = torch.randn(3, down.shape[1], generator=torch.Generator().manual_seed(0))
                exact = z.double() @ plain[f"{layer}.weight"].T + scale * (
                    z.double() @ down.T @ up.T
                )
                exact += plain.get(f"{layer}.bias", 0.0)
                found = unet.get_submodule(layer)(z)
                assert (found.double() - exact).abs().max() <= 1e-5 * exact.abs().max(), layer


def test_scale_zero_samples_the_base_bit_for_bit_and_one_does_not(base):
    tensors = adapter()
    plain = tiny.sample(base, frames=2, steps=1)
    without = tiny.sample(apply_domain_adapter(base, tensors, 0.0, "a"), frames=2, steps=1)
    adapted = tiny.sample(apply_domain_adapter(base, tensors, 1.0, "a"), frames=2, steps=1)
    assert torch.equal(plain, without)
    assert not torch.allclose(plain, adapted, atol=1e-3)
    assert torch.equal(plain, tiny.sample(base, frames=2, steps=1))


def test_unmatched_keys_are_counted(base, caplog):
    tensors = adapter()
    tensors["lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight"] = torch.ones(4, 2)
    tensors["lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight"] = torch.ones(2, 4)
    with caplog.at_level(logging.WARNING):
        apply_domain_adapter(base, tensors, 1.0, "a.ckpt")
    messages = [r.getMessage() for r in caplog.records if r.name.startswith("animatediff_kit")]
    assert messages == ["a.ckpt: 2 of 258 keys match nothing in the model."]


def test_a_whole_adapter_says_nothing(base, caplog):
    apply_domain_adapter(base, adapter(), 1.0, "a.ckpt")
    assert not caplog.records


def test_layers_that_this_unet_lacks_do_no_harm(base):
    extra = {"unet.add_embedding.linear_1.lora_A.weight": torch.ones(2, 8)}
    extra["unet.add_embedding.linear_1.lora_B.weight"] = torch.ones(8, 2)
    assert len(apply_domain_adapter(base, {**adapter(), **extra}, 1.0, "a").patches) == 128


@pytest.mark.parametrize("scale", [1.0, 0.0])
def test_an_sd15_adapter_on_sdxl_is_refused(scale):
    sdxl = tiny.image_model("SDXL")
    # the widths of the text encoders differ, as 768 and 2048 do
    text = "^a.ckpt was made for another base model: .*need an SD1.5 checkpoint.$"
    with pytest.raises(ValueError, match=text):
        apply_domain_adapter(sdxl, adapter(context=24), scale, "a.ckpt")


@pytest.mark.parametrize("shape", [(), (6,), (0,)])
def test_a_pair_that_is_no_matrix_is_refused(base, shape):
    tensors = adapter()
    key = "mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight"
    with pytest.raises(
        ValueError, match="^a was made for another base model: at diffusion_model.mi"
    ):
        apply_domain_adapter(base, {**tensors, key: torch.ones(shape)}, 1.0, "a")


@pytest.mark.parametrize("rows", [0, 1])
def test_halves_of_different_ranks_are_refused(base, rows):
    """ComfyUI would leave the layer out, and say so in the log alone."""
    tensors = adapter()
    key = "mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight"
    name = next(found for found in tensors if found.endswith(key))
    up = list(tensors[name.replace("down", "up")].shape)
    tensors[name] = tensors[name][:rows]
    text = rf"^a is damaged: at diffusion_model.middle_.* its up \[{up[0]}, {up[1]}\] and down "
    with pytest.raises(ValueError, match=text + r".* have no rank in common\. Download it again"):
        apply_domain_adapter(base, tensors, 1.0, "a")


def test_an_adapter_that_meets_no_layer_is_refused(base):
    file = {key.replace("_blocks.", "_blocks.7"): tensor for key, tensor in adapter().items()}
    file = {key: tensor for key, tensor in file.items() if not key.startswith("mid_block")}
    with pytest.raises(ValueError, match="^a changes no layer of this model: it was made for anot"):
        apply_domain_adapter(base, file, 1.0, "a")


def test_half_a_pair_is_refused(base):
    tensors = adapter()
    missing = "mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight"
    del tensors[missing]
    with pytest.raises(ValueError, match=f"^a.ckpt is incomplete: .* {missing}. Download it again"):
        apply_domain_adapter(base, tensors, 1.0, "a.ckpt")


MODULE = "down_blocks.0.motion_modules.0.temporal_transformer.proj_in"
WRONG = {
    "motion model": (f"{MODULE}.weight", "a motion model: load it with Load Motion Model"),
    "MotionLoRA": (f"{MODULE}.lora_A.weight", "a MotionLoRA: load it with Load MotionLoRA"),
    "SparseCtrl": ("controlnet_down_blocks.0.weight", "a ControlNet of single pictures: load it"),
    "checkpoint": ("down_blocks.0.resnets.0.conv1.weight", "an image model without motion mod"),
    "unknown": ("emb_params", "none of AnimateDiff's formats"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_another_kind_is_sent_to_its_node(base, kind):
    key, text = WRONG[kind]
    with pytest.raises(ValueError, match=f"^my file.pt is no domain adapter but {text}"):
        apply_domain_adapter(base, {key: torch.ones(4, 4)}, 1.0, "my file.pt")


TODAY = {
    # what a trainer writes for "...attn1.processor.to_q_lora.down.weight"
    "diffusers": ("", ".{layer}.lora.{half}.weight", "down up"),
    "diffusers of a pipeline": ("unet.", ".{layer}.lora.{half}.weight", "down up"),
    "peft": ("", ".{layer}.lora_{half}.weight", "A B"),
    "peft of a pipeline": ("unet.", ".{layer}.lora_{half}.weight", "A B"),
    "peft of a model": ("base_model.model.", ".{layer}.lora_{half}.default.weight", "A B"),
    "both": ("base_model.model.unet.", ".{layer}.lora_{half}.default.weight", "A B"),
}


@pytest.mark.parametrize("spelling", TODAY)
def test_what_diffusers_and_peft_write_today(base, spelling, caplog):
    prefix, pattern, halves = TODAY[spelling]
    names = dict(zip(("down", "up"), halves.split(), strict=True))
    tensors = adapter()

    def spelled(key: str) -> str:
        stem, rest = key.split(".processor.")
        layer, half = rest.removesuffix(".weight").split("_lora.")
        layer = "to_out.0" if layer == "to_out" else layer
        return prefix + stem + pattern.format(layer=layer, half=names[half])

    file = {spelled(key): tensor for key, tensor in tensors.items()}
    plain = {k: w.clone() for k, w in base.model.diffusion_model.state_dict().items()}
    expected, found = (
        {
            k: w.clone()
            for k, w in loaded_unet(apply_domain_adapter(base, f, 0.7, "a")).state_dict().items()
        }
        for f in (tensors, file)
    )
    assert not caplog.records
    assert all(torch.equal(found[key], weight) for key, weight in expected.items())
    assert sum(not torch.equal(found[key], weight) for key, weight in plain.items()) == 128
