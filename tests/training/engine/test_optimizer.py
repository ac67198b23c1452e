"""AdamW, its learning rate over the steps, and the running average."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.training import small
from adk_tests.training.small import settings
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.optimizer import (
    WeightAverage,
    make_optimizer,
    rate_at,
    set_rate,
)
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


PACKAGES = {"adafactor": "torch", "prodigy": "prodigyopt", "adamw_schedule_free": "schedulefree"}


@pytest.mark.parametrize("name", PACKAGES)
def test_others_learn_and_go_on_bit_for_bit(name: str, tmp_path: Path):
    """Those of packages are tried where they are installed."""
    pytest.importorskip(PACKAGES[name])
    plus = 1.0 if name == "prodigy" else 4.0
    changes: dict[str, Any] = dict(optimizer=name, lora_plus=plus)
    whole = small.run(tmp_path / "whole", steps=4, **changes)
    start = small.weights(whole)
    whole.train()
    assert not small.equal(start, small.weights(whole))
    small.run(tmp_path / "parts", steps=2, **changes).train()
    resumed = small.run(tmp_path / "parts", steps=4, **changes)
    resumed.resume(found(tmp_path / "parts")[-1])
    resumed.train()
    assert resumed.losses == whole.losses and small.equal(resumed.weights(), whole.weights())
    differs = not small.equal(small.weights(whole), whole.weights())
    assert differs == (name == "adamw_schedule_free")


@pytest.mark.parametrize("name", ["prodigy", "adamw_schedule_free"])
def test_what_is_not_installed_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)  # as if it were not installed
    wanted = f"The optimizer {name} needs {PACKAGES[name]}, .* `pip install {PACKAGES[name]}`"
    with pytest.raises(ValueError, match=wanted):
        make_optimizer(weights(), settings(optimizer=name))


@pytest.mark.parametrize("rms", [0.0, 0.02], ids=["up weights", "down weights"])
def test_at_one_rate_adafactor_moves_weights_as_far_as_adamw(rms: float):
    """Up weights of a LoRA begin at 0, where Adafactor's own steps are a thousandth of these."""
    moved: dict[str, float] = {}
    for name in ("adamw", "adafactor"):
        torch.manual_seed(0)
        start = torch.randn(32, 16) * rms
        weight = nn.Parameter(start.clone())
        optimizer = make_optimizer({"a": weight}, settings(optimizer=name, learning_rate=1e-4))
        slope = torch.randn(32, 16)
        for _ in range(10):
            weight.grad = slope + 0.1 * torch.randn(32, 16)
            optimizer.step()
        moved[name] = float((weight.detach() - start).norm())
    assert 0.5 < moved["adafactor"] / moved["adamw"] < 1.5


def test_an_older_torch_is_without_adafactor(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(torch.optim, "Adafactor")
    with pytest.raises(ValueError, match="The optimizer adafactor needs torch 2.5, and this is"):
        make_optimizer(weights(), settings(optimizer="adafactor"))


def test_lora_plus_gives_up_matrices_a_higher_rate():
    parameters = {"a.down.weight": weights()["a"], "a.up.weight": weights(1)["a"]}
    before = {name: p.detach().clone() for name, p in parameters.items()}
    optimizer = make_optimizer(parameters, settings(lora_plus=8.0, weight_decay=0.0))
    set_rate(optimizer, 1e-3)
    for p in parameters.values():
        p.grad = torch.ones_like(p)
    optimizer.step()
    moved = {n: float((before[n] - p.detach()).abs().mean()) for n, p in parameters.items()}
    assert moved["a.down.weight"] == pytest.approx(1e-3, rel=1e-3)
    assert moved["a.up.weight"] == pytest.approx(8e-3, rel=1e-3)
    with pytest.raises(ValueError, match="prodigy finds one rate for all weights; set lora_plus"):
        make_optimizer(parameters, settings(lora_plus=8.0, optimizer="prodigy"))


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
