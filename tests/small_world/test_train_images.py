"""The training of the image models: its steps, its loss, and going on where it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from animatediff_kit.small_world.train_images import (
    EMPTY,
    LOW,
    ImageLoss,
    ImageRecipe,
    Pictures,
    TextToImage,
    Words,
    averaged,
    signals,
)
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.loop import Report, Run
from torch import nn

CAPTIONS = ("a red circle on a gray background", "a blue star growing on a white background")


def pictures(count: int = 12) -> Pictures:
    latents = torch.randn((count, 4, 8, 8), generator=torch.Generator().manual_seed(5))
    return Pictures(latents, [CAPTIONS[i % 2] for i in range(count)])


def training(folder: Path, watch: Any = None, **changes: float) -> Run[ImageLoss]:
    words = Words()
    model = TextToImage(words, seed=0)
    recipe = ImageRecipe(**{"steps": 4, "batch": 3, "warmup": 2, "save_every": 2, **changes})  # pyright: ignore
    loss = ImageLoss(model, words, pictures(), recipe)
    return Run(loss, folder) if watch is None else Run(loss, folder, watch)


def test_the_rate_rises_stays_and_falls() -> None:
    recipe = ImageRecipe(steps=1000, rate=2.0, warmup=10, fall=0.2)
    assert [recipe.rate_at(step) for step in (0, 4, 9)] == pytest.approx([0.2, 1.0, 2.0])
    assert {recipe.rate_at(step) for step in (10, 400, 799)} == {2.0}
    assert [recipe.rate_at(step) for step in (800, 900, 999)] == pytest.approx([2.0, 1.0, 0.01])


def test_a_longer_run_begins_alike() -> None:
    short, long = ImageRecipe(steps=1000), ImageRecipe(steps=5000)
    assert [short.rate_at(s) for s in range(800)] == [long.rate_at(s) for s in range(800)]


def test_the_signal_is_that_of_stable_diffusion() -> None:
    """sqrt-linear betas, 0.00085 to 0.012 (Rombach et al. 2022)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    assert torch.allclose(signals().double(), (1 - betas).cumprod(0), atol=1e-6)


def test_a_step_computes_on_its_device_alone(tmp_path: Path) -> None:
    """torch's `meta` stands for a GPU: whoever mixes its tensors with the CPU's raises."""
    words, device = Words(), torch.device("meta")
    model, recipe = TextToImage(words, seed=0), ImageRecipe(steps=1, batch=3)
    run = Run(ImageLoss(model, words, pictures(), recipe, device), tmp_path)
    with run.loss.step_loss(0) as loss:
        loss.backward()
    assert loss.device == device and run.average is not None
    run.average.update(run.parameters, 0)
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    places = [*run.average.values.values(), *gradients]
    assert {tensor.device for tensor in places} == {device}


class Silent(nn.Module):
    """Predicts nothing, and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.asked: list[tuple[torch.Tensor, ...]] = []

    def forward(self, noisy: torch.Tensor, t: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        self.asked.append((noisy, t, rows))
        return self.weight * noisy


@pytest.mark.parametrize("gamma", [0.5, 1.0, 5.0])
def test_the_loss_weighs_noisy_steps(gamma: float) -> None:
    """Of a model that predicts 0, it is the noise's square times min(SNR, gamma) / SNR."""
    model, count = Silent(), 400
    recipe = ImageRecipe(steps=1, batch=count, snr_gamma=gamma)
    whole = ImageLoss(model, Words(), pictures(), recipe)  # pyright: ignore
    loss = whole.of(torch.Generator().manual_seed(1)).item()
    ((_, t, _),) = model.asked
    signal = signals()[t]
    snr = signal / (1 - signal)
    assert loss == pytest.approx(float((snr.clamp(max=gamma) / snr).mean()), rel=0.02)
    assert 0 <= int(t.min()) < 50 and 950 < int(t.max()) < 1000


def test_pictures_keep_their_captions_and_some_lose_them() -> None:
    model, words = Silent(), Words()
    recipe = ImageRecipe(steps=1, batch=300, dropout=0.25)
    loss = ImageLoss(model, words, pictures(), recipe)  # pyright: ignore
    loss.of(torch.Generator().manual_seed(2))
    ((noisy, t, rows),) = model.asked
    empty = (rows == torch.tensor(words.rows(EMPTY))).all(1)
    assert 0.15 < float(empty.float().mean()) < 0.35
    nearly_clean = (t < 60) & ~empty
    assert nearly_clean.sum() > 3
    for latent, said in zip(noisy[nearly_clean], rows[nearly_clean], strict=True):
        nearest = int((loss.pictures.latents - latent).square().mean((1, 2, 3)).argmin())
        assert said.tolist() == words.rows(loss.pictures.captions[nearest])


class Stopped(Exception):
    pass


def stop_after_two(report: Report) -> None:
    if report.step == 2:
        raise Stopped


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole = training(tmp_path / "whole")
    whole.train()
    with pytest.raises(Stopped):
        training(tmp_path / "stopped", stop_after_two).train()
    resumed = training(tmp_path / "stopped")
    resumed.resume(found(tmp_path / "stopped")[-1])
    assert resumed.step == 2
    resumed.train()
    assert resumed.step == 4
    ours, theirs = averaged(resumed), averaged(whole)
    for key, value in whole.loss.model.state_dict().items():
        assert torch.equal(resumed.loss.model.state_dict()[key], value), key
        assert torch.equal(ours[key], theirs[key]), key
    fresh = training(tmp_path / "fresh").loss.model.state_dict()
    moved = sum(not torch.equal(fresh[key], value) for key, value in theirs.items())
    assert moved > 0.9 * len(fresh)


def test_a_longer_run_goes_on_and_another_recipe_does_not(tmp_path: Path) -> None:
    training(tmp_path).train()
    longer, other = training(tmp_path, steps=5), training(tmp_path, dropout=0.3)
    longer.resume(found(tmp_path)[-1])
    assert longer.step == 4
    with pytest.raises(ValueError, match="its run had recipe .*'dropout': 0.1"):
        other.resume(found(tmp_path)[-1])


def test_a_personalised_model_keeps_text_and_lowest_level(tmp_path: Path) -> None:
    words = Words()
    model = TextToImage(words, seed=0)
    model.freeze_but_style()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    recipe = ImageRecipe(steps=2, batch=3, warmup=1)
    Run(ImageLoss(model, words, pictures(), recipe), tmp_path).train()
    changed = {
        key for key, value in model.state_dict().items() if not torch.equal(before[key], value)
    }
    kept = {key for key in before if key.startswith("text.") or part_of_lowest(key)}
    assert kept and not changed & kept
    assert len(changed) > 0.8 * len(before.keys() - kept)


def part_of_lowest(key: str) -> bool:
    return key.removeprefix("unet.").startswith(LOW)


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    run = training(tmp_path, steps=40, batch=6, warmup=5, save_every=100)

    def loss() -> float:
        with torch.no_grad():
            return sum(
                float(run.loss.of(torch.Generator().manual_seed(s))) for s in range(1000, 1010)
            )

    before = loss()
    run.train()
    assert loss() < 0.8 * before
