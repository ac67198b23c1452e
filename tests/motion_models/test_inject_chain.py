"""Several motion models on one model: order, repetition, MotionLoRAs of their own."""

from __future__ import annotations

from pathlib import Path

import comfy.model_management as memory
import pytest
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.inject import applied_keys, apply_motion_model
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from comfy.model_patcher import ModelPatcher
from safetensors.torch import save_file
from torch import Tensor


def chain(model: ModelPatcher, *motions: ModelPatcher) -> ModelPatcher:
    for motion in motions:
        model = apply_motion_model(model, motion)
    return model


def other(family: str) -> ModelPatcher:
    return tiny.motion_patcher(family, seed=8)


def merged(family: str, lora: dict[str, Tensor], strength: float = 1.0) -> ModelPatcher:
    """A motion model whose weights hold W + strength * up @ down."""
    weights = tiny.motion_weights(family)
    for key, down in lora.items():
        if not key.endswith(".down.weight"):
            continue
        layer = key.replace(".processor.", ".").removesuffix("_lora.down.weight")
        layer += ".0.weight" if layer.endswith("to_out") else ".weight"
        weights[layer] += strength * (lora[key.replace(".down.", ".up.")] @ down)
    return by_hand.motion_from(family, weights)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A v3 motion model on disk, with its position tables as the authors save them."""
    weights = dict(tiny.motion_weights("v3"))
    model = motion_model(tiny.motion_patcher("v3"))
    for name, module in model.named_modules():
        if name.endswith(".pos_encoder"):
            weights[f"{name}.pe"] = module.pe.clone()
    save_file(weights, tmp_path / "tiny_v3.safetensors")
    return str(tmp_path / "tiny_v3.safetensors")


@pytest.mark.parametrize("seeds", [(7, 8), (8, 7)])
def test_two_of_one_family_in_their_order(base: ModelPatcher, seeds: tuple[int, int]) -> None:
    model = chain(base, *(tiny.motion_patcher("v2", seed=seed) for seed in seeds))
    expected = by_hand.animated(("v2", seeds[0]), ("v2", seeds[1]))
    assert by_hand.same(tiny.sample(model), tiny.sample(expected))


def test_the_order_shows(base: ModelPatcher) -> None:
    one, two = tiny.motion_patcher("v2"), other("v2")
    a, b = tiny.sample(chain(base, one, two)), tiny.sample(chain(base, two, one))
    assert by_hand.relative(a, b) > 0.01


@pytest.mark.parametrize(
    "families", [("v2", "v3"), ("v3", "v2"), ("v2", "v3", "AnimateLCM"), ("v3", "v3", "v2")]
)
def test_several_families(base: ModelPatcher, families: tuple[str, ...]) -> None:
    """v3 has no middle module, v2 has one; each finds its own places."""
    pairs = [(family, 7 + i) for i, family in enumerate(families)]
    model = chain(base, *(tiny.motion_patcher(*pair) for pair in pairs))
    assert by_hand.same(tiny.sample(model), tiny.sample(by_hand.animated(*pairs)))
    assert len(applied_keys(model)) == len(families)


@pytest.mark.parametrize("families", [("v1", "v2"), ("v3", "v1"), ("v1", "v1")])
def test_norms_across_frames_are_joined_once(base: ModelPatcher, families: tuple[str, str]) -> None:
    pairs = [(family, 7 + i) for i, family in enumerate(families)]
    model = chain(base, *(tiny.motion_patcher(*pair) for pair in pairs))
    expected = tiny.sample(by_hand.animated(*pairs))
    assert by_hand.relative(tiny.sample(model), expected) < 1e-5


def test_the_same_motion_model_twice(base: ModelPatcher) -> None:
    motion = tiny.motion_patcher("v2")
    expected = tiny.sample(by_hand.animated("v2", "v2"))
    assert by_hand.same(tiny.sample(chain(base, motion, motion)), expected)


def test_the_same_motion_model_twice_with_one_lora(base: ModelPatcher) -> None:
    lora = tiny.motion_lora("v3", 1)
    motion = apply_motion_lora(tiny.motion_patcher("v3"), lora, 1.0, "lora")
    twice = tiny.sample(chain(base, motion, motion))
    apart = tiny.sample(chain(base, merged("v3", lora), merged("v3", lora)))
    assert by_hand.relative(twice, apart) < 1e-4


def test_a_lora_shows_and_is_gone_again(base: ModelPatcher) -> None:
    motion = tiny.motion_patcher("v3")
    weights = by_hand.fingerprint(motion.model)
    plain = tiny.sample(chain(base, motion))
    lora = tiny.motion_lora("v3", 1)
    with_lora = chain(base, apply_motion_lora(motion, lora, 0.7, "lora"))
    frames = tiny.sample(with_lora)
    assert by_hand.relative(frames, tiny.sample(chain(base, merged("v3", lora, 0.7)))) < 1e-4
    assert by_hand.relative(frames, plain) > 0.01
    assert by_hand.same(tiny.sample(chain(base, motion)), plain)
    assert by_hand.same(tiny.sample(with_lora), frames)
    memory.unload_all_models()
    assert by_hand.fingerprint(motion.model) == weights


def test_one_file_with_two_loras(base: ModelPatcher, file: str) -> None:
    """ComfyUI merges LoRAs into the weights, so the file is loaded a second time."""
    loras = [tiny.motion_lora("v3", seed) for seed in (1, 2)]
    motion = load_motion_model(file)
    motions = [apply_motion_lora(motion, lora, 1.0, "lora") for lora in loras]
    frames = tiny.sample(chain(base, *motions))
    expected = tiny.sample(chain(base, *(merged("v3", lora) for lora in loras)))
    assert by_hand.relative(frames, expected) < 1e-4
    swapped = tiny.sample(chain(base, *reversed(motions)))
    assert by_hand.relative(swapped, frames) > 0.001


@pytest.mark.parametrize("plain_first", [True, False])
def test_one_file_with_a_lora_and_without(base: ModelPatcher, file: str, plain_first: bool) -> None:
    lora = tiny.motion_lora("v3", 1)
    motion = load_motion_model(file)
    motions = [motion, apply_motion_lora(motion, lora, 1.0, "lora")]
    apart = [tiny.motion_patcher("v3"), merged("v3", lora)]
    if not plain_first:
        motions.reverse()
        apart.reverse()
    frames = tiny.sample(chain(base, *motions))
    assert by_hand.relative(frames, tiny.sample(chain(base, *apart))) < 1e-4


def test_one_file_with_three_loras_in_two_graphs(base: ModelPatcher, file: str) -> None:
    """Graphs that share the loaded file and run in turns."""
    loras = [tiny.motion_lora("v3", seed) for seed in (1, 2, 3)]
    motion = load_motion_model(file)
    motions = [apply_motion_lora(motion, lora, 1.0, "lora") for lora in loras]
    apart = [merged("v3", lora) for lora in loras]
    graphs = [(0, 1, 2), (2, 0), (1,)]
    models = [chain(base, *(motions[i] for i in graph)) for graph in graphs]
    expected = [tiny.sample(chain(base, *(apart[i] for i in graph))) for graph in graphs]
    for i in (0, 1, 2, 0):
        assert by_hand.relative(tiny.sample(models[i]), expected[i]) < 1e-4, graphs[i]


def test_no_file_to_load_again(base: ModelPatcher) -> None:
    motion = tiny.motion_patcher("v3")
    motions = [
        apply_motion_lora(motion, tiny.motion_lora("v3", seed), 1.0, "lora") for seed in (1, 2)
    ]
    with pytest.raises(ValueError) as caught:
        chain(base, *motions)
    assert str(caught.value) == (
        "tiny_v3 is applied twice with different MotionLoRAs, but it comes from no file that could "
        "be loaded a second time. Save it and load it with Load Motion Model."
    )
