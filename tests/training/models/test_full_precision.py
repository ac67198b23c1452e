"""The two ends of a UNet that is otherwise in bf16 or fp16."""

from __future__ import annotations

from collections.abc import Iterator

import comfy.model_management as memory
import pytest
import torch
from adk_tests.support import tiny
from adk_tests.training import small
from adk_tests.training.sampled import noisy_clips
from animatediff_kit.training.models.denoiser import Denoiser
from animatediff_kit.training.models.full_precision import FIRST, LAST, InFloat32
from animatediff_kit.training.models.private_copy import PREFIX, private_unet
from torch import Tensor, nn

from .test_private_copy import with_loras

CPU, F32 = torch.device("cpu"), torch.float32
ROUNDED = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
T = torch.tensor([3, 15])


@pytest.fixture(autouse=True)
def unload() -> Iterator[None]:
    yield
    memory.unload_all_models()


def predicted(dtype: torch.dtype, noisy: Tensor) -> Tensor:
    """As the training loop calls the denoiser."""
    denoiser = Denoiser(private_unet(small.image_model(), CPU, dtype), None)
    text = torch.randn((2, 7, tiny.CONTEXT), generator=torch.Generator().manual_seed(6))
    with torch.no_grad(), torch.autocast("cpu", dtype=dtype, enabled=dtype != F32):
        return denoiser(noisy, T, text.to(dtype), None)


@ROUNDED
def test_a_layer_sees_and_computes_unrounded_numbers(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    conv, x = nn.Conv2d(4, 8, 3), torch.randn(2, 4, 8, 8)
    with torch.autocast("cpu", dtype=dtype):
        whole, rounded = InFloat32(conv, F32)(x), InFloat32(conv, dtype)(x)
    assert torch.equal(whole, conv(x)) and whole.dtype == F32
    assert torch.equal(rounded, conv(x).to(dtype))
    assert not torch.allclose(whole, conv(x.to(dtype).float()), atol=1e-6)


@ROUNDED
def test_weights_of_the_ends_are_the_users_patched_ones_unrounded(dtype: torch.dtype) -> None:
    model = with_loras(small.image_model())
    whole, rounded = (private_unet(model, CPU, d).state_dict() for d in (F32, dtype))
    for name, weight in rounded.items():
        end = ".layer." in name
        theirs = whole[name.replace(".layer.", ".")]
        assert end == name.startswith((FIRST, LAST)), name
        assert weight.dtype == (F32 if end else dtype)
        assert torch.equal(weight, theirs if end else theirs.to(dtype))
    assert not torch.equal(whole["out.2.bias"], model.model.state_dict()[PREFIX + "out.2.bias"])


@ROUNDED
def test_neither_x_t_nor_the_predicted_noise_is_rounded(dtype: torch.dtype) -> None:
    noisy = noisy_clips(frames=2)
    found, of_rounded = predicted(dtype, noisy), predicted(dtype, noisy.to(dtype).float())
    assert found.dtype == F32 and not torch.equal(found, found.to(dtype).float())
    changed = (found != of_rounded).flatten(2).any(2)
    assert changed.all()


def test_a_float32_unet_is_left_as_comfyuis() -> None:
    unet = private_unet(small.image_model(), CPU, F32)
    assert not [layer for layer in unet.modules() if isinstance(layer, InFloat32)]
