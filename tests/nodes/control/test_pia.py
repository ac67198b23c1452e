"""Apply PIA, and what the other nodes say of a motion model that begins from a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import encoders, folders, pia, tiny
from adk_tests.support.folders import register_folders
from animatediff_kit.motion_models.adapters.pia.affinity import PRESETS, Affinity
from animatediff_kit.nodes.animate import Animate
from animatediff_kit.nodes.control.pia import ApplyPIA
from animatediff_kit.nodes.motion_model import ApplyMotionModel, LoadMotionModel
from animatediff_kit.training.models import stages
from safetensors.torch import save_file

SENTENCE = "^pia.safetensors is a model of PIA, which begins from a picture. Connect it to Apply PI"


@pytest.fixture
def motion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    root = folders.install(tmp_path, monkeypatch)
    register_folders()
    (root / "animatediff_models").mkdir(parents=True)
    save_file(pia.weights(), str(root / "animatediff_models" / "pia.safetensors"))
    (loaded,) = LoadMotionModel.execute("pia.safetensors").result
    return loaded


def test_it_animates_a_picture_in_the_models_schedule(motion: Any) -> None:
    base = tiny.image_model()
    (animated,) = ApplyPIA.execute(
        base, motion, pia.picture(), encoders.vae(), "large loop", 1, 0.9, 1.1
    ).result
    (injection,) = animated.wrappers["apply_model"]["animatediff_kit_0_picture"]
    assert injection.affinity == Affinity(PRESETS["large loop"], 1)
    sigmas = animated.get_model_object("model_sampling").sigmas
    betas = torch.linspace(0.00085, 0.012, 1000, dtype=torch.float64)
    assert torch.allclose(sigmas.double(), (1 / torch.cumprod(1 - betas, 0) - 1).sqrt(), rtol=1e-5)
    still, moved = (tiny.sample(model, frames=3, steps=1) for model in (base, animated))
    assert not torch.allclose(still, moved, atol=1e-3)


def test_an_affinity_that_is_none_is_refused(motion: Any) -> None:
    for value in ("no such thing", {}):
        with pytest.raises(ValueError, match=r"^affinity is .*; it must be one of small motion, "):
            ApplyPIA.execute(tiny.image_model(), motion, pia.picture(), encoders.vae(), value)


def test_nodes_without_a_picture_send_it_there(motion: Any) -> None:
    base = tiny.image_model()
    with pytest.raises(ValueError, match=SENTENCE):
        ApplyMotionModel.execute(base, motion)
    with pytest.raises(ValueError, match=SENTENCE):
        Animate.execute(base, "pia.safetensors")


def test_training_sends_it_there(motion: Any) -> None:
    base, target = tiny.image_model(), (torch.device("cpu"), torch.float32)
    with pytest.raises(ValueError, match=SENTENCE):
        stages.motion_module(base, motion, "v3", 0, stages.DeviceAndDtype(*target))
    with pytest.raises(ValueError, match=SENTENCE):
        stages.motion_lora(base, motion, 4, 0, stages.DeviceAndDtype(*target))
