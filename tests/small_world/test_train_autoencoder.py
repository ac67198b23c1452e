"""The autoencoder: where it begins, how it goes on, and what Stable Diffusion expects of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from animatediff_kit.small_world.autoencoder import (
    CHANNELS,
    PATCH,
    PatchAutoencoder,
    start_from_components,
)
from animatediff_kit.small_world.initial import initialised
from animatediff_kit.small_world.pictures import everything
from animatediff_kit.small_world.runs import Watch
from animatediff_kit.small_world.train_autoencoder import (
    SCALE,
    AutoencoderRecipe,
    align,
    encode,
    finished,
    preview_factors,
    to_model,
    train,
)
from animatediff_kit.training.engine.checkpoints import found, load
from animatediff_kit.training.engine.loop import Report
from torch import nn

RECIPE = AutoencoderRecipe(steps=6, batch=8, pictures=40, save_every=3)


@pytest.fixture(scope="module")
def pool() -> torch.Tensor:
    return torch.from_numpy(everything(60, seed=4))


def begun(pool: torch.Tensor) -> PatchAutoencoder:
    model = initialised(PatchAutoencoder(), 0, (".last",))
    start_from_components(model, to_model(pool))
    return model


def test_it_begins_as_the_best_linear_code(pool: torch.Tensor) -> None:
    """The error is the sum of the eigenvalues left out, and the latents' variance is 1."""
    pixels = to_model(pool)
    model = begun(pool)
    with torch.no_grad():
        latents = model.encode(pixels)
        error = (model.decode(latents) - pixels).square().mean()
    patches = nn.functional.pixel_unshuffle(pixels, PATCH).movedim(1, -1).flatten(0, 2).double()
    values = torch.linalg.eigvalsh(torch.cov(patches.T, correction=0))
    assert float(error) == pytest.approx(float(values[:-CHANNELS].sum() / len(values)), rel=1e-3)
    codes = latents.movedim(1, 0).flatten(1)
    torch.testing.assert_close(torch.cov(codes), torch.eye(CHANNELS), atol=2e-3, rtol=0)


def lively(pool: torch.Tensor) -> PatchAutoencoder:
    """One whose network beside the linear map says something."""
    model = begun(pool)
    with torch.no_grad():
        for half in (model.encoder, model.decoder):
            half.last.weight.copy_(
                0.1
                * torch.randn(half.last.weight.shape, generator=torch.Generator().manual_seed(2))
            )
    return model


def test_aligned_latents_are_as_stable_diffusion_s(pool: torch.Tensor) -> None:
    """Mean 0 and variance 1 after the scale; pictures stay the same but at their edges."""
    model = lively(pool)
    wide = to_model(pool)[:2].repeat(1, 1, 4, 4)  # so wide that there are places far from an edge
    with torch.no_grad():
        before = model.decode(model.encode(wide))
        align(model, pool)
        after = model.decode(model.encode(wide))
    latents = encode(model, pool)
    torch.testing.assert_close(latents.mean((0, 2, 3)), torch.zeros(CHANNELS), atol=1e-4, rtol=0)
    torch.testing.assert_close(latents.std((0, 2, 3)), torch.ones(CHANNELS), atol=1e-4, rtol=0)
    far = slice(12 * PATCH, -12 * PATCH)
    torch.testing.assert_close(after[..., far, far], before[..., far, far], atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        scaled = model.encode(to_model(pool)) * SCALE
    torch.testing.assert_close(scaled, latents)


def test_previews_are_the_colours_of_the_patches(pool: torch.Tensor) -> None:
    model = lively(pool)
    align(model, pool)
    *factors, bias = preview_factors(model, pool)
    shown = torch.einsum("nchw,cr->nrhw", encode(model, pool), torch.stack(factors))
    shown = shown + bias[:, None, None]
    colours = nn.functional.avg_pool2d(to_model(pool), PATCH)
    assert float((shown - colours).square().mean()) < 0.1 * float(colours.var())


class Stopped(Exception):
    pass


def test_a_stopped_run_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tmp_path / "whole", RECIPE).state_dict()

    def stop(watch: Watch, report: Report) -> None:
        if report.step == 4:
            raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(Watch, "__call__", stop)
        with pytest.raises(Stopped):
            train(tmp_path / "parts", RECIPE)
    stopped = load(found(tmp_path / "parts")[-1])
    assert stopped.step == 4
    parts = train(tmp_path / "parts", RECIPE).state_dict()
    assert [load(found(tmp_path / place)[-1]).step for place in ("whole", "parts")] == [6, 6]
    for key, tensor in whole.items():
        assert torch.equal(tensor, parts[key]), key
    kept = stopped.part("weights")
    assert kept.keys() == whole.keys()
    assert not all(torch.equal(kept[key], tensor) for key, tensor in whole.items())


def test_a_run_of_another_recipe_is_not_gone_on_with(tmp_path: Path) -> None:
    train(tmp_path, RECIPE)
    with pytest.raises(ValueError, match="its run had recipe"):
        train(tmp_path, replace(RECIPE, pictures=50))
    train(tmp_path, replace(RECIPE, steps=7))
    assert load(found(tmp_path)[-1]).step == 7


def test_what_is_finished_gives_pictures_back(tmp_path: Path, pool: torch.Tensor) -> None:
    """Better than the linear code that it began as."""
    last = train(tmp_path, replace(RECIPE, steps=100, batch=16, pictures=200))
    model, factors = finished(last, pool)
    assert factors.shape == (CHANNELS + 1, 3)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    pixels = to_model(pool)
    linear = begun(pool)
    with torch.no_grad():
        trained, start = (m.decode(m.encode(pixels)) for m in (model, linear))
    assert float((trained - pixels).abs().mean()) < 0.9 * float((start - pixels).abs().mean())
