"""Weights files before the end: usable, few, in a folder of the run, and no reason to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.training import small
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.export import export, file_tensors
from animatediff_kit.training.engine.file_about import trigger_of
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.run.weights_on_the_way import WeightsOnTheWay
from safetensors import safe_open
from safetensors.torch import load_file

from ..clips import ClipsInMemory


def written(
    folder: Path, clock: Any = lambda: 0.0, **settings: Any
) -> tuple[Run[ClipLoss], dict[str, dict[str, torch.Tensor]]]:
    """A run of 8 steps.   -> the run, and what its export would have been after each step"""
    run = small.run(folder / "run", ema=0.5, **{"steps": 8, **settings})
    weights = WeightsOnTheWay(run, folder / "pan_001", "pan", "official", clock)
    kept: dict[str, dict[str, torch.Tensor]] = {}

    def watch(report: Any) -> None:
        weights(report)
        tensors = {name: tensor.clone() for name, tensor in file_tensors(run).items()}
        kept[f"pan-{report.step:08d}.safetensors"] = tensors

    run.watch = watch
    run.train()
    return run, kept


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "pan_001").iterdir())


def test_files_are_the_averages_of_their_steps_and_the_newest_stay(tmp_path: Path) -> None:
    other = tmp_path / "pan_001" / "pan-old.safetensors"
    other.parent.mkdir()
    other.touch()
    _, kept = written(tmp_path, export_every=2, export_keep=2)
    assert names(tmp_path) == ["pan-00000004.safetensors", "pan-00000006.safetensors", other.name]
    for name in names(tmp_path)[:2]:
        path = tmp_path / "pan_001" / name
        assert small.equal(load_file(path), kept[name])
        with safe_open(path, "pt") as file:  # pyright: ignore
            about = file.metadata()
        assert about["steps"] == str(int(name[4:12])) and about["modelspec.title"] == name[:12]


def test_minutes_count_too(tmp_path: Path) -> None:
    """The clock is read at the start and after each step; a step takes 40 seconds."""
    now = iter(range(0, 10_000, 40))
    written(tmp_path, lambda: next(now), export_minutes=1.5)
    assert names(tmp_path) == ["pan-00000003.safetensors", "pan-00000006.safetensors"]


def test_none_is_written_by_default(tmp_path: Path) -> None:
    written(tmp_path)
    assert not (tmp_path / "pan_001").exists()


def test_a_file_that_cannot_be_written_is_told_and_the_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pan_001").write_text("no folder")
    run, _ = written(tmp_path, export_every=4)
    assert run.step == 8
    assert caplog.messages[-1].startswith("pan-00000004.safetensors could not be written into")
    assert caplog.messages[-1].endswith("The run goes on without it; make room there.")


@pytest.mark.parametrize(
    "captions, trigger",
    [
        (("adkx, a cat", "adkx, a dog, wet"), "adkx"),
        (("a pan", "a pan"), "a pan"),
        (("adkx, a cat", "a dog"), ""),
        (("a cat", "a dog"), ""),
    ],
)
def test_the_trigger_is_what_all_captions_begin_with(
    captions: tuple[str, ...], trigger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = ClipsInMemory(len(captions))
    monkeypatch.setattr(clips, "caption", captions.__getitem__)
    assert trigger_of(clips) == trigger


def test_what_a_file_says_of_itself(tmp_path: Path) -> None:
    run, _ = written(tmp_path, stop_rules="step above 90", learning_rate=2e-3)
    path = export(run, tmp_path, "pan")
    with safe_open(path, "pt") as file:  # pyright: ignore
        about = file.metadata()
    assert about["modelspec.sai_model_spec"] == "1.0.0" and about["modelspec.title"] == "pan"
    assert about["modelspec.architecture"].endswith("/animatediff-motion-lora")
    assert about["modelspec.prediction_type"] == "epsilon"
    assert '"stop_rules": "step above 90"' in about["config"]
    assert '"learning_rate": 0.002' in about["config"] and '"noise_offset"' not in about["config"]
