"""Weights files before the end: usable, few, in a folder of the run, and no reason to stop."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.training import small
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.export import export, file_tensors
from animatediff_kit.training.engine.file_about import trigger_of
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.run.run_log import ABOUT, WEIGHTS, RunLog
from animatediff_kit.training.run.weights_folder import own_folder
from animatediff_kit.training.run.weights_on_the_way import WeightsOnTheWay
from safetensors import safe_open
from safetensors.torch import load_file

from ..clips import ClipsInMemory


def written(
    folder: Path, clock: Any = lambda: 0.0, wanted: Path | None = None, **settings: Any
) -> tuple[Run[ClipLoss], dict[str, dict[str, torch.Tensor]]]:
    """A run of 8 steps.   -> the run, and what its export would have been after each step"""
    run = small.run(folder / "run", ema=0.5, **{"steps": 8, **settings})
    own = partial(own_folder, wanted or folder / "pan_001", RunLog(run, "pan"))
    weights = WeightsOnTheWay(run, own, "pan", "official", clock)
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
    _, kept = written(tmp_path, export_every=2, export_keep=2)
    assert names(tmp_path) == ["pan-00000004.safetensors", "pan-00000006.safetensors"]
    for name in names(tmp_path):
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
    out = tmp_path / "out"
    out.write_text("no folder")
    run, _ = written(tmp_path, wanted=out / "pan_001", export_every=4)
    assert run.step == 8
    told = caplog.messages[-1]
    text = "pan-00000004.safetensors could not be written into a folder of the run's own ("
    assert told.startswith(text) and str(out) in told
    assert told.endswith("The run goes on without it; make room there.")


def test_the_folder_of_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "pan_001" / "pan-00000004.safetensors"
    in_the_way.mkdir(parents=True)
    run = small.run(tmp_path / "run", export_every=4, steps=8)
    run.watch = WeightsOnTheWay(run, lambda: in_the_way.parent, "pan", "official", lambda: 0.0)
    run.train()
    told = f"{in_the_way.name} could not be written into {in_the_way.parent} ("
    assert caplog.messages[-1].startswith(told)


def test_a_file_that_cannot_be_removed_is_told_and_the_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one that is open on Windows; a folder cannot be removed as a file either."""
    run = small.run(tmp_path / "run", steps=8, export_every=2, export_keep=1)
    folder = tmp_path / "pan_001"
    (folder / "pan-00000001.safetensors").mkdir(parents=True)
    run.watch = WeightsOnTheWay(run, lambda: folder, "pan", "official", lambda: 0.0)
    run.train()
    assert names(tmp_path) == ["pan-00000001.safetensors", "pan-00000006.safetensors"]
    told = f"{folder / 'pan-00000001.safetensors'} could not be removed ("
    assert sum(message.startswith(told) for message in caplog.messages) == 3
    assert caplog.messages[-1].endswith(
        "The run goes on; close it where it is open, and it is removed with the next."
    )


def test_files_of_another_run_stay(tmp_path: Path) -> None:
    """One of that name, whose own folder is gone, or which is another server's."""
    theirs = tmp_path / "pan_001" / "pan-00000002.safetensors"
    theirs.parent.mkdir()
    theirs.write_bytes(b"theirs")
    written(tmp_path, export_every=2, export_keep=1)
    assert names(tmp_path) == [theirs.name] and theirs.read_bytes() == b"theirs"
    own = tmp_path / "pan_001_2"
    assert [path.name for path in own.iterdir()] == ["pan-00000006.safetensors"]


@pytest.mark.parametrize("version", ["now", "before"])
def test_a_resumed_run_goes_on_in_its_own_folder(version: str, tmp_path: Path) -> None:
    """Runs of versions before noted none."""
    first, _ = written(tmp_path, export_every=2)
    if version == "before":
        (first.folder / ABOUT).unlink()
    record = RunLog(first, "pan")
    assert record.about.get(WEIGHTS) == ("pan_001" if version == "now" else None)
    assert own_folder(tmp_path / "pan_001", record) == tmp_path / "pan_001"


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
