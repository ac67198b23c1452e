"""A file that cannot be written at the end of a run."""

from __future__ import annotations

import os
import random
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support.clip_sets import NEEDS_FORK, killed
from adk_tests.training import small
from animatediff_kit.motion_models.read import read_weights
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.export import export
from animatediff_kit.training.engine.loop import Report, Run
from animatediff_kit.training.models import stages
from animatediff_kit.training.run.run_log import StoppedToKeep

from ..trained import trained_run


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
def test_a_full_disk_is_named_and_the_run_can_be_gone_on_with(tmp_path: Path) -> None:
    import resource

    run = trained_run(stages.MOTION_LORA, tmp_path / "run")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ValueError) as caught:
            export(run, tmp_path / "out", "pan")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    size = sum(p.numel() for p in run.parameters.values()) * 4 / 1e6
    assert re.fullmatch(
        re.escape(
            f"pan.safetensors could not be written into {tmp_path / 'out'}, where it needs "
            f"{size:.1f} MB ("
        )
        + ".+"
        + re.escape(
            f"); what was trained is safe in {tmp_path / 'run'}, so make room and resume the run, "
            "which has no step left and writes the file at once."
        ),
        str(caught.value),
    )
    assert not list((tmp_path / "out").iterdir())
    again = Run(run.loss, run.folder)
    again.resume(found(run.folder)[-1])
    again.train()
    tensors, _ = read_weights(str(export(again, tmp_path / "out", "pan")))
    assert again.step == 2 and tensors.keys() == run.parameters.keys()
    assert all(torch.equal(t, run.parameters[name]) for name, t in tensors.items())


@pytest.mark.parametrize(
    ("settings", "changes", "told"),
    [
        ({}, {}, "set steps to 2, and resume"),
        (
            {"schedule": "cosine", "resume_changes": "clip_norm"},
            {"resume_changes": "clip_norm, steps"},
            "set steps to 2 and resume_changes to clip_norm, steps, and resume",
        ),
        (
            {"warmup": 3},
            {"warmup": 2, "resume_changes": "warmup"},
            "set steps to 2 and warmup to 2 and resume_changes to warmup, and resume",
        ),
    ],
)
def test_a_run_that_ended_early_writes_what_it_had(
    settings: dict[str, Any], changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    """Resumed as it was, it would train on. As the error says, it writes its file."""

    def stop(report: Report) -> None:
        if report.step == 2:
            raise StoppedToKeep("Stopped after step 2.")

    run = small.run(tmp_path / "run", watch=stop, **settings)
    with pytest.raises(StoppedToKeep):
        run.train()
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(ValueError, match=r"; what was trained is safe in .*run, so ") as caught:
        export(run, tmp_path / "out", "pan")
    assert str(caught.value).endswith(f"so make room, {told} the run, which then writes the file.")
    again = small.run(tmp_path / "run", **{**settings, "steps": 2, **changes})
    again.resume(found(run.folder)[-1])
    again.train()
    assert again.step == 2 and small.equal(small.weights(again), small.weights(run))
    assert export(again, tmp_path / "files", "pan").is_file()


@NEEDS_FORK
def test_killed_at_any_moment_it_leaves_whole_files_alone(tmp_path: Path) -> None:
    """What a killed export leaves beside them is gone after the next."""
    run, out = trained_run(stages.MOTION_LORA, tmp_path / "run"), tmp_path / "out"
    tensors, about = read_weights(str(export(run, tmp_path / "whole", "pan")))
    chance, interrupted = random.Random(0), 0
    for _ in range(12):
        killed(
            lambda: [export(run, out, "pan") for _ in count()],
            lambda: any(out.glob("*.safetensors")),
            chance.uniform(0.0, 0.03),
        )
        files = list(out.glob("*.safetensors"))
        for path in files:
            there, told = read_weights(str(path))
            assert told == about and there.keys() == tensors.keys()
            assert all(torch.equal(t, tensors[key]) for key, t in there.items())
        interrupted += len(list(out.iterdir())) - len(files)
        export(run, out, "pan")
        assert {path.suffix for path in out.iterdir()} == {".safetensors"}
        assert not list(out.glob(".*"))
        for path in out.iterdir():
            path.unlink()
    assert interrupted, "no kill came in the middle of a file"
