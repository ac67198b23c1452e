"""Training's prediction is sampling's; checkpointing changes no gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import comfy.model_management as memory
import pytest
import torch
from adk_tests.reference.live import relative_error
from adk_tests.support import by_hand, tiny
from adk_tests.training import small
from adk_tests.training.sampled import STEPS, noisy_clips, predicted_noise
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.specs import FAMILIES
from animatediff_kit.sampling.betas import apply_beta_schedule
from animatediff_kit.training.models.conditioning import ModelInputs
from animatediff_kit.training.models.denoiser import Denoiser, torch_attention
from animatediff_kit.training.models.stages import (
    DOMAIN_ADAPTER,
    MOTION_LORA,
    MOTION_MODULE,
    Trainee,
)
from animatediff_kit.training.models.stages import motion_module as trainee_of
from comfy.ldm.modules.attention import attention_pytorch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

STAGES = (DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA)
T = torch.tensor(STEPS)


@pytest.fixture(autouse=True)
def unload() -> Iterator[None]:
    yield
    memory.unload_all_models()


def texts(tokens: int = 7) -> Tensor:
    return torch.randn((2, tokens, tiny.CONTEXT), generator=torch.Generator().manual_seed(6))


def predict(denoiser: Denoiser, noisy: Tensor, vector: Tensor | None = None) -> Tensor:
    with torch.no_grad(), denoiser.animated(*noisy.shape[:2]):
        return denoiser(noisy, T, texts(), vector)


@pytest.mark.parametrize("family", ["v1", "v2", "v3", "SDXL beta", "HotshotXL"])
def test_training_predicts_what_sampling_predicts(family: str) -> None:
    base = FAMILIES[family].base
    model = tiny.image_model(base)
    motion = tiny.motion_patcher(family)
    noisy, vector = noisy_clips(frames=3), None
    if base == "SDXL":
        pooled = torch.randn((2, 1280), generator=torch.Generator().manual_seed(4))
        vector = ModelInputs(model).vector(pooled, noisy)
    trained = predict(trainee_of(model, motion, family, 0, small.CPU).denoiser, noisy, vector)
    animated = apply_beta_schedule(apply_motion_model(model, motion), "automatic", FAMILIES[family])
    sampled = predicted_noise(animated, noisy, T, texts(), vector)
    still = predicted_noise(model, noisy, T, texts(), vector)
    assert relative_error(still, sampled) > 0.05
    assert relative_error(trained, sampled) < 1e-7


def test_clips_in_a_batch_do_not_see_each_other() -> None:
    denoiser = small.trainee(MOTION_MODULE).denoiser
    noisy = noisy_clips(side=4)
    both = predict(denoiser, noisy)
    with torch.no_grad(), denoiser.animated(1, 4):
        alone = denoiser(noisy[1:], T[1:], texts()[1:], None)
    torch.testing.assert_close(both[1:], alone, rtol=1e-5, atol=1e-5)


def test_the_unet_is_plain_outside_of_animated() -> None:
    denoiser = small.trainee(MOTION_MODULE).denoiser
    names = [name for name, _ in denoiser.named_modules()]
    with denoiser.animated(2, 4):
        assert [name for name, _ in denoiser.named_modules()] != names
    assert [name for name, _ in denoiser.named_modules()] == names


def live(trainee: Trainee) -> Trainee:
    """With the halves of LoRAs filled that start from zero, so that both have gradients."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in trainee.parameters.values():
            if not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return trainee


def backward(trainee: Trainee) -> dict[str, Tensor | None]:
    """The gradient of every parameter in the model, trained or not."""
    denoiser = trainee.denoiser
    noisy = noisy_clips(side=4, frames=1 if trainee.single_frames else 3)
    with denoiser.animated(*noisy.shape[:2]):
        denoiser(noisy, T, texts(), None).square().mean().backward()
    return {name: p.grad for name, p in denoiser.named_parameters()}


@pytest.mark.parametrize("stage", STAGES)
def test_gradients_reach_the_trained_parameters_and_no_other(stage: str) -> None:
    trainee = live(small.trainee(stage))
    found = {name for name, gradient in backward(trainee).items() if gradient is not None}
    names = {id(p): name for name, p in trainee.denoiser.named_parameters()}
    assert found == {names[id(p)] for p in trainee.parameters.values()}
    assert all(float(p.grad.abs().max()) > 0 for p in trainee.parameters.values())  # pyright: ignore


def test_a_new_motion_model_gets_its_first_gradients_in_its_last_layers() -> None:
    trainee = trainee_of(tiny.image_model(), None, "v3", 0, small.CPU)
    noisy = noisy_clips(frames=2)
    with trainee.denoiser.animated(2, 2):
        trainee.denoiser(noisy, T, texts(), None).square().mean().backward()
    reached = {n for n, p in trainee.parameters.items() if p.grad is not None and p.grad.any()}
    assert reached == {name for name in trainee.parameters if ".proj_out." in name}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("times", [1, 2])
def test_checkpointing_gives_the_same_prediction_and_gradients(stage: str, times: int) -> None:
    plain, checkpointed = live(small.trainee(stage)), live(small.trainee(stage))
    for _ in range(times):  # a second run over the same trainee asks for it once more
        checkpointed.denoiser.checkpoint_layers()
    expected, found = backward(plain), backward(checkpointed)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        other = found[name]
        assert (gradient is None) == (other is None), name
        if gradient is not None and other is not None:
            assert by_hand.same(gradient, other), name


def kept(trainee: Trainee) -> int:
    """Bytes that the forward pass keeps for the backward pass, weights left out."""
    weights = {p.untyped_storage().data_ptr() for p in trainee.denoiser.parameters()}
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
        held.append(tensor)  # so that no address is used twice
        return tensor

    held: list[Tensor] = []
    noisy = noisy_clips()
    with (
        trainee.denoiser.animated(2, 4),
        torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t),
    ):
        trainee.denoiser(noisy, T, texts(), None)
    return sum(sizes.values())


def test_checkpointing_keeps_a_small_part_of_the_memory() -> None:
    plain, checkpointed = small.trainee(MOTION_MODULE), small.trainee(MOTION_MODULE)
    checkpointed.denoiser.checkpoint_layers()
    assert kept(checkpointed) < 0.25 * kept(plain)


def test_layers_are_checkpointed_once_however_often_it_is_asked_for() -> None:
    denoiser = small.trainee(MOTION_MODULE).denoiser
    denoiser.checkpoint_layers()
    forwards = [vars(layer).get("forward") for layer in denoiser.modules()]
    denoiser.checkpoint_layers()
    assert [vars(layer).get("forward") for layer in denoiser.modules()] == forwards
    assert sum(forward is not None for forward in forwards) == 21  # 8 + 7 + 6


def test_a_layer_is_as_before_when_it_is_no_longer_checkpointed() -> None:
    trainee = live(small.trainee(MOTION_MODULE))
    before = backward(trainee)
    trainee.denoiser.zero_grad()
    trainee.denoiser.checkpoint_layers()
    trainee.denoiser.uncheckpoint_layers()
    assert not any("forward" in vars(layer) for layer in trainee.denoiser.modules())
    for name, gradient in backward(trainee).items():
        assert gradient is None or by_hand.same(gradient, before[name])


class Kernels(TorchFunctionMode):
    """Notes which kernels each attention may use."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed: list[tuple[bool, ...]] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        if function is functional.scaled_dot_product_attention:
            self.allowed.append(allowed())
        return function(*args, **(kwargs or {}))


def allowed() -> tuple[bool, ...]:
    cuda = torch.backends.cuda
    return (
        cuda.flash_sdp_enabled(),
        cuda.mem_efficient_sdp_enabled(),
        cuda.math_sdp_enabled(),
        cuda.cudnn_sdp_enabled(),
    )


def test_no_attention_of_a_step_is_cudnns() -> None:
    """Neither spatial nor temporal; a backward pass uses the kernels of the forward pass."""
    trainee = live(small.trainee(MOTION_MODULE))
    before = allowed()
    with Kernels() as kernels:
        backward(trainee)
    attentions = 7 * 2 + 6 * 2  # of seven blocks of the image model and of six motion modules
    assert kernels.allowed == [(True, True, True, False)] * attentions
    assert allowed() == before == (True, True, True, True)


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("mask", [None, (5, 7), (2, 5, 7), (2, 4, 5, 7)])
@pytest.mark.parametrize("reshaped", [False, True])
def test_attention_is_comfyuis(mask: tuple[int, ...] | None, reshaped: bool) -> None:
    """Number for number, in every layout that ComfyUI's has."""
    shapes = [(2, 4, n, 8) if reshaped else (2, n, 32) for n in (5, 7, 7)]
    q, k, v = (random(*shape, seed=i) for i, shape in enumerate(shapes))
    options: dict[str, Any] = {"skip_reshape": reshaped, "skip_output_reshape": reshaped}
    if mask:
        options["mask"] = random(*mask, seed=3)
    expected = attention_pytorch(q, k, v, 4, **options)
    found = torch_attention(attention_pytorch, q, k, v, 4, **options, transformer_options={})
    assert torch.equal(found, expected)
