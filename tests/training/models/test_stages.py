"""What each stage trains: which parameters, under which names, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.motion_models.test_fit import flux
from adk_tests.support import tiny
from adk_tests.training import small
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.modules import PositionalEncoding
from animatediff_kit.motion_models.specs import FAMILIES, MotionSpec, expected_shapes
from animatediff_kit.training.models.noise_schedule import signal_of_family, signal_of_model
from animatediff_kit.training.models.stages import (
    DOMAIN_ADAPTER,
    MOTION_LORA,
    MOTION_MODULE,
    Trainee,
    domain_adapter,
    motion_lora,
    motion_module,
    tell_few_steps,
)
from torch import Tensor

STAGES = (DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA)


def trained(trainee: Trainee) -> set[int]:
    """Identities of all parameters in the model that would get a gradient."""
    return {id(p) for p in trainee.denoiser.parameters() if p.requires_grad}


def live(trainee: Trainee) -> dict[str, Tensor]:
    """The parameters with their zero halves filled, as after training."""
    generator = torch.Generator().manual_seed(2)
    return {
        name: p.detach() if p.any() else torch.randn(p.shape, generator=generator) * 0.1
        for name, p in trainee.parameters.items()
    }


ENDS = ("unet.input_blocks.0.0.", "unet.out.")


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_named_parameters_are_trained_and_they_are_float32(stage: str) -> None:
    trainee = small.trainee(stage, where=small.DeviceAndDtype(torch.device("cpu"), torch.bfloat16))
    assert trained(trainee) == {id(p) for p in trainee.parameters.values()}
    assert {p.dtype for p in trainee.parameters.values()} == {torch.float32}
    frozen = {n: p for n, p in trainee.denoiser.named_parameters() if not p.requires_grad}
    ends = {name for name, p in frozen.items() if p.dtype == torch.float32}
    assert {p.dtype for p in frozen.values()} == {torch.bfloat16, torch.float32}
    assert ends == {name for name in frozen if name.startswith(ENDS)} and len(ends) == 6


def test_position_tables_are_exact_whatever_the_frozen_weights_are() -> None:
    """A model's own table, not the sinusoids, and not rounded to bf16."""
    motion = small.motion_patcher()
    tables: dict[str, Tensor] = {}
    for i, (name, encoder) in enumerate(motion.model.named_modules()):
        if isinstance(encoder, PositionalEncoding):
            generator = torch.Generator().manual_seed(i)
            encoder.pe = tables[name] = torch.randn(encoder.pe.shape, generator=generator)
    target = small.DeviceAndDtype(torch.device("cpu"), torch.bfloat16)
    trainee = motion_lora(small.image_model(), motion, 4, 0, target)
    assert trainee.denoiser.motion is not None
    found = dict(trainee.denoiser.motion.named_buffers())
    assert found.keys() == {f"{name}.pe" for name in tables} and len(found) == 12
    assert all(torch.equal(found[f"{name}.pe"], table) for name, table in tables.items())


def test_a_motion_module_is_trained_whole() -> None:
    trainee = small.trainee(MOTION_MODULE)
    shapes = {name: tuple(p.shape) for name, p in trainee.parameters.items()}
    assert shapes == expected_shapes(small.LAYOUT)
    assert (trainee.rank, trainee.single_frames) == (0, False)


def test_a_motion_lora_is_on_every_projection_of_every_temporal_attention() -> None:
    trainee = motion_lora(tiny.image_model(), tiny.motion_patcher("v2"), 4, 0, small.CPU)
    expected: dict[str, tuple[int, ...]] = {}
    for module, c in tiny.motion_layout("v2").modules().items():
        for i in (0, 1):
            stem = f"{module}.temporal_transformer.transformer_blocks.0.attention_blocks.{i}"
            for layer in ("to_q", "to_k", "to_v", "to_out"):
                expected[f"{stem}.processor.{layer}_lora.down.weight"] = (4, c)
                expected[f"{stem}.processor.{layer}_lora.up.weight"] = (c, 4)
    assert {name: tuple(p.shape) for name, p in trainee.parameters.items()} == expected
    assert (trainee.rank, trainee.single_frames) == (4, False)


@pytest.mark.parametrize(("base", "count"), [("SD1.5", 256), ("SDXL", 272)])
def test_a_domain_adapter_is_on_every_attention_of_the_image_model(base: str, count: int) -> None:
    """v3_sd15_adapter has 256 tensors: 16 transformers, 2 attentions, 4 projections, 2 halves. The
    tiny SDXL has 17 transformer blocks."""
    model = tiny.image_model(base)
    trainee = domain_adapter(model, 4, 0, small.CPU)
    blocks = sum(
        name.endswith("attn2.to_k.weight") for name in model.model.diffusion_model.state_dict()
    )
    assert len(trainee.parameters) == 16 * blocks == count
    assert (trainee.rank, trainee.single_frames, trainee.spec) == (4, True, None)


def test_the_adapters_names_are_those_that_the_loader_reads() -> None:
    """Every layer that is trained is changed when the tensors are loaded as a file."""
    model = tiny.image_model()
    tensors = live(domain_adapter(model, 4, 0, small.CPU))
    adapted = apply_domain_adapter(model, tensors, 1.0, "adapter")
    assert len(adapted.patches) == len(tensors) // 2


def test_the_motion_loras_names_are_those_that_the_loader_reads() -> None:
    source = small.motion_patcher()
    tensors = live(motion_lora(small.image_model(), source, 4, 0, small.CPU))
    assert len(apply_motion_lora(source, tensors, 1.0, "lora").patches) == len(tensors) // 2


@pytest.mark.parametrize("family", ["v1", "v3", "SDXL beta", "HotshotXL"])
def test_motion_is_trained_under_its_familys_noise_schedule(family: str) -> None:
    model = tiny.image_model(FAMILIES[family].base)
    expected = signal_of_family(FAMILIES[family], model)
    for source in (tiny.motion_patcher(family), None):
        trainee = motion_module(model, source, family, 0, small.CPU)
        assert torch.equal(trainee.signal, expected)
    trainee = motion_lora(model, tiny.motion_patcher(family), 4, 0, small.CPU)
    assert torch.equal(trainee.signal, expected)


def test_the_adapter_is_trained_under_the_image_models_own_schedule() -> None:
    model = small.image_model()
    assert torch.equal(small.trainee(DOMAIN_ADAPTER).signal, signal_of_model(model))


@pytest.mark.parametrize("family", ["v1", "v2", "v3", "SDXL beta", "HotshotXL"])
def test_a_new_motion_model_has_the_layout_of_its_family(family: str) -> None:
    trainee = motion_module(tiny.image_model(FAMILIES[family].base), None, family, 0, small.CPU)
    shapes = {name: tuple(p.shape) for name, p in trainee.parameters.items()}
    assert shapes == expected_shapes(tiny.motion_layout(family))
    assert trainee.spec is not None
    assert trainee.spec.positions == FAMILIES[family].positions


@pytest.mark.parametrize("stage", [DOMAIN_ADAPTER, MOTION_LORA])
def test_the_start_comes_from_the_seed(stage: str) -> None:
    first, again, other = (small.trainee(stage, seed=seed).parameters for seed in (1, 1, 2))
    assert all(torch.equal(p, again[name]) for name, p in first.items())
    downs = [name for name in first if ".down." in name]
    assert not any(torch.equal(first[name], other[name]) for name in downs)


@pytest.mark.parametrize("rank", [0, -1, 1025])
@pytest.mark.parametrize("stage", [DOMAIN_ADAPTER, MOTION_LORA])
def test_an_impossible_rank_is_refused(stage: str, rank: int) -> None:
    with pytest.raises(ValueError) as caught:
        small.trainee(stage, rank=rank)
    assert str(caught.value) == (
        f"The rank is {rank}; it must be from 1 to 1024. Files have 4 to 128."
    )


def refusal(stage: Any, *args: Any) -> str:
    with pytest.raises(ValueError) as caught:
        stage(*args)
    return str(caught.value)


def test_a_model_without_a_unet_is_refused_by_every_stage() -> None:
    sentence = (
        "A model of kind Flux cannot be trained with AnimateDiff's method, which needs a UNet of "
        "Stable Diffusion 1.5 or SDXL. Load such a checkpoint."
    )
    assert refusal(domain_adapter, flux(), 4, 0, small.CPU) == sentence
    assert refusal(motion_module, flux(), None, "v3", 0, small.CPU) == sentence
    assert refusal(motion_lora, flux(), small.motion_patcher(), 4, 0, small.CPU) == sentence


def test_a_motion_model_of_another_base_is_refused() -> None:
    xl, v3 = tiny.image_model("SDXL"), tiny.motion_patcher("v3")
    for message in (
        refusal(motion_module, xl, v3, "v3", 0, small.CPU),
        refusal(motion_lora, xl, v3, 4, 0, small.CPU),
    ):
        assert message.startswith("tiny_v3 is an SD1.5 motion model, but the checkpoint is SDXL.")


def test_a_new_motion_model_of_another_base_is_refused() -> None:
    assert refusal(motion_module, tiny.image_model("SDXL"), None, "v3", 0, small.CPU) == (
        "A new v3 motion model cannot be made for this checkpoint: the family v3 is for SD1.5, and "
        "the checkpoint is SDXL. Choose a family for SDXL: SDXL beta, HotshotXL."
    )


def test_an_unknown_family_is_refused() -> None:
    message = refusal(motion_module, tiny.image_model(), None, "v9", 0, small.CPU)
    assert message.startswith("'v9' is no family of motion models; choose one of v1, v2, v3, ")


def test_the_family_of_a_given_motion_model_is_its_own() -> None:
    trainee = motion_module(small.image_model(), small.motion_patcher("v1"), "v3", 0, small.CPU)
    assert trainee.spec is not None and trainee.spec.family.name == "v1"


@pytest.mark.parametrize("stage", STAGES)
def test_a_node_can_prepare_it_inside_inference_mode(stage: str) -> None:
    with torch.inference_mode():
        trainee = small.trainee(stage)
    tensors = [*trainee.denoiser.parameters(), *trainee.denoiser.buffers(), trainee.signal]
    assert not any(t.is_inference() for t in tensors)


@pytest.mark.parametrize(
    ("name", "family", "few"),
    [
        ("AnimateLCM_sd15_t2v.ckpt", "AnimateLCM", "AnimateLCM"),
        ("fast.safetensors", "Lightning", "Lightning"),
        ("animatediff_lightning_4step_comfyui.safetensors", "v2", "Lightning"),
        ("mm_sd_v15_v2.ckpt", "v2", None),
        ("v3_sd15_mm.ckpt", "v3", None),
    ],
)
def test_fine_tuning_a_model_of_few_steps_is_warned_of(
    name: str, family: str, few: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    known = FAMILIES[family]
    tell_few_steps(MotionSpec(name, known, tiny.motion_layout(family), known.positions))
    lines = [line for line in caplog.messages if "few steps" in line]
    assert len(lines) == (few is not None)
    if few:
        assert lines[0].startswith(f"AnimateDiff Kit: {name} was distilled to be sampled in few ")
        assert f"({few})" in lines[0]


def test_a_fine_tune_is_warned_of_once_and_a_new_model_never(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = tiny.image_model()
    motion_module(model, tiny.motion_patcher("AnimateLCM"), "AnimateLCM", 0, small.CPU)
    assert sum("few steps" in line for line in caplog.messages) == 1
    motion_module(model, None, "AnimateLCM", 0, small.CPU)
    assert sum("few steps" in line for line in caplog.messages) == 1
