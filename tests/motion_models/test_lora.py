"""MotionLoRAs in every spelling end in W + s * scale * up @ down, and leave no trace behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import comfy.lora
import comfy.model_management
import pytest
import torch
from adk_tests.support import spellings, tiny
from animatediff_kit.motion_models.lora import apply_motion_lora, parse_motion_lora
from animatediff_kit.motion_models.specs import expected_shapes
from comfy.model_patcher import ModelPatcher
from torch import Tensor

MODULES = ("down_blocks.0.motion_modules.0", "up_blocks.3.motion_modules.2")
MIDDLE = "mid_block.motion_modules.0"
BLOCK = ".temporal_transformer.transformer_blocks.0."
ATTENTION = [
    f"attention_blocks.{i}.{leaf}" for i in (0, 1) for leaf in ("to_q", "to_k", "to_v", "to_out.0")
]
FEED_FORWARD = ["ff.net.0.proj", "ff.net.2"]
SHAPES = expected_shapes(tiny.motion_layout("v2"))
RANK = 4


def pairs(
    layers: list[str],
    modules: tuple[str, ...] = (*MODULES, MIDDLE),
    rank: int = RANK,
    seed: int = 1,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Live pairs (up, down), each layer its own."""
    generator = torch.Generator().manual_seed(seed)

    def pair(layer: str) -> tuple[Tensor, Tensor]:
        out, inputs = SHAPES[f"{layer}.weight"]
        up = torch.randn((out, rank), generator=generator) * 0.3
        return up, torch.randn((rank, inputs), generator=generator) * inputs**-0.5

    return {layer: pair(layer) for layer in (m + BLOCK + tail for m in modules for tail in layers)}


def merged(patcher: ModelPatcher) -> dict[str, Tensor]:
    """The weights that sampling would compute with."""
    comfy.model_management.load_models_gpu([patcher])
    weights = {key: w.clone() for key, w in patcher.model.state_dict().items()}
    patcher.detach()
    comfy.model_management.unload_all_models()
    return weights


def expect(
    weights: Mapping[str, Tensor], pairs: spellings.Pairs, strength: float
) -> dict[str, Tensor]:
    """W + strength * up @ down in fp64."""
    exact = {key: weight.double() for key, weight in weights.items()}
    for layer, (up, down) in pairs.items():
        key = f"{layer}.weight"
        exact[key] = exact[key] + strength * (up.double() @ down.double())
    return exact


def assert_equal(weights: Mapping[str, Tensor], exact: Mapping[str, Tensor]) -> None:
    assert weights.keys() == exact.keys()
    for key, weight in weights.items():
        assert (weight.double() - exact[key]).abs().max() <= 1e-6, key


@pytest.fixture(scope="module")
def v2() -> ModelPatcher:
    return tiny.motion_patcher("v2")


SPELLINGS: dict[str, tuple[list[str], Callable[[spellings.Pairs], dict[str, Tensor]]]] = {
    "official": (ATTENTION, spellings.official_lora),
    "wrapped official": (ATTENTION, lambda p: spellings.prefixed(spellings.official_lora(p))),
    "ADMotionDirector": (ATTENTION + FEED_FORWARD, spellings.director_lora),
    "diffusers": (ATTENTION, spellings.diffusers_lora),
    "peft": (ATTENTION + FEED_FORWARD, spellings.peft_lora),
    "peft of an adapter": (ATTENTION, lambda p: spellings.peft_lora(p, ".default")),
    "peft of a model": (
        ATTENTION,
        lambda p: spellings.peft_lora(p, ".default", "base_model.model."),
    ),
    "peft of a pipeline": (ATTENTION, lambda p: spellings.peft_lora(p, "", "unet.")),
    "kohya": (ATTENTION + FEED_FORWARD, lambda p: spellings.kohya_lora(p, 1.0)),
    "kohya, alpha above rank": (ATTENTION, lambda p: spellings.kohya_lora(p, 16.0)),
    "kohya on diffusers": (
        ATTENTION + FEED_FORWARD,
        lambda p: spellings.kohya_lora(p, 2.0, of_diffusers=True),
    ),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_ends_in_the_same_weights(v2, name, caplog):
    layers, spell = SPELLINGS[name]
    changes = pairs(layers)
    before = {key: w.clone() for key, w in v2.model.state_dict().items()}
    patched = apply_motion_lora(v2, spell(changes), 0.8, "x")
    assert_equal(merged(patched), expect(before, changes, 0.8))
    after = v2.model.state_dict()
    assert all(torch.equal(after[key], weight) for key, weight in before.items())
    assert not v2.patches and not caplog.records


@pytest.mark.parametrize("rank", [1, 2, 16])
@pytest.mark.parametrize("name", ["official", "ADMotionDirector", "peft", "kohya"])
def test_rank_is_read_from_the_shapes(v2, name, rank):
    changes = pairs(ATTENTION, (MIDDLE,), rank)
    weights = merged(apply_motion_lora(v2, SPELLINGS[name][1](changes), 1.0, "x"))
    assert_equal(weights, expect(v2.model.state_dict(), changes, 1.0))


@pytest.mark.parametrize("strength", [-1.0, -0.3, 0.5, 2.0])
def test_strength_of_either_sign(v2, strength):
    changes = pairs(ATTENTION)
    weights = merged(apply_motion_lora(v2, spellings.official_lora(changes), strength, "x"))
    assert_equal(weights, expect(v2.model.state_dict(), changes, strength))


def test_strength_zero_leaves_it_untouched(v2):
    patched = apply_motion_lora(v2, spellings.official_lora(pairs(ATTENTION)), 0.0, "x")
    assert not patched.patches and patched is not v2
    before = v2.model.state_dict()
    assert all(torch.equal(w, before[key]) for key, w in merged(patched).items())


def test_chained_loras_add_up(v2):
    first, second = pairs(ATTENTION), pairs(ATTENTION + FEED_FORWARD, MODULES, rank=2, seed=2)
    one = apply_motion_lora(v2, spellings.official_lora(first), 0.7, "a")
    both = apply_motion_lora(one, spellings.director_lora(second), -0.4, "b")
    exact = expect(v2.model.state_dict(), first, 0.7)
    assert_equal(merged(both), expect(exact, second, -0.4))
    assert_equal(merged(one), exact)


def test_without_alpha_the_scale_is_one(v2):
    lora = parse_motion_lora(spellings.official_lora(pairs(ATTENTION)), v2.model.spec)
    assert {pair.alpha for pair in lora.pairs.values()} == {None}
    lora = parse_motion_lora(spellings.kohya_lora(pairs(ATTENTION), 2.0), v2.model.spec)
    assert {pair.alpha for pair in lora.pairs.values()} == {2.0}
    official = spellings.official_lora(pairs(ATTENTION))
    alphas = {
        k.replace(".down.weight", ".alpha"): torch.tensor(2.0) for k in official if "down" in k
    }
    lora = parse_motion_lora({**official, **alphas}, v2.model.spec)
    assert {pair.alpha for pair in lora.pairs.values()} == {2.0} and not lora.strange
    assert not lora.strange and not lora.spatial


def test_half_precision_files_are_merged_in_float32(v2):
    changes = {k: (up.half(), down.half()) for k, (up, down) in pairs(ATTENTION).items()}
    weights = merged(apply_motion_lora(v2, spellings.official_lora(changes), 1.0, "x"))
    assert_equal(weights, expect(v2.model.state_dict(), changes, 1.0))


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_a_dora_is_what_comfyui_makes_of_it(v2, strength, columns):
    """Its own loader and arithmetic on the same file, weight by weight; and not a plain LoRA."""
    changes = pairs(ATTENTION + FEED_FORWARD)
    lora = spellings.kohya_lora(changes, 2.0)
    for i, layer in enumerate(changes):
        out, inputs = SHAPES[f"{layer}.weight"]
        shape = (1, inputs) if columns else (out, 1)
        lora[f"lora_unet_{layer.replace('.', '_')}.dora_scale"] = torch.rand(
            shape, generator=torch.Generator().manual_seed(i)
        )
    names = {f"lora_unet_{layer.replace('.', '_')}": f"{layer}.weight" for layer in changes}
    theirs = v2.clone()
    theirs.add_patches(comfy.lora.load_lora(lora, names), strength)
    plain = {key: tensor for key, tensor in lora.items() if not key.endswith("dora_scale")}
    ours, expected, without = (
        merged(p)
        for p in (
            apply_motion_lora(v2, lora, strength, "x"),
            theirs,
            apply_motion_lora(v2, plain, strength, "x"),
        )
    )
    assert all(torch.equal(ours[key], expected[key]) for key in expected)
    assert all(not torch.equal(ours[key], without[key]) for key in names.values())
