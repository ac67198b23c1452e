"""AdamW, its learning rate over the steps, and the running average."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
import torch
from adk_tests.training.small import settings
from animatediff_kit.training.engine.optimizer import WeightAverage, make_optimizer, rate_at
from torch import nn


def weights(seed: int = 0) -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: nn.Parameter(torch.randn(shape, generator=generator))
        for name, shape in {"a": (3, 4), "b": (5,)}.items()
    }


def test_a_step_is_adamw_by_the_book():
    """Loshchilov & Hutter 2019, algorithm 2, with torch's betas and epsilon."""
    parameters, s = weights(), settings(learning_rate=1e-2, weight_decay=0.1)
    optimizer = make_optimizer(parameters, s)
    expected = {name: p.detach().double().clone() for name, p in parameters.items()}
    moments = {name: (torch.zeros_like(w), torch.zeros_like(w)) for name, w in expected.items()}
    for step in (1, 2, 3):
        for name, p in parameters.items():
            p.grad = p.detach() * step
            gradient, (first, second) = p.grad.double(), moments[name]
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            moments[name] = first, second
            size = first / (1 - 0.9**step) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
            expected[name] = expected[name] * (1 - 1e-2 * 0.1) - 1e-2 * size
        optimizer.step()
        for name, p in parameters.items():
            torch.testing.assert_close(p.detach().double(), expected[name], rtol=1e-5, atol=1e-6)


def test_eight_bits_without_bitsandbytes_say_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)  # as if it were not installed
    with pytest.raises(ValueError) as caught:
        make_optimizer(weights(), settings(optimizer="adamw_8bit"))
    assert str(caught.value) == (
        "The optimizer adamw_8bit needs bitsandbytes, which is not installed. Install it into "
        "ComfyUI's Python with `pip install bitsandbytes`, or choose adamw."
    )


def rates(**changes: Any) -> list[float]:
    s = settings(**changes)
    return [rate_at(step, s) for step in range(s.steps)]


def test_a_constant_rate_is_whole_from_the_start():
    assert rates(steps=5) == [1.0] * 5


def test_the_warm_up_rises_evenly_and_reaches_the_whole_rate():
    assert rates(steps=6, warmup=4) == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_a_cosine_falls_from_the_whole_rate_to_nothing_after_the_last_step():
    found = rates(steps=8, schedule="cosine")
    assert found == pytest.approx([0.5 * (1 + math.cos(math.pi * n / 8)) for n in range(8)])
    assert rate_at(8, settings(steps=8, schedule="cosine")) == 0.0


def test_a_cosine_starts_after_the_warm_up():
    found = rates(steps=10, warmup=2, schedule="cosine")
    assert found[:3] == [0.5, 1.0, 1.0]
    assert found[6] == pytest.approx(0.5)
    assert sorted(found[2:], reverse=True) == found[2:]


def test_a_warm_up_of_all_steps_is_no_division_by_zero():
    assert rates(steps=4, warmup=4, schedule="cosine") == [0.25, 0.5, 0.75, 1.0]


def test_the_average_forgets_the_start_first_and_then_decays_as_set():
    start, parameters = weights(), weights()
    average = WeightAverage(parameters, decay=0.5)
    expected = {name: p.detach().double().clone() for name, p in start.items()}
    for step in range(12):
        with torch.no_grad():
            for p in parameters.values():
                p.mul_(1.1)
        average.update(parameters, step)
        decay = min(0.5, (1 + step) / (10 + step))
        for name, p in parameters.items():
            expected[name] = decay * expected[name] + (1 - decay) * p.detach().double()
            torch.testing.assert_close(
                average.values[name].double(), expected[name], rtol=1e-5, atol=1e-6
            )


def test_the_average_is_a_copy_and_can_be_loaded():
    parameters = weights()
    average = WeightAverage(parameters, 0.9)
    with torch.no_grad():
        parameters["a"].zero_()
    assert average.values["a"].any()
    average.load({name: p.detach() + 2 for name, p in weights(1).items()})
    assert torch.equal(average.values["b"], weights(1)["b"].detach() + 2)
