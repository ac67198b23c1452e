"""One loaded motion model is kept and shared: the weights are, what is put on them is not."""

from __future__ import annotations

import gc
import os
import re
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import pytest
import torch
from adk_tests.support import by_hand, camera, spellings, tiny
from animatediff_kit.motion_models.adapters.camera_control.read import load_camera_control
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.last_loaded import forget, keep_for, load_or_reuse, reused
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from comfy.model_patcher import ModelPatcher
from comfy.weight_adapter.base import WeightAdapterBase
from safetensors.torch import save_file
from torch import Tensor

PROJECTIONS = ("to_q", "to_v")


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    forget()
    yield
    forget()


def write(path: Path, seed: int = 7, family: str = "v3") -> str:
    weights = spellings.with_tables(tiny.motion_weights(family, seed), 32)
    save_file(weights, str(path))
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "v3.safetensors")


def lora(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    pairs: dict[str, Any] = {}
    for module, c in tiny.motion_layout("v3").modules().items():
        attention = f"{module}.temporal_transformer.transformer_blocks.0.attention_blocks.0"
        for layer in PROJECTIONS:
            up, down = (torch.randn(c, 4, generator=generator) for _ in range(2))
            pairs[f"{attention}.{layer}"] = (0.5 * up, down.T * c**-0.5)
    return spellings.official_lora(pairs)


def same_weights(one: ModelPatcher, other: ModelPatcher) -> bool:
    pairs = zip(motion_model(one).parameters(), motion_model(other).parameters(), strict=True)
    return all(a.data_ptr() == b.data_ptr() for a, b in pairs)


def test_the_same_file_is_the_same_weights(file: str) -> None:
    first, second = load_or_reuse(file), load_or_reuse(file)
    assert first is not second and first.model is second.model
    assert same_weights(first, second) and not same_weights(first, load_motion_model(file))
    assert first.is_clone(second) and motion_model(second).source == (file, "automatic")


def test_a_link_is_the_file_that_it_means(file: str, tmp_path: Path) -> None:
    link = tmp_path / "link.safetensors"
    link.symlink_to(file)
    assert load_or_reuse(str(link)).model is load_or_reuse(file).model


def test_a_motion_lora_on_one_does_not_show_on_the_other(base: ModelPatcher, file: str) -> None:
    """Clones run in turns, as each would with weights of its own."""

    def with_lora(motion: ModelPatcher, seed: int | None) -> ModelPatcher:
        if seed is not None:
            motion = apply_motion_lora(motion, lora(seed), 1.0, "lora")
        return apply_motion_model(base, motion)

    seeds = (None, 1, 2)
    apart = [tiny.sample(with_lora(load_motion_model(file), seed)) for seed in seeds]
    assert by_hand.relative(apart[1], apart[0]) > 0.01
    assert by_hand.relative(apart[2], apart[1]) > 0.01
    shared = [with_lora(load_or_reuse(file), seed) for seed in seeds]
    assert len({id(m.get_nested_additional_models()[0].model) for m in shared}) == 1
    for i in (0, 1, 2, 0, 2, 1, 0):
        assert by_hand.same(tiny.sample(shared[i]), apart[i]), i
    assert not load_or_reuse(file).patches


def test_two_in_a_chain_with_other_motion_loras(base: ModelPatcher, file: str) -> None:
    """One set of weights cannot have both merged, so the second is loaded for itself."""

    def chain(load: Any) -> ModelPatcher:
        model = base
        for seed in (1, 2):
            motion = apply_motion_lora(load(file), lora(seed), 1.0, "lora")
            model = apply_motion_model(model, motion)
        return model

    assert by_hand.same(tiny.sample(chain(load_or_reuse)), tiny.sample(chain(load_motion_model)))


def test_a_replaced_file_is_seen_at_once(file: str) -> None:
    first = load_or_reuse(file)
    before, size = os.stat(file), os.path.getsize(file)
    write(Path(file), seed=8)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert os.path.getsize(file) == size
    second = load_or_reuse(file)
    assert by_hand.fingerprint(second.model) == by_hand.fingerprint(load_motion_model(file).model)
    assert by_hand.fingerprint(second.model) != by_hand.fingerprint(first.model)
    write(Path(file), family="v2")  # longer, by the middle module
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert motion_model(load_or_reuse(file)).spec.family.name == "v2"


def test_another_reading_is_another_model(file: str) -> None:
    models = [
        load_or_reuse(file, family, disable_dynamic).model
        for family in ("automatic", "v1")
        for disable_dynamic in (False, True)
    ]
    assert len({id(model) for model in models}) == 4
    assert motion_model(load_or_reuse(file, "v1")).spec.family.name == "v1"


def test_it_is_let_go_before_another_is_read(file: str, tmp_path: Path) -> None:
    other = write(tmp_path / "other.safetensors", seed=9)
    first = weakref.ref(load_or_reuse(file).model)
    assert first() is not None, "kept"
    second = weakref.ref(load_or_reuse(other).model)
    assert first() is None and second() is not None
    with pytest.raises(ValueError, match=re.escape(f"No file gone.ckpt lies in {tmp_path}.")):
        load_or_reuse(str(tmp_path / "gone.ckpt"))
    assert second() is None


def test_an_adapter_is_kept_beside_the_motion_model(file: str, tmp_path: Path) -> None:
    adapter = str(tmp_path / "CameraCtrl.safetensors")
    save_file(camera.weights(), adapter)
    motion, first = load_or_reuse(file).model, reused(load_camera_control, adapter).model
    assert reused(load_camera_control, adapter).model is first
    assert load_or_reuse(file).model is motion
    save_file({k: w + 1 for k, w in camera.weights().items()}, adapter)
    second = reused(load_camera_control, adapter).model
    assert not torch.equal(next(second.parameters()), next(first.parameters()))
    assert load_or_reuse(file).model is motion


def test_it_is_let_go_with_the_node(file: str) -> None:
    """ComfyUI's objects for the nodes of a graph: dropped with the node, and to free memory."""

    class Node: ...

    node = Node()
    keep_for(node)
    model = weakref.ref(load_or_reuse(file).model)
    gc.collect()
    assert model() is not None
    del node
    gc.collect()
    assert model() is None


def test_comfyui_unloads_it_and_it_is_used_again(base: ModelPatcher, file: str) -> None:
    memory.unload_all_models()
    with_lora = apply_motion_lora(load_or_reuse(file), lora(1), 1.0, "lora")
    animated = apply_motion_model(base, with_lora)
    frames = tiny.sample(animated)
    del animated, with_lora
    gc.collect()
    kinds = [type(patcher.model).__name__ for patcher in memory.loaded_models()]
    assert kinds.count("MotionModel") == 1, "kept where it is, for the next run"
    memory.unload_all_models()
    assert not memory.loaded_models()
    fresh = load_motion_model(file).model
    again = load_or_reuse(file)
    assert by_hand.fingerprint(again.model) == by_hand.fingerprint(fresh), "MotionLoRA unmerged"
    with_lora = apply_motion_lora(again, lora(1), 1.0, "lora")
    assert by_hand.same(tiny.sample(apply_motion_model(base, with_lora)), frames)


class OutOfMemory(WeightAdapterBase):
    """A patch that cannot be merged."""

    def __init__(self) -> None:
        self.loaded_keys, self.weights = set(), []

    def calculate_weight(self, *args: Any, **kwargs: Any) -> Tensor:
        raise torch.OutOfMemoryError("no room for this weight")


def test_a_merge_that_breaks_off_leaves_the_weights_whole(base: ModelPatcher, file: str) -> None:
    """ComfyUI takes back what it has merged until then."""
    frames = tiny.sample(apply_motion_model(base, load_motion_model(file)))
    half = apply_motion_lora(load_or_reuse(file), lora(1), 1.0, "lora")
    half.add_patches({next(iter(half.patches)): OutOfMemory()})
    with pytest.raises(torch.OutOfMemoryError):
        tiny.sample(apply_motion_model(base, half))
    again = load_or_reuse(file)
    assert again.model is half.model
    assert by_hand.same(tiny.sample(apply_motion_model(base, again)), frames)
