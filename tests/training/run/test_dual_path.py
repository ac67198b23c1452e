"""The spatial LoRA that takes up the look of clips and is thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support.training_folders import own_folders
from adk_tests.training.clips import ClipsInMemory
from adk_tests.training.small import CPU, image_model, motion_patcher
from animatediff_kit.motion_models.folders import MOTION_LORAS
from animatediff_kit.nodes.training.train import TrainMotionLora
from animatediff_kit.training.engine.config import TrainingSettings
from animatediff_kit.training.run import dual_path
from animatediff_kit.training.run.dual_path import of_the_look, with_the_look
from safetensors.torch import load_file

SETTINGS = TrainingSettings(
    steps=3, learning_rate=1e-2, debias=1.0, min_timestep=500, save_every=0, preview_every=0
)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> Iterator[Path]:
    with own_folders(tmp_path) as root, torch.inference_mode():
        yield root


def node(**changes: Any) -> str:
    given: dict[str, Any] = dict(
        model=image_model(), motion_model=motion_patcher(), clips=ClipsInMemory(), rank=2,
        settings=SETTINGS, name="moves",
    )  # fmt: skip
    return TrainMotionLora.execute(**{**given, **changes}).result[1]


def test_the_motion_lora_is_trained_beside_the_look_and_written_alone(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [load_file(folders / MOTION_LORAS / node(look_steps=steps)) for steps in (0, 4)]
    assert files[0].keys() == files[1].keys()
    assert any(not torch.equal(tensor, files[1][name]) for name, tensor in files[0].items())
    (kept,) = (folders / "output").rglob("look-*.safetensors")
    assert all("motion_modules" not in name for name in load_file(kept))
    assert not kept.with_suffix("").exists()
    monkeypatch.setattr(dual_path, "trained", None)  # a call of it would fail
    on = TrainingSettings(**{**vars(SETTINGS), "steps": 4})
    assert node(look_steps=4, settings=on, resume="moves_002") == "moves_3.safetensors"
    with pytest.raises(ValueError, match="its run had another image model or motion model"):
        node(settings=on, resume="moves_002")


def test_the_look_is_learned_on_single_frames_and_the_model_stays_as_it_is(tmp_path: Path) -> None:
    model, clips = image_model(), ClipsInMemory()
    with torch.inference_mode(False), torch.enable_grad():
        looked = with_the_look(model, clips, SETTINGS, 2, 4, CPU, tmp_path)
    assert looked.patches and not model.patches
    plain = of_the_look(SETTINGS, 2)
    assert (plain.steps, plain.debias, plain.min_timestep) == (2, 0.0, 0)
    assert plain.learning_rate == pytest.approx(2e-3) and plain.seed == SETTINGS.seed


def test_stop_rules_are_the_motions_alone() -> None:
    settings = TrainingSettings(stop_rules="step above 3", preview_every=2)
    of_the_look(settings, 10).check()
