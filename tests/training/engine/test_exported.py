"""The exported weights stand in the network for a while, and not a bit is left of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from adk_tests.training import small
from animatediff_kit.training.engine.exported import exported_weights
from animatediff_kit.training.models import stages


def test_the_average_stands_in_and_goes_also_after_an_error(tmp_path: Path) -> None:
    run = small.run(tmp_path, ema=0.9)
    run.train()
    own = small.weights(run)
    average = {name: value.clone() for name, value in run.weights().items()}
    assert not small.equal(own, average)
    with pytest.raises(KeyError), exported_weights(run):
        assert small.equal(small.weights(run), average)
        raise KeyError
    assert small.equal(small.weights(run), own) and small.equal(dict(run.weights()), average)


def test_a_lora_at_a_strength_changes_its_up_half(tmp_path: Path) -> None:
    run = small.run(tmp_path)
    run.train()
    own = small.weights(run)
    with exported_weights(run, 1.5):
        for name, weight in small.weights(run).items():
            assert torch.equal(weight, own[name] * (1.5 if ".up." in name else 1))
    assert small.equal(small.weights(run), own)


def test_the_stage_decides_the_average_that_is_left_to_it(tmp_path: Path) -> None:
    module = small.run(tmp_path, stages.MOTION_MODULE, ema=-1.0)
    assert module.average is not None and module.identity()["ema"] == 0.999
    lora = small.run(tmp_path, ema=-1.0)
    assert lora.average is None and lora.identity()["ema"] == 0.0
    assert small.run(tmp_path, stages.MOTION_MODULE).average is None  # what old files mean
