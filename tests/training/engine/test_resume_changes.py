"""Settings that a resumed run may change: each of them goes on, and what begins anew is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from animatediff_kit.training.engine.checkpoints import (
    GROUPS,
    Checkpoint,
    begins_anew,
    found,
    load,
    optimizer_tensors,
    restore_optimizer,
)
from animatediff_kit.training.engine.config import FIELDS
from animatediff_kit.training.engine.loop import Report
from animatediff_kit.training.run.run_log import ABOUT, RunLog, read_about
from torch import nn

CHANGES: dict[str, Any] = dict(
    batch_size=1, learning_rate=1e-4, optimizer="adafactor", precision="bf16",
    gradient_accumulation=2, warmup=1, schedule="cosine", weight_decay=0.1, clip_norm=0.5, ema=0.9,
    caption_dropout=0.5, min_timestep=500, max_timestep=900, snr_gamma=5.0, noise_offset=0.05,
    debias=1.0, seed=5, timestep_draw="even", lora_sites="up", lora_feed_forward=True,
    lora_alpha=2.0, lora_plus=4.0, input_perturbation=0.1, gradient_exchange="bf16", held_out=0.5,
    keep_images=True, picture_dropout=0.5, picture_frame="first",
)  # fmt: skip
"""Of every setting that decides what a step computes, a value that the run did not begin with."""

CLIPS = ClipsInMemory(count=6, frames=2, side=4)

AVERAGE = (
    "The average of the weights begins after step 2, with the weights as they were then: the "
    "checkpoint holds none."
)
OPTIMIZER = (
    "The optimizer adafactor begins anew after step 2: the checkpoint's state is that of adamw."
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two steps."""
    folder = tmp_path_factory.mktemp("begun")
    small.run(folder, clips=CLIPS, steps=2).train()
    return folder


def resumed(begun: Path, folder: Path, **changes: Any) -> Any:
    run = small.run(folder, clips=CLIPS, steps=4, resume_changes=", ".join(changes), **changes)
    run.resume(found(begun)[-1])
    return run


def test_every_setting_that_decides_a_step_is_tried() -> None:
    assert {*CHANGES} == {name for name, known in FIELDS.items() if not known.free}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_setting_goes_on(name: str, begun: Path, tmp_path: Path) -> None:
    run = resumed(begun, tmp_path, **{name: CHANGES[name]})
    run.train()
    assert run.step == 4 and all(torch.isfinite(p).all() for p in run.weights().values())
    anew = {"ema": [AVERAGE], "optimizer": [OPTIMIZER]}.get(name, [])
    assert run.changes[1:] == anew and f" had {name} " in run.changes[0]


def test_an_average_begins_with_the_weights(begun: Path, tmp_path: Path) -> None:
    run = resumed(begun, tmp_path, ema=0.9)
    assert small.equal(run.weights(), small.weights(run))
    assert small.equal(run.weights(), small.weights(resumed(begun, tmp_path / "plain")))


def test_another_optimizer_begins_with_no_state(
    begun: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And the run's record says what was changed, after a second resume too."""
    run = resumed(begun, tmp_path, optimizer="adafactor")
    assert not run.optimizer.state and OPTIMIZER in caplog.messages
    run.watch = RunLog(run, "pan")
    run.train()
    told = read_about(tmp_path / ABOUT)["changes"]
    assert told == run.changes and told[-1] == OPTIMIZER
    changes: dict[str, Any] = dict(optimizer="adafactor", ema=0.9, resume_changes="ema")
    again = small.run(tmp_path, clips=CLIPS, steps=5, **changes)
    again.resume(found(tmp_path)[-1])
    assert again.optimizer.state, "that of one optimizer is taken over"
    RunLog(again, "pan")(Report(5, 0.1, 1.0, 1e-3, 0))
    assert read_about(tmp_path / ABOUT)["changes"] == [*told, *again.changes]


def test_numbers_of_other_groups_of_weights_are_not_taken_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Schedule-free optimizers count their steps in each group, and lora_plus makes two of one."""
    weights = {name: nn.Parameter(torch.ones(2)) for name in ("a.down.weight", "a.up.weight")}
    whole = torch.optim.AdamW([{"params": list(weights.values()), "k": 3}])
    parts = torch.optim.AdamW([{"params": [p], "k": 0} for p in weights.values()])
    tensors, plain = optimizer_tensors(whole, weights)
    checkpoint = Checkpoint(3, {"optimizer": "adamw_schedule_free"}, tensors, {}, plain)
    assert begins_anew(whole, checkpoint, "adamw_schedule_free") == []
    told = begins_anew(parts, checkpoint, "adamw_schedule_free")
    assert (
        told
        == caplog.messages
        == [
            "The optimizer adamw_schedule_free begins anew after step 3: the checkpoint's state is "
            "that of weights in groups of another lora_plus."
        ]
    )


@pytest.mark.parametrize(("kept", "eps"), [(True, 1.0), (False, 1e-3)])
def test_adafactor_goes_on_with_the_steps_that_it_began_with(
    kept: bool, eps: float, tmp_path: Path
) -> None:
    """Checkpoints of an earlier version say nothing of them, and had torch's short ones."""
    small.run(tmp_path, clips=CLIPS, steps=2, optimizer="adafactor").train()
    checkpoint = load(found(tmp_path)[-1])
    if not kept:
        checkpoint.plain.pop(GROUPS)
    run = small.run(tmp_path, clips=CLIPS, steps=4, optimizer="adafactor")
    restore_optimizer(run.optimizer, run.parameters, checkpoint)
    assert [group["eps"] for group in run.optimizer.param_groups] == [(None, eps)]
    run.train()
    assert run.step == 4
