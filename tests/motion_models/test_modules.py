"""The temporal transformer: its position table, state dict, scales, splits and norms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import comfy.ops
import pytest
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models import modules
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.model import MotionModel
from animatediff_kit.motion_models.modules import MotionModule, group_norm, sinusoidal_positions
from animatediff_kit.motion_models.specs import FAMILIES, MotionSpec, expected_shapes
from comfy.ldm.modules.attention import attention_pytorch
from torch import Tensor, nn

C = 64
FRAMES = 6


def motion_module(dtype: torch.dtype = torch.float64, norm="per_frame", seed: int = 3):
    module = MotionModule(C, 32, norm, comfy.ops.disable_weight_init, dtype=dtype, device="cpu")
    module.load_state_dict(
        {k: w.to(dtype) for k, w in tiny.randomise(module.state_dict(), seed).items()}
    )
    return module


def features(videos: int = 2, frames: int = FRAMES, dtype=torch.float64, seed: int = 5) -> Tensor:
    """(b f) c h w, every frame of every video its own."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((videos * frames, C, 4, 3), generator=generator, dtype=dtype)


@pytest.mark.parametrize("positions", [24, 32, 64])
@pytest.mark.parametrize("channels", [320, 640, 1280])
def test_table_is_diffusers_to_the_bit(channels, positions):
    from diffusers.models.embeddings import SinusoidalPositionalEmbedding

    theirs = SinusoidalPositionalEmbedding(channels, max_seq_length=positions).pe
    assert torch.equal(sinusoidal_positions(positions, channels), theirs)


def test_table_is_the_formula():
    exact = spellings.table(32, torch.empty(320))
    assert (sinusoidal_positions(32, 320) - exact).abs().max() <= 2e-6  # exponent in float32


def test_a_short_table_begins_a_long_one():
    assert torch.equal(sinusoidal_positions(24, C), sinusoidal_positions(64, C)[:, :24])


@pytest.mark.parametrize("family", FAMILIES)
def test_state_dict_has_the_authors_keys_and_shapes(family):
    layout = tiny.motion_layout(family)
    spec = MotionSpec("x", FAMILIES[family], layout, FAMILIES[family].positions)
    model = MotionModel(spec, comfy.ops.manual_cast, torch.float16, "meta")
    shapes = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    assert shapes == expected_shapes(layout)
    assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float16}
    assert model.get_dtype() == torch.float16


def test_every_module_follows_the_family_and_the_table():
    for family in ("v1", "SDXL beta"):
        model = tiny.motion_patcher(family).model
        for name, channels in model.spec.layout.modules().items():
            transformer = model.module(name).temporal_transformer
            assert transformer.norm_rule == FAMILIES[family].motion_norm
            for attention in transformer.transformer_blocks[0].attention_blocks:
                table = attention.pos_encoder.pe
                assert torch.equal(table, sinusoidal_positions(model.spec.positions, channels))


def test_zero_proj_out_is_the_identity():
    module, x = motion_module(), features()
    assert not torch.equal(module(x, tiny.call(x, FRAMES)), x)
    for parameter in module.temporal_transformer.proj_out.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(module(x, tiny.call(x, FRAMES)), x)


def test_strength_scales_the_residual():
    module, x = motion_module(), features()
    residual = module(x, tiny.call(x, FRAMES)) - x
    assert residual.abs().mean() > 0.1
    assert torch.equal(module(x, tiny.call(x, FRAMES, strength=0.0)), x)
    for strength in (0.5, 2.0, -1.0):
        expected = x + strength * residual
        assert torch.allclose(
            module(x, tiny.call(x, FRAMES, strength=strength)), expected, rtol=0, atol=1e-12
        )


def test_motion_scale_multiplies_the_keys():
    module, x = motion_module(), features()
    scaled = module(x, tiny.call(x, FRAMES, motion_scale=1.3))
    assert not torch.allclose(scaled, module(x, tiny.call(x, FRAMES)))
    for block in module.temporal_transformer.transformer_blocks:
        for attention in block.attention_blocks:
            attention.to_k.weight.data *= 1.3
    assert torch.allclose(module(x, tiny.call(x, FRAMES)), scaled, rtol=0, atol=1e-12)


def test_motion_scale_zero_attends_to_all_frames_alike():
    attention = motion_module().temporal_transformer.transformer_blocks[0].attention_blocks[0]
    x = torch.randn((5, FRAMES, C), dtype=torch.float64)
    mean = attention.to_v(attention.pos_encoder(x, {})).mean(dim=1, keepdim=True)
    expected = attention.to_out[0](mean).expand(-1, FRAMES, -1)
    assert torch.allclose(attention(x, Call.alone(5, FRAMES), 0.0), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 5, 24])
def test_split_attention_is_exact(monkeypatch, rows):
    module, x = motion_module(), features()
    whole = module(x, tiny.call(x, FRAMES))
    calls: list[int] = []

    def counted(q: Tensor, k: Tensor, v: Tensor, **kwargs) -> Tensor:
        calls.append(q.shape[0])
        return attention_pytorch(q, k, v, **kwargs)

    monkeypatch.setattr(modules, "MAX_ROWS", rows)
    assert torch.equal(module(x, replace(tiny.call(x, FRAMES), attention=counted)), whole)
    assert max(calls) == rows and sum(calls) == 2 * 24  # 2 attentions, b n = 2 * 12 rows


def test_attention_over_time_is_torchs_whatever_the_options_choose():
    def sage(*args: Any, **kwargs: Any) -> Tensor:
        raise RuntimeError("made for head sizes of 64, 96 and 128")

    module, x = motion_module(), features()
    options = {"optimized_attention_override": sage}
    chosen = replace(tiny.call(x, FRAMES), options=options)
    assert torch.equal(module(x, chosen), module(x, tiny.call(x, FRAMES)))


def test_pixels_do_not_mix_but_frames_do():
    module, x = motion_module(), features(videos=1)
    transformer = module.temporal_transformer
    transformer.norm = nn.Identity()  # the norm alone looks across pixels
    transformer.norm_rule = "per_frame"
    changed = x.clone()
    changed[0, :, 1, 2] += 1.0
    difference = (
        (module(changed, tiny.call(changed, FRAMES)) - module(x, tiny.call(x, FRAMES)))
        .abs()
        .amax(dim=1)
    )
    assert (difference[:, 1, 2] > 1e-6).all()
    difference[:, 1, 2] = 0
    assert not difference.any()


@pytest.mark.parametrize("rule", ["per_frame", "across_frames"])
def test_videos_do_not_mix(rule):
    module, x = motion_module(norm=rule), features(videos=3)
    together = module(x, tiny.call(x, FRAMES))
    apart = torch.cat([module(video, tiny.call(video, FRAMES)) for video in x.split(FRAMES)])
    assert torch.allclose(together, apart, rtol=0, atol=1e-12)


@pytest.mark.parametrize("frames", [1, 2, 6])
def test_group_norm_across_frames_is_its_formula(frames):
    norm = nn.GroupNorm(32, C, eps=1e-6).double()
    norm.load_state_dict({k: w.double() for k, w in tiny.randomise(norm.state_dict(), 1).items()})
    x = features(videos=6 // frames * 2, frames=frames)
    groups = x.reshape(-1, frames, 32, C // 32, 4, 3)
    mean = groups.mean(dim=(1, 3, 4, 5), keepdim=True)
    variance = ((groups - mean) ** 2).mean(dim=(1, 3, 4, 5), keepdim=True)
    expected = ((groups - mean) / (variance + 1e-6).sqrt()).reshape(x.shape)
    expected = expected * norm.weight[:, None, None] + norm.bias[:, None, None]
    assert torch.allclose(group_norm(norm, x, frames, "across_frames"), expected, atol=1e-12)
    assert torch.equal(group_norm(norm, x, frames, "per_frame"), norm(x))
    if frames > 1:
        assert not torch.allclose(expected, norm(x), atol=1e-3)


def test_fp64_and_fp32_agree():
    x = features()
    exact = motion_module()(x, tiny.call(x, FRAMES))
    single = motion_module(torch.float32)(x.float(), tiny.call(x, FRAMES))
    assert exact.dtype == torch.float64
    assert (single.double() - exact).abs().max() <= 1e-5


def test_frames_are_told_apart_by_position():
    module, frame = motion_module(), features(videos=1, frames=1)
    still = frame.expand(FRAMES, -1, -1, -1)
    residual = module(still, tiny.call(still, FRAMES)) - still
    assert all(not torch.allclose(residual[0], residual[i]) for i in range(1, FRAMES))


def test_one_frame_uses_the_first_position():
    module, x = motion_module(), features(videos=2, frames=1)
    before = module(x, tiny.call(x, 1))
    for block in module.temporal_transformer.transformer_blocks:
        for attention in block.attention_blocks:
            attention.pos_encoder.pe[:, 1:] = 9.0
    assert torch.equal(module(x, tiny.call(x, 1)), before) and not torch.equal(before, x)
