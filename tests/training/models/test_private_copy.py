"""Private copies: the user's model as the graph made it, and the user's own left alone."""

from __future__ import annotations

from typing import Any

import comfy.model_management as memory
import pytest
import torch
from adk_tests.motion_models.test_fit import flux
from adk_tests.reference.live import relative_error
from adk_tests.support import by_hand, tiny
from adk_tests.training import small
from adk_tests.training.sampled import STEPS, noisy_clips, predicted_noise
from animatediff_kit.motion_models.load import motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.specs import FAMILIES, MotionSpec
from animatediff_kit.training.models.denoiser import Denoiser
from animatediff_kit.training.models.private_copy import (
    check_trainable,
    private_motion_model,
    private_unet,
)
from comfy.model_patcher import ModelPatcher
from comfy.weight_adapter.lora import LoRAAdapter
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete
from torch import Tensor, nn

CPU, F32 = torch.device("cpu"), torch.float32
CHANGED = (
    "diffusion_model.input_blocks.1.0.in_layers.2.weight",
    "diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight",
    "diffusion_model.out.2.bias",
)


def with_loras(model: ModelPatcher) -> ModelPatcher:
    """Two LoRAs on top of each other, a convolution and a bias among what they change."""
    changes = {name: by_hand.difference(model, name) * 5 for name in CHANGED}
    once = by_hand.with_change(model, changes)
    low_rank = {
        CHANGED[1]: LoRAAdapter(
            set(),
            (
                torch.randn((64, 2), generator=torch.Generator().manual_seed(8)),
                torch.randn((2, tiny.CONTEXT), generator=torch.Generator().manual_seed(9)),
                1.0,
                None,
                None,
                None,
            ),
        )
    }
    twice = once.clone()
    twice.add_patches(low_rank, 0.7)
    return twice


def case() -> tuple[Tensor, Tensor, Tensor]:
    """x_t of stills, their steps and texts."""
    text = torch.randn((2, 7, tiny.CONTEXT), generator=torch.Generator().manual_seed(6))
    return noisy_clips(frames=1), torch.tensor(STEPS), text


def prediction(model: ModelPatcher) -> Tensor:
    return Denoiser(private_unet(model, CPU, F32), None)(*case(), None).detach()


@pytest.fixture(autouse=True)
def unload() -> Any:
    yield
    memory.unload_all_models()


def test_the_copy_predicts_what_the_users_model_predicts() -> None:
    model = tiny.image_model()
    assert relative_error(prediction(model), predicted_noise(model, *case())) < 1e-7


def test_the_users_loras_are_in_the_copy() -> None:
    model = small.image_model()
    patched = with_loras(model)
    with_them, without = predicted_noise(patched, *case()), prediction(model)
    assert relative_error(without, with_them) > 0.05
    assert relative_error(prediction(patched), with_them) < 1e-7


@pytest.mark.parametrize("state", ["never loaded", "loaded", "loaded with the LoRAs"])
def test_the_copy_is_the_same_whatever_state_the_users_model_is_in(state: str) -> None:
    expected = prediction(with_loras(small.image_model()))
    model = small.image_model()
    patched = with_loras(model)
    if state != "never loaded":
        memory.load_models_gpu([model if state == "loaded" else patched])
    assert by_hand.same(prediction(patched), expected)
    assert by_hand.same(prediction(model), prediction(small.image_model()))


@pytest.mark.parametrize("loaded", [False, True])
def test_the_users_model_is_not_touched(loaded: bool) -> None:
    model = small.image_model()
    patched = with_loras(model)
    if loaded:
        memory.load_models_gpu([patched])
    before, patches = by_hand.fingerprint(model.model), patched.patches_uuid
    unet = private_unet(patched, CPU, F32)
    with torch.no_grad():
        for parameter in unet.parameters():
            parameter.zero_()
    assert by_hand.fingerprint(model.model) == before
    assert patched.patches_uuid == patches


def test_the_copy_is_frozen_plain_and_has_gradients_pass_through() -> None:
    unet = private_unet(small.image_model(), CPU, F32)
    assert not any(p.requires_grad or p.is_inference() for p in unet.parameters())
    leaves = {
        type(m) for m in unet.modules() if next(m.parameters(recurse=False), None) is not None
    }
    assert leaves == {nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm}
    noisy, t, text = case()
    noisy.requires_grad_()
    Denoiser(unet, None)(noisy, t, text, None).sum().backward()
    assert noisy.grad is not None and float(noisy.grad.abs().sum()) > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_copy_is_rounded_once_to_the_frozen_dtype(dtype: torch.dtype) -> None:
    """All but its two ends, of which test_full_precision.py has more."""
    patched = with_loras(small.image_model())
    full, rounded = (private_unet(patched, CPU, kind).state_dict() for kind in (F32, dtype))
    inner = full.keys() & rounded.keys()
    assert len(full) - len(inner) == 6
    assert all(torch.equal(rounded[key], full[key].to(dtype)) for key in inner)


def test_models_that_were_loaded_in_inference_mode_are_copied_inside_it() -> None:
    with torch.inference_mode():
        patched = with_loras(small.image_model())
        assert all(p.is_inference() for p in patched.model.parameters())
        unet = private_unet(patched, CPU, F32)
        motion = private_motion_model(small.motion_patcher(), small.motion_spec("v3"), CPU)
    for copied in (unet, motion):
        assert not any(t.is_inference() for t in (*copied.parameters(), *copied.buffers()))
    expected = prediction(with_loras(small.image_model()))
    assert by_hand.same(Denoiser(unet, None)(*case(), None), expected)


def test_making_a_copy_draws_no_random_numbers_of_the_process() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    private_unet(small.image_model(), CPU, F32)
    private_motion_model(None, small.motion_spec("v3"), CPU, seed=9)
    assert torch.equal(torch.rand(4), expected)


def velocity_model() -> ModelPatcher:
    """An SD2.x checkpoint that predicts v, as ComfyUI tells it: by the spread of one bias."""
    config = tiny.TinySD20({**tiny.UNETS["SD1.5"], "dtype": F32})
    config.set_inference_dtype(F32, None)
    mark = {"output_blocks.11.1.transformer_blocks.0.norm1.bias": torch.tensor([-1.0, 1.0])}
    return ModelPatcher(config.get_model(mark, "", device=CPU), CPU, CPU)


def inpainting_model() -> ModelPatcher:
    unet = {**small.UNET, "in_channels": 9, "dtype": F32}
    config = tiny.TinySD15(unet)
    config.set_inference_dtype(F32, None)
    return ModelPatcher(config.get_model({}, "", device=CPU), CPU, CPU)


def velocity_by_a_node() -> ModelPatcher:
    return ModelSamplingDiscrete().patch(small.image_model(), "v_prediction", False)[0]


REFUSED = [
    (
        flux,
        "A model of kind Flux cannot be trained with AnimateDiff's method, which needs a UNet of "
        "Stable Diffusion 1.5 or SDXL. Load such a checkpoint.",
    ),
    (
        inpainting_model,
        "The model of kind TinySD15 takes 9 channels, as inpainting models do; training needs one "
        "that takes 4. Load the plain checkpoint.",
    ),
    (
        velocity_model,
        "The model of kind TinySD20 predicts V_PREDICTION; AnimateDiff's training needs one that "
        "predicts noise (EPS). Load a Stable Diffusion 1.5 or SDXL checkpoint.",
    ),
    (
        velocity_by_a_node,
        "The model of kind TinySD15 predicts V_PREDICTION; AnimateDiff's training needs one that "
        "predicts noise (EPS). Load a Stable Diffusion 1.5 or SDXL checkpoint.",
    ),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED, ids=[m.__name__ for m, _ in REFUSED])
def test_a_model_that_the_method_does_not_fit_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_trainable(make())
    assert str(caught.value) == sentence


@pytest.mark.parametrize("base", ["SD1.5", "SDXL"])
def test_the_two_bases_are_accepted(base: str) -> None:
    check_trainable(tiny.image_model(base))


def motion_prediction(motion: nn.Module) -> Tensor:
    unet = private_unet(small.image_model(), CPU, F32)
    denoiser = Denoiser(unet, motion)  # pyright: ignore
    noisy, t, text = noisy_clips(side=4), torch.tensor(STEPS), case()[2]
    with torch.no_grad(), denoiser.animated(2, 4):
        return denoiser(noisy, t, text, None)


def test_a_new_motion_model_is_the_identity() -> None:
    motion = private_motion_model(None, small.motion_spec("v3"), CPU, seed=1)
    unet = private_unet(small.image_model(), CPU, F32)
    noisy, t, text = noisy_clips(side=4), torch.tensor(STEPS), case()[2]
    with torch.no_grad():
        still = Denoiser(unet, None)(noisy, t, text, None)
    assert by_hand.same(motion_prediction(motion), still)


def test_a_new_motion_model_is_alive_but_for_its_last_layers_and_comes_from_the_seed() -> None:
    first, again, other = (
        dict(private_motion_model(None, small.motion_spec("v3"), CPU, seed=s).named_parameters())
        for s in (1, 1, 2)
    )
    silent = {name for name, p in first.items() if not p.any()}
    norms = {n for n in first if "norm" in n and n.endswith("bias")}
    assert silent - norms == {name for name in first if ".proj_out." in name}
    assert all(torch.equal(p, again[name]) for name, p in first.items())
    assert any(not torch.equal(p, other[name]) for name, p in first.items())


def motion_lora(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    lora: dict[str, Tensor] = {}
    for module, c in small.LAYOUT.modules().items():
        key = f"{module}.temporal_transformer.transformer_blocks.0.attention_blocks.0.processor"
        for layer in ("to_q", "to_out"):
            down = torch.randn((4, c), generator=generator) * c**-0.5
            lora[f"{key}.{layer}_lora.down.weight"] = down
            lora[f"{key}.{layer}_lora.up.weight"] = torch.randn((c, 4), generator=generator)
    return lora


@pytest.mark.parametrize("loaded", [False, True])
def test_motion_loras_are_merged_and_the_users_motion_model_is_not_touched(loaded: bool) -> None:
    source = small.motion_patcher()
    plain = {key: w.clone().double() for key, w in source.model.state_dict().items()}
    lora = motion_lora(3)
    with_lora = apply_motion_lora(source, lora, 0.6, "lora")
    if loaded:
        memory.load_models_gpu([with_lora])
    before = by_hand.fingerprint(source.model)
    copied = private_motion_model(with_lora, motion_model(source).spec, CPU).state_dict()
    assert by_hand.fingerprint(source.model) == before
    for key, weight in copied.items():
        stem = key.replace(".to_q.weight", ".processor.to_q_lora")
        stem = stem.replace(".to_out.0.weight", ".processor.to_out_lora")
        exact = plain[key]
        if f"{stem}.up.weight" in lora:
            up, down = (lora[f"{stem}.{half}.weight"].double() for half in ("up", "down"))
            exact = exact + 0.6 * up @ down
        torch.testing.assert_close(weight.double(), exact, rtol=1e-6, atol=1e-6)


def test_position_tables_that_were_trained_are_copied() -> None:
    source = small.motion_patcher()
    name = "up_blocks.0.motion_modules.1.temporal_transformer.transformer_blocks.0"
    encoder = source.model.get_submodule(f"{name}.attention_blocks.1.pos_encoder")
    table = torch.randn(encoder.pe.shape, generator=torch.Generator().manual_seed(1))
    encoder.pe = table
    copied = private_motion_model(source, small.motion_spec("v3"), CPU)
    found = copied.get_submodule(f"{name}.attention_blocks.1.pos_encoder").pe
    assert torch.equal(found, table) and found is not table


def test_the_families_of_a_copy_stay() -> None:
    spec: MotionSpec = small.motion_spec("v1")
    assert private_motion_model(None, spec, CPU).spec.family is FAMILIES["v1"]
