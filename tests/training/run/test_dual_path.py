"""The spatial LoRA that takes up the look of clips and is thrown away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
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
from safetensors.torch import load_file, save_file

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


@pytest.mark.parametrize(
    "changes",
    [
        dict(clips=ClipsInMemory(fingerprint="with a corrected caption")),
        dict(settings=replace(SETTINGS, learning_rate=5e-3, resume_changes="learning_rate")),
        dict(look_steps=9),
    ],
)
def test_a_resumed_run_goes_on_beside_its_own_look(
    changes: dict[str, Any],
    folders: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Others lie in the same folder: newer ones of other clips and of other models, and damaged."""
    caplog.set_level(logging.INFO)
    node(look_steps=4)
    (kept,) = (folders / "output").rglob("look-*.safetensors")
    node(look_steps=4, clips=ClipsInMemory(3, fingerprint="others"), name="other")
    save_file(
        {"unet.no_such_layer.lora.up.weight": torch.ones(2, 2)}, kept.parent / "look-1.safetensors"
    )
    (kept.parent / "look-2.safetensors").write_bytes(b"damaged")
    monkeypatch.setattr(dual_path, "trained", None)  # a call of it would fail
    settings = replace(changes.get("settings", SETTINGS), steps=4)
    caplog.clear()
    node(**{"look_steps": 4, **changes, "settings": settings, "resume": "moves_001"})
    told = f"AnimateDiff Kit: moves_001 goes on beside its own look of the clips, {kept.name}, "
    assert any(message.startswith(told) for message in caplog.messages)


def test_a_look_that_is_gone_is_made_anew(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    """On a CPU it comes out the same."""
    node(look_steps=4)
    (kept,) = (folders / "output").rglob("look-*.safetensors")
    kept.unlink()
    caplog.clear()
    assert node(look_steps=4, settings=replace(SETTINGS, steps=4), resume="moves_001")
    assert (
        f"AnimateDiff Kit: no look in {kept.parent} is the one that moves_001 was trained beside, "
        "with this image model and motion model; it is made anew, and the run goes on if it comes "
        "out the same." in caplog.messages
    )
    assert kept.is_file()


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
