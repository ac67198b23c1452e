"""Load SparseCtrl Model and Apply SparseCtrl, run as ComfyUI runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from adk_tests.support import encoders, folders, sparse, tiny, windowed
from adk_tests.support.folders import register_folders
from animatediff_kit.motion_models.adapters.sparse_control.placement import HintFrames
from animatediff_kit.nodes.control.sparse_control import ApplySparseControl, LoadSparseControl

PROMPTS = (tiny.prompt(11), tiny.prompt(12))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = folders.install(tmp_path, monkeypatch)
    register_folders()
    sparse.write(root / "controlnet" / "rgb.safetensors", "rgb")
    sparse.write(root / "animatediff_models" / "scribble.safetensors", "scribble")
    return root


def test_files_are_found_in_either_folder(models: Path) -> None:
    for name, latents in (("rgb.safetensors", True), ("scribble.safetensors", False)):
        assert LoadSparseControl.validate_inputs(name) is True
        (control,) = LoadSparseControl.execute(name).result
        assert control.spec.latents is latents
    refusal = LoadSparseControl.validate_inputs("other.safetensors")
    assert "'other.safetensors' is not there" in str(refusal)


@pytest.mark.parametrize(
    ("folder", "first", "second"),
    [("controlnet", "rgb", "scribble"), ("animatediff_models", "scribble", "rgb")],
)
def test_a_file_that_was_replaced_is_read_anew(
    models: Path, folder: str, first: str, second: str
) -> None:
    """Also by one of the other kind."""
    path = models / folder / f"{first}.safetensors"
    before = LoadSparseControl.fingerprint_inputs(path.name)
    assert before and LoadSparseControl.fingerprint_inputs(path.name, more=1) == before
    sparse.write(path, second)
    assert LoadSparseControl.fingerprint_inputs(path.name) != before
    (control,) = LoadSparseControl.execute(path.name).result
    assert control.spec.latents is (second == "rgb")
    assert LoadSparseControl.fingerprint_inputs("gone") == LoadSparseControl.fingerprint_inputs()


def test_hints_are_placed_as_the_node_says(models: Path) -> None:
    (control,) = LoadSparseControl.execute("rgb.safetensors").result
    images = windowed.random(2, 64, 64, 3)
    positive, negative = ApplySparseControl.execute(
        *PROMPTS, control, images, "indices", "0, -1", 0.7, 0.1, 0.8, encoders.vae()
    ).result
    applied = positive[0][1]["control"]
    assert applied is negative[0][1]["control"]
    assert applied.hint_frames == HintFrames("indices", (0, -1))
    assert (applied.strength, applied.timestep_percent_range) == (0.7, (0.1, 0.8))
    assert torch.equal(applied.cond_hint_original, images.movedim(-1, 1))
    spread, _ = ApplySparseControl.execute(
        *PROMPTS, control, images, "center", "not read", vae=encoders.vae()
    ).result
    assert spread[0][1]["control"].hint_frames == HintFrames("center")
    assert "control" not in PROMPTS[0][0][1]


def test_what_it_refuses(models: Path) -> None:
    (control,) = LoadSparseControl.execute("scribble.safetensors").result
    images = windowed.random(2, 64, 64, 3)
    with pytest.raises(ValueError, match="^sparse_control is another ControlNet. Connect Load Spa"):
        ApplySparseControl.execute(*PROMPTS, windowed.control_net(), images)
    with pytest.raises(ValueError, match=r"^1 frame indices \(0\) are given for 2 hint images; gi"):
        ApplySparseControl.execute(*PROMPTS, control, images)
    with pytest.raises(ValueError, match="^'a' in frame_indices is no whole number"):
        ApplySparseControl.execute(*PROMPTS, control, images, frame_indices="0, a")
