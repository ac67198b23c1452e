"""Nodes of values over frames, run as ComfyUI runs them, into those that take the values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adk_tests.sampling.test_conditioning import controlled, hints
from adk_tests.support import by_hand, folders, tiny, windowed
from adk_tests.support.folders import register_folders
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.low_rank import attached
from animatediff_kit.motion_models.position_tables import spec_of
from animatediff_kit.nodes.control.audio import AudioStrength
from animatediff_kit.nodes.control.control_net import ControlStrength
from animatediff_kit.nodes.control.positions import StretchPositions
from animatediff_kit.nodes.control.prompts import BlendPrompts
from animatediff_kit.nodes.control.strength import CHECKED_AT_ONCE, Strength
from animatediff_kit.nodes.lora import DomainAdapter, LoadMotionLora
from animatediff_kit.nodes.motion_model import ApplyMotionModel
from animatediff_kit.sampling.values.over_time import OverTime

from nodes import ControlNetApplyAdvanced


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """models/ with a MotionLoRA and a domain adapter; pictures go into a temporary folder."""
    root = folders.install(tmp_path, monkeypatch)
    register_folders()
    for folder in ("animatediff_motion_lora", "loras"):
        (root / folder).mkdir(parents=True)
    torch.save(tiny.motion_lora("v2", 5), root / "animatediff_motion_lora" / "zoom.ckpt")
    stem = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora"
    pair = {f"{stem}.up.weight": torch.ones(32, 2), f"{stem}.down.weight": torch.ones(2, 32) / 9}
    torch.save(pair, root / "loras" / "v3_sd15_adapter.ckpt")
    return root


def strength(**inputs: Any) -> OverTime:
    value, picture = Strength.execute(**inputs).result
    assert isinstance(value, OverTime) and picture.ndim == 4
    return value


def values(value: OverTime, frames: int = 4) -> list[float]:
    return value.over_frames(frames).round(4).tolist()


def test_every_input_counts() -> None:
    assert values(strength(value=0.5)) == [0.5] * 4
    assert values(strength(per_frame="0: 0, 2: 1")) == [0, 0.5, 1, 1]
    assert values(strength(per_frame="0: 0, 2: 1", easing="step")) == [0, 0, 1, 1]
    assert strength(per_step="0: 1, 1: 0").over_frames(1, 0.75).tolist() == [0.25]
    assert values(strength(floats=[0.25, 0.5, 1, 2])) == [0.25, 0.5, 1, 2]
    mask = torch.cat([torch.zeros(2, 8, 8), torch.ones(2, 8, 8)])
    assert values(strength(value=2.0, mask=mask, outside=0.5)) == [0.5, 0.5, 2, 2]
    times = strength(per_frame="0: 0, 2: 1")
    assert values(strength(value=0.5, times=times)) == [0, 0.25, 0.5, 0.5]
    assert values(strength(value=0.5, times=times, invert=True)) == [1, 0.75, 0.5, 0.5]


def test_the_picture_shows_as_many_frames_as_asked() -> None:
    one, other = (Strength.execute(per_frame="0: 0, 15: 1", frames=n).result[1] for n in (16, 64))
    assert one.shape == other.shape and not torch.equal(one, other)


def test_texts_are_judged_before_the_run() -> None:
    assert Strength.validate_inputs() is True
    assert Strength.validate_inputs("0: 1", "50%: 1") is True
    assert "per_frame, line 1, column 3: 'x' is no number" in str(Strength.validate_inputs("0: x"))
    assert "per_step, line 1, column 1" in str(Strength.validate_inputs("", "7: 1"))
    assert Strength.validate_inputs("x" * (CHECKED_AT_ONCE + 1)) is True
    with pytest.raises(ValueError, match="per_frame, line 1"):
        Strength.execute(per_frame="x")


def test_audio_gives_a_strength_a_list_and_a_picture() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[6000:7000] = 1
    audio = {"waveform": torch.from_numpy(samples)[None, None], "sample_rate": 16_000}
    value, numbers, picture = AudioStrength.execute(audio, 8, 8.0, low=0.2, high=1.2).result
    assert numbers == pytest.approx([0.2, 0.2, 0.2, 1.2, 0.2, 0.2, 0.2, 0.2])
    assert values(value, 8) == pytest.approx(numbers, abs=1e-4)
    assert values(strength(floats=numbers), 8) == values(value, 8)
    assert picture.shape[0] == 1


def test_a_motion_model_takes_them() -> None:
    base, motion = tiny.image_model(), tiny.motion_patcher("v2")
    curve = strength(per_frame="0: 0.2, 3: 1.4")

    def sampled(**inputs: Any) -> torch.Tensor:
        (model,) = ApplyMotionModel.execute(base, motion, **inputs).result
        return tiny.sample(model, steps=1)

    plain = sampled()
    for name in ("strength_over_time", "scale_over_time"):
        assert by_hand.relative(sampled(**{name: strength()}), plain) < 1e-6
        assert by_hand.relative(sampled(**{name: curve}), plain) > 1e-3
    assert by_hand.same(sampled(strength=0.0, strength_over_time=curve), sampled(strength=0.0))


def test_low_rank_files_take_them() -> None:
    motion, base = tiny.motion_patcher("v2"), tiny.image_model()
    curve = strength(per_frame="0: 0, 3: 1")
    (loaded,) = LoadMotionLora.execute(motion, "zoom.ckpt", 0.5, curve).result
    (low_rank,) = attached(loaded)
    assert isinstance(low_rank.strength, OverTime) and not loaded.patches
    assert values(low_rank.strength) == pytest.approx([0, 0.1667, 0.3333, 0.5])
    (adapted,) = DomainAdapter.execute(base, "v3_sd15_adapter.ckpt", 1.0, curve).result
    (merged,) = DomainAdapter.execute(base, "v3_sd15_adapter.ckpt").result
    found, still, whole = (tiny.sample(model) for model in (adapted, base, merged))
    assert by_hand.relative(found[:1], still[:1]) < 1e-5
    assert by_hand.relative(found[3:], whole[3:]) < 1e-4
    assert by_hand.relative(found[3:], still[3:]) > 1e-4
    mask = strength(mask=torch.ones(1, 8, 8))
    with pytest.raises(ValueError, match="^The domain adapter acts on whole frames"):
        DomainAdapter.execute(base, "v3_sd15_adapter.ckpt", 1.0, mask)


def test_cores_apply_controlnet_takes_it() -> None:
    base, (control,) = (
        tiny.image_model(),
        ControlStrength.execute(
            windowed.control_net(), strength(per_frame="0: 0, 6: 1 step")
        ).result,
    )
    image = hints().movedim(1, 3)
    plain = [windowed.frame_prompts(seed) for seed in (11, 31)]
    positive, negative = ControlNetApplyAdvanced().apply_controlnet(
        *plain, control, image, 0.7, 0.0, 1.0
    )
    noise = windowed.noise_of()
    found = windowed.sample_noise(base, noise, positive=positive, negative=negative)
    without = windowed.sample_noise(base, noise, positive=plain[0], negative=plain[1])
    core = windowed.control_net().set_cond_hint(hints(), 0.7)
    whole = windowed.sample_noise(base, noise, **controlled(core))
    assert by_hand.relative(found[:6], without[:6]) < 1e-4
    assert by_hand.relative(found[6:], whole[6:]) < 1e-4
    assert by_hand.relative(whole, without) > 1e-3


def test_prompts_are_blended() -> None:
    first, second = tiny.prompt(1), tiny.prompt(2)
    ((entry,),) = BlendPrompts.execute(first, second, strength(floats=[0.0, 1.0]), 2).result
    assert torch.equal(entry[0], torch.cat([first[0][0], second[0][0]]))


def test_positions_are_stretched() -> None:
    motion = tiny.motion_patcher("v2", positions=8)
    (stretched,) = StretchPositions.execute(motion, 0, 6, 12).result
    assert spec_of(stretched).positions == 12
    frames = tiny.sample(apply_motion_model(tiny.image_model(), stretched), frames=12, steps=1)
    assert frames.isfinite().all()
