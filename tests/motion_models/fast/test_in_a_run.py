"""The fast arithmetic in ComfyUI's sampler: it runs, near the reference, however weights are
loaded."""

from __future__ import annotations

import comfy.model_management as memory
import pytest
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.fast import fits, scratch
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.motion_models.lora import apply_motion_lora


@pytest.fixture
def every_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny maps are taken too, in several parts."""
    monkeypatch.setattr(fits, "SMALLEST", 0)
    monkeypatch.setattr(scratch, "CPU_ROWS", 100)


@pytest.mark.parametrize("family", ["v1", "v2"])
def test_a_run_is_the_references_to_rounding(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    base, motion = tiny.image_model(), tiny.motion_patcher(family)
    steered = apply_motion_lora(motion, tiny.motion_lora(family, 1), 0.7, "lora")
    settings = MotionSettings(strength=0.8, motion_scale=1.2)
    animated = apply_motion_model(base, steered, settings)
    without_lora = apply_motion_model(base, motion, settings)
    expected, other = tiny.sample(animated), tiny.sample(without_lora)
    assert by_hand.relative(expected, other) > 1e-3

    request.getfixturevalue("every_map")
    fast = tiny.sample(animated)
    assert not by_hand.same(fast, expected), "the reference ran"
    assert by_hand.relative(fast, expected) < 2e-5
    assert by_hand.relative(tiny.sample(without_lora), other) < 2e-5
    memory.unload_all_models()
    monkeypatch.setattr(memory, "vram_state", memory.VRAMState.NO_VRAM)
    monkeypatch.setattr(memory, "is_device_cpu", lambda device: False)
    assert by_hand.same(tiny.sample(animated), fast)  # layers are cast, their LoRAs with them
    assert motion.model.model_lowvram
