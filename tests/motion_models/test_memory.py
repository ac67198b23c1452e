"""ComfyUI's memory manager has the motion model in hand; low precision stays near the full one."""

from __future__ import annotations

from typing import Any

import comfy.model_management as memory
import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.call import OPTION
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionLayer
from animatediff_kit.motion_models.load import motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.model import MotionModel
from animatediff_kit.motion_models.sites import unet_sites
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor


def loaded() -> list[str]:
    return sorted(type(patcher.model).__name__ for patcher in memory.loaded_models())


def test_the_memory_manager_sees_and_unloads_it(base: ModelPatcher) -> None:
    memory.unload_all_models()
    motion = tiny.motion_patcher("v2")
    tiny.sample(apply_motion_model(base, motion))
    assert loaded() == ["BaseModel", "MotionModel"]
    assert memory.loaded_models(only_currently_used=True)
    memory.unload_all_models()
    assert loaded() == []


def test_its_size_is_counted(base: ModelPatcher) -> None:
    motion = tiny.motion_patcher("v2")
    size = sum(w.numel() * w.element_size() for w in tiny.motion_weights("v2").values())
    assert motion.model_size() == pytest.approx(size, rel=0.01)
    animated = apply_motion_model(base, motion)
    assert [p.model for p in animated.get_nested_additional_models()] == [motion.model]


def test_weights_are_restored_when_it_is_unloaded(base: ModelPatcher) -> None:
    motion = tiny.motion_patcher("v2")
    before = by_hand.fingerprint(motion.model)
    lora = tiny.motion_lora("v2", 1)
    animated = apply_motion_model(base, apply_motion_lora(motion, lora, 1.0, "lora"))
    frames = tiny.sample(animated)
    assert by_hand.fingerprint(motion.model) != before, "the MotionLoRA was not merged"
    memory.unload_all_models()
    assert by_hand.fingerprint(motion.model) == before
    assert by_hand.same(tiny.sample(animated), frames)


@pytest.fixture
def no_vram(monkeypatch: pytest.MonkeyPatch) -> None:
    """ComfyUI's --novram: layers stay where they are stored and are cast one by one."""
    memory.unload_all_models()
    monkeypatch.setattr(memory, "vram_state", memory.VRAMState.NO_VRAM)
    monkeypatch.setattr(memory, "is_device_cpu", lambda device: False)


@pytest.mark.parametrize("family", ["v1", "v2"])
def test_partial_loading_with_a_lora(
    base: ModelPatcher, request: pytest.FixtureRequest, family: str
) -> None:
    motion = tiny.motion_patcher(family)
    lora = tiny.motion_lora(family, 1)
    animated = apply_motion_model(base, apply_motion_lora(motion, lora, 1.0, "lora"))
    changed = by_hand.with_change(
        animated, {"diffusion_model.output_blocks.2.1.conv.weight": upsample_change(base)}
    )
    frames = tiny.sample(changed)
    assert not base.model.model_lowvram and not motion.model.model_lowvram
    request.getfixturevalue("no_vram")
    partial = tiny.sample(changed)
    assert base.model.model_lowvram and motion.model.model_lowvram
    assert by_hand.same(partial, frames)


def upsample_change(base: ModelPatcher) -> Tensor:
    return by_hand.difference(base, "diffusion_model.output_blocks.2.1.conv.weight")


def stored_as(dtype: torch.dtype) -> ModelPatcher:
    weights = tiny.motion_weights("v2")
    return by_hand.motion_from("v2", {key: w.to(dtype) for key, w in weights.items()})


def error(low: Tensor, full: Tensor) -> float:
    return float((low.float() - full).norm() / full.norm())


TOLERANCES = {
    torch.float16: 2e-3,
    torch.bfloat16: 1.5e-2,
    # e4m3 has 3 bits of mantissa: weights are off by 2^-4 at most, by a third of that on average,
    # and a module's residual passes five of them
    torch.float8_e4m3fn: 1e-1,
}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCES, ids=str)


@DTYPES
@pytest.mark.parametrize("half_compute", [False, True])
def test_residual_of_low_precision(dtype: torch.dtype, half_compute: bool) -> None:
    """One module of 128 channels, its weights in `dtype`, in float32 or in half precision."""
    name = "down_blocks.2.motion_modules.1"
    low: Any = in_dtype(dtype).module(name)
    full: Any = motion_model(tiny.motion_patcher("v2")).module(name)
    x = torch.randn((16, 128, 4, 4), generator=torch.Generator().manual_seed(1))
    compute = (dtype if dtype.itemsize == 2 else torch.float16) if half_compute else torch.float32
    with torch.inference_mode():
        expected = full.temporal_transformer(x, tiny.call(x, 8))
        residual = low.temporal_transformer(x.to(compute), tiny.call(x, 8))
    assert residual.dtype == compute
    assert 0 < error(residual, expected) < TOLERANCES[dtype]


def in_dtype(dtype: torch.dtype) -> MotionModel:
    """The motion model as the loader makes it, in `dtype` even where ComfyUI would widen it."""
    model = motion_model(stored_as(dtype))
    assert {p.dtype for p in model.parameters()} == {model.dtype}
    return model.to(dtype)


@DTYPES
def test_frames_of_low_precision_weights(base: ModelPatcher, dtype: torch.dtype) -> None:
    """The UNet computes in float32; what differs is the rounding of the motion model's weights."""
    full = tiny.sample(apply_motion_model(base, tiny.motion_patcher("v2")))
    motion = stored_as(dtype)
    in_dtype_motion = motion_model(motion)
    in_dtype_motion.to(dtype)
    frames = tiny.sample(apply_motion_model(base, motion))
    assert frames.dtype == torch.float32
    assert 0 < error(frames, full) < 2.5 * TOLERANCES[dtype]


def half_model(manual_cast: torch.dtype | None) -> ModelPatcher:
    """The tiny SD1.5 model with weights in float16, computed in `manual_cast`."""
    config = tiny.TinySD15({**tiny.UNETS["SD1.5"], "dtype": torch.float16})
    config.set_inference_dtype(torch.float16, manual_cast)
    cpu = torch.device("cpu")
    model = config.get_model({}, "", device=cpu)
    weights = tiny.randomise(model.diffusion_model.state_dict(), 0)
    model.diffusion_model.load_state_dict({k: w.half() for k, w in weights.items()})
    return type(tiny.image_model())(model, cpu, cpu)


@pytest.mark.parametrize("manual_cast", [torch.float32, None, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("family", "stored"), [("v1", torch.float16), ("v2", torch.float16), ("v2", torch.float32)]
)
def test_a_unet_in_half_precision(
    base: ModelPatcher, manual_cast: torch.dtype | None, stored: torch.dtype, family: str
) -> None:
    """float16 weights computed in float32 (manual cast), in float16, and in bfloat16."""
    full = tiny.sample(apply_motion_model(base, tiny.motion_patcher(family)), steps=1)
    weights = {k: w.to(stored) for k, w in tiny.motion_weights(family).items()}
    model = apply_motion_model(half_model(manual_cast), by_hand.motion_from(family, weights))
    frames = tiny.sample(model, steps=1)
    bound = {torch.float32: 4e-3, None: 1e-2, torch.bfloat16: 7e-2}[manual_cast]
    assert 0 < error(frames, full) < bound


class Tables:
    """APPLY_MODEL wrapper inside the pack's: the tables of positions that layers are given."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Tensor]] = []

    def __call__(self, executor: Any, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        unet = executor.class_obj.diffusion_model
        layer = next(m for m in unet.modules() if isinstance(m, MotionLayer))
        self.seen.append(dict(layer.call.positions))
        return executor(x, *args, **kwargs)


def test_tables_of_positions_are_brought_to_the_device_once_a_run() -> None:
    """ComfyUI moves what has parameters, and tables have none."""
    tables = Tables()
    motion = tiny.motion_patcher("v2")
    model = apply_motion_model(tiny.image_model(), motion)
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "tables", tables)
    tiny.sample(model, steps=3)
    first, *others = tables.seen
    names = [name for name, _ in motion.model.named_modules() if name.endswith("pos_encoder")]
    assert sorted(first) == sorted(names) and len(names) == 42
    assert len({id(table) for table in first.values()}) == 3, "one for each width"
    for other in others:
        assert all(other[name] is first[name] for name in names)


def test_tables_go_where_they_are_asked_for() -> None:
    model: Any = tiny.motion_patcher("v2").model
    tables = model.positions_on(torch.device("meta"), torch.float16)
    assert {(t.device.type, t.dtype) for t in tables.values()} == {("meta", torch.float16)}
    encoder = model.get_submodule(next(iter(tables)))
    assert encoder.pe.device.type == "cpu" and encoder.pe.dtype == torch.float32


def test_the_table_of_the_call_is_the_one_that_is_added() -> None:
    model: Any = tiny.motion_patcher("v2").model
    name, encoder = next(iter(model.encoders().items()))
    x = torch.randn((3, 4, encoder.pe.shape[2]), generator=torch.Generator().manual_seed(1))
    own = torch.randn(encoder.pe.shape, generator=torch.Generator().manual_seed(2))
    assert torch.equal(encoder(x, {name: own}), x + own[:, :4])
    assert torch.equal(encoder(x, {}), x + encoder.pe[:, :4])


def test_a_motion_model_follows_the_device_of_the_unet() -> None:
    """Otherwise every layer would carry its weights over in every call."""
    motion, model = tiny.motion_patcher("v2"), tiny.image_model()
    model.load_device = torch.device("meta")
    animated = apply_motion_model(model, motion)
    [applied] = animated.get_additional_models()
    assert applied.load_device == torch.device("meta")
    assert motion.load_device == torch.device("cpu")


def test_the_places_of_layers_are_looked_up_once_a_run() -> None:
    """Sites and norms are those of the plain UNet, which does not change while it is sampled."""
    seen: list[dict[Any, Any]] = []

    def watch(executor: Any, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        options = kwargs["transformer_options"] if "transformer_options" in kwargs else args[4]
        seen.append(dict(options[OPTION].kept))
        return executor(x, *args, **kwargs)

    model = apply_motion_model(tiny.image_model(), tiny.motion_patcher("v1"))
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch", watch)
    tiny.sample(model, steps=3)
    unet = model.model.diffusion_model
    for key in (("sites", unet), ("parents of norms", unet)):
        assert len({id(kept[key]) for kept in seen}) == 1 and len(seen) == 3
    assert sorted(seen[0]["sites", unet]) == sorted(unet_sites(unet))
