"""Out of memory at every kind of place of a training step, forward and backward, and in the
optimizer: a checkpoint of a whole step stays, and the resumed run is the one without the fault."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.faults.places import Fault, hooked, places, run_out, tree
from adk_tests.support import by_hand
from adk_tests.training import small
from animatediff_kit.training.engine.checkpoints import found, load
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.models import stages

STEPS = 3
STAGES = (stages.DOMAIN_ADAPTER, stages.MOTION_MODULE, stages.MOTION_LORA)
Make = Callable[[Path], Run[Any]]


def making(stage: str, **changes: Any) -> Make:
    """Runs of one stage with checkpointed layers, which are called in the backward pass, too."""
    return lambda folder: small.run(
        folder, stage, **{"steps": STEPS, "gradient_checkpointing": True, **changes}
    )


def trained(run: Run[Any]) -> dict[str, torch.Tensor]:
    run.train()
    return small.weights(run)


@pytest.mark.parametrize("stage", STAGES)
def test_out_of_memory_at_every_kind_of_place(stage: str, tmp_path: Path) -> None:
    make = making(stage)
    counted = Fault(0, run_out)
    with hooked(counted):
        expected = trained(make(tmp_path / "whole"))
    in_a_step = counted.calls // STEPS
    where = places(lambda: making(stage, steps=1)(tmp_path / "one").train(), last=True)
    assert len(where) > 20
    run = make(tmp_path / "faulty")
    layers = tree(run.loss.network)
    for place, number in where.items():
        step = run.step
        fault = Fault(number, run_out)
        with hooked(fault), pytest.raises(torch.OutOfMemoryError):
            run.train()
        assert run.step == step, place  # the fault is in the step that is next
        assert tree(run.loss.network) == layers, place
    assert number <= in_a_step
    assert small.equal(trained(run), expected)
    assert by_hand.fingerprint(run.loss.inputs.base) == by_hand.fingerprint(
        small.image_model().model
    )


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_ran_out_is_resumed(stage: str, tmp_path: Path) -> None:
    make = making(stage)
    counted = Fault(0, run_out)
    with hooked(counted):
        expected = trained(make(tmp_path / "whole"))
    run = make(tmp_path / "faulty")
    with hooked(Fault(counted.calls - 5, run_out)), pytest.raises(torch.OutOfMemoryError):
        run.train()
    assert [load(path).step for path in found(run.folder)] == [STEPS - 1]
    again = make(run.folder)
    again.resume(found(run.folder)[-1])
    assert small.equal(trained(again), expected)


def test_a_fault_in_the_optimizer_leaves_no_half_changed_weights(tmp_path: Path) -> None:
    """The last whole step's weights are gone; the checkpoint before them stays, and no other."""
    make = making(stages.MOTION_LORA, save_every=2, steps=4)
    expected = trained(make(tmp_path / "whole"))
    run = make(tmp_path / "faulty")
    count = 0

    def after(optimizer: Any, *_: Any) -> None:
        nonlocal count
        count += 1
        if count == 4:
            run_out()

    run.optimizer.register_step_post_hook(after)
    with pytest.raises(torch.OutOfMemoryError):
        run.train()
    assert [load(path).step for path in found(run.folder)] == [2]
    shutil.copytree(run.folder, tmp_path / "again")
    again = make(tmp_path / "again")
    again.resume(found(again.folder)[-1])
    assert small.equal(trained(again), expected)
