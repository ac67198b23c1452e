"""The stand-in ControlNet: the published layout, known to ComfyUI's loader, with a live signal."""

from __future__ import annotations

from pathlib import Path

import comfy.controlnet
import pytest
import torch
from adk_tests.stand_in import controlnet as stand_in
from adk_tests.stand_in.checkpoint import CONTEXT
from torch import Tensor

BLOCKS = 12  # of the encoder of SD1.5; each hands one signal on, and the middle block one more


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> torch.nn.Module:
    path: Path = tmp_path_factory.mktemp("controlnet") / "canny.safetensors"
    stand_in.write_controlnet(path, seed=1)
    control = comfy.controlnet.load_controlnet(str(path))
    assert isinstance(control, comfy.controlnet.ControlNet)
    return control.control_model.float()


def signals(network: torch.nn.Module, hint: Tensor) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((1, 4, 8, 8), generator=generator)
    text = torch.randn((1, 7, CONTEXT), generator=generator)
    with torch.inference_mode():
        given = network(x=x, hint=hint, timesteps=torch.tensor([500.0]), context=text)
    return [*given["middle"], *given["output"]]


def test_every_hint_gives_its_own_live_signals(network: torch.nn.Module) -> None:
    hint = torch.zeros((1, 3, 64, 64))
    bare = signals(network, hint)
    hint[..., 20:40, 20:40] = 1.0
    drawn = signals(network, hint)
    assert len(bare) == BLOCKS + 1
    for one, other in zip(bare, drawn, strict=True):
        assert one.std() > 0.01
        assert not torch.allclose(one, other, rtol=1e-2, atol=1e-3)


def test_the_layout_is_the_published_one_and_the_seed_matters() -> None:
    first, again, other = (stand_in.controlnet_state_dict(seed, (1,)) for seed in (1, 1, 2))
    assert {key.split(".")[1] for key in first} == {
        "time_embed",
        "input_blocks",
        "zero_convs",
        "input_hint_block",
        "middle_block",
        "middle_block_out",
    }
    assert first["control_model.input_hint_block.0.weight"].shape == (16, 3, 3, 3)
    assert all(torch.equal(tensor, again[key]) for key, tensor in first.items())
    changed = [key for key, tensor in first.items() if not torch.equal(tensor, other[key])]
    assert all(first[key].ndim > 1 for key in changed) and len(changed) > 20
