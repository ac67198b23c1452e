"""The animated model equals the UNet with its layers built in, and the base model stays itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.model_management as memory
import comfy.sample
import comfy.sd
import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.inject import KEY, apply_motion_model
from animatediff_kit.motion_models.specs import FAMILIES
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from safetensors.torch import load_file

PER_FRAME = [f.name for f in FAMILIES.values() if f.resnet_norm == "per_frame"]
ACROSS_FRAMES = [f.name for f in FAMILIES.values() if f.resnet_norm == "across_frames"]


@pytest.fixture(scope="module")
def truth() -> torch.Tensor:
    """Four frames of the UNet with v2's modules built in."""
    return tiny.sample(by_hand.animated("v2"))


@pytest.fixture(scope="module")
def still(shared_base: ModelPatcher) -> torch.Tensor:
    """Four frames of the base model alone."""
    return tiny.sample(shared_base)


def silent(family: str) -> ModelPatcher:
    """A motion model as it is before training: proj_out is zero."""
    weights = tiny.motion_weights(family)
    zeros = {k: torch.zeros_like(w) if ".proj_out." in k else w for k, w in weights.items()}
    return by_hand.motion_from(family, zeros)


@pytest.mark.parametrize("family", PER_FRAME)
def test_zero_proj_out_is_the_base(family: str) -> None:
    base = FAMILIES[family].base
    model = tiny.image_model(base)
    plain = tiny.sample(model, base=base)
    assert by_hand.same(tiny.sample(apply_motion_model(model, silent(family)), base=base), plain)


@pytest.mark.parametrize("family", ACROSS_FRAMES)
def test_zero_proj_out_leaves_the_norms_across_frames(family: str) -> None:
    base = FAMILIES[family].base
    model = tiny.image_model(base)
    frames = tiny.sample(apply_motion_model(model, silent(family)), base=base)
    assert by_hand.relative(frames, tiny.sample(model, base=base)) > 0.01
    by_hand.join_norms(model.model.diffusion_model, 4)
    assert by_hand.relative(frames, tiny.sample(model, base=base)) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_live_modules_equal_built_in_ones(family: str) -> None:
    base = FAMILIES[family].base
    model = tiny.image_model(base)
    frames = tiny.sample(apply_motion_model(model, tiny.motion_patcher(family)), base=base)
    built_in = tiny.sample(by_hand.animated(family), base=base)
    assert by_hand.relative(frames, tiny.sample(model, base=base)) > 0.1
    if family in PER_FRAME:
        assert by_hand.same(frames, built_in)
    else:  # core's GroupNorm in five dimensions adds up in another order
        assert by_hand.relative(frames, built_in) < 1e-5


def test_the_frames_differ_from_one_another(base: ModelPatcher, truth: torch.Tensor) -> None:
    """The comparisons in this file would show frames that were swapped."""
    assert all(not torch.equal(truth[i], truth[j]) for i in range(4) for j in range(i))


def test_base_is_the_same_afterwards(
    base: ModelPatcher, base_weights: str, still: torch.Tensor
) -> None:
    tiny.sample(apply_motion_model(base, tiny.motion_patcher("v1")))
    assert by_hand.fingerprint(base.model) == base_weights  # still loaded
    assert by_hand.same(tiny.sample(base), still)


class Trouble(RuntimeError):
    pass


def with_trouble(model: ModelPatcher, at_call: int, interrupt: bool) -> ModelPatcher:
    """The model with an attention patch that fails, or presses Cancel, in the middle of a UNet
    call."""
    calls = []

    def patch(q: Any, k: Any, v: Any, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        calls.append(options["block"])
        if len(calls) == at_call and not interrupt:
            raise Trouble("in the middle of the UNet")
        if len(calls) == at_call:
            memory.interrupt_current_processing()  # core looks at it before each layer
        return q, k, v

    troubled = model.clone()
    troubled.set_model_attn1_patch(patch)
    return troubled


@pytest.mark.parametrize(("family", "at_call"), [("v2", 1), ("v1", 9), ("v2", 20)])
@pytest.mark.parametrize("interrupt", [False, True])
def test_all_is_whole_after_a_broken_call(
    base: ModelPatcher,
    base_weights: str,
    still: torch.Tensor,
    family: str,
    at_call: int,
    interrupt: bool,
) -> None:
    """16 attentions a call: the first, one behind the middle block, one of the second call."""
    model = apply_motion_model(base, tiny.motion_patcher(family))
    expected = tiny.sample(model)
    error = memory.InterruptProcessingException if interrupt else Trouble
    with pytest.raises(error):
        tiny.sample(with_trouble(model, at_call, interrupt))
    assert by_hand.fingerprint(base.model) == base_weights
    assert by_hand.same(tiny.sample(base), still)
    assert by_hand.same(tiny.sample(model), expected)


def test_clones_do_not_meddle(base: ModelPatcher, still: torch.Tensor, truth: torch.Tensor) -> None:
    a = apply_motion_model(base, tiny.motion_patcher("v2"))
    z = apply_motion_model(base, silent("v2"))
    runs = [(a, truth), (z, still), (a.clone(), truth), (base, still), (a, truth), (z, still)]
    for i, (model, expected) in enumerate(runs):
        assert by_hand.same(tiny.sample(model), expected), i


def test_a_stripped_clone_is_the_base(
    base: ModelPatcher, still: torch.Tensor, truth: torch.Tensor
) -> None:
    a = apply_motion_model(base, tiny.motion_patcher("v2"))
    tiny.sample(a)
    b = a.clone()
    b.remove_additional_models(f"{KEY}_0")
    b.remove_wrappers_with_key(WrappersMP.APPLY_MODEL, f"{KEY}_0")
    b.remove_wrappers_with_key(WrappersMP.OUTER_SAMPLE, f"{KEY}_0")
    assert by_hand.same(tiny.sample(b), still)
    assert by_hand.same(tiny.sample(a), truth)


def refine(model: ModelPatcher, latent: torch.Tensor) -> torch.Tensor:
    """A second KSampler over the first one's frames."""
    noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(5))
    call = (2, 3.0, "euler", "normal", tiny.prompt(11), tiny.prompt(12), latent)
    with torch.inference_mode():
        return comfy.sample.sample(model, noise, *call, denoise=0.5, disable_pbar=True, seed=5)


@pytest.mark.parametrize("second", ["v3", "base"])
def test_two_samplers_in_one_graph(base: ModelPatcher, second: str) -> None:
    models = {"v3": lambda: by_hand.animated("v3"), "base": tiny.image_model}
    expected = refine(models[second](), tiny.sample(by_hand.animated("v2")))
    a = apply_motion_model(base, tiny.motion_patcher("v2"))
    b = apply_motion_model(base, tiny.motion_patcher("v3")) if second == "v3" else base
    assert by_hand.same(refine(b, tiny.sample(a)), expected)


@pytest.mark.parametrize("family", ["v1", "v2"])
def test_a_checkpoint_saved_after_sampling_is_the_base(
    base: ModelPatcher, tmp_path: Path, family: str
) -> None:
    model = apply_motion_model(base, tiny.motion_patcher(family))
    tiny.sample(model)
    comfy.sd.save_checkpoint(str(tmp_path / "animated.safetensors"), model)
    comfy.sd.save_checkpoint(str(tmp_path / "base.safetensors"), tiny.image_model())
    saved = load_file(tmp_path / "animated.safetensors")
    expected = load_file(tmp_path / "base.safetensors")
    assert len(expected) > 500 and sorted(saved) == sorted(expected)
    assert all(torch.equal(saved[key], weight) for key, weight in expected.items())
