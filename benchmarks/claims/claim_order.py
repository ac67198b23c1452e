"""Claim 1: the motion module learned time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...training.models.denoiser import Denoiser
from ...training.models.noise_schedule import signal_of_model
from .estimates import mean
from .findings import Line, Part, figure, interval_above
from .losses import clip_losses, gain, loss_curves, module_on, nearest_steps, predictor, trained_on
from .pictures import animation
from .quality import CONTROL, Shown, frechet_figures, motion_figures
from .scenes import REPORT, cases, frozen, shuffled
from .studio import FULL, STILL, Studio


def parts(studio: Studio) -> Iterator[Part]:
    yield from loss_parts(studio)
    yield from clip_parts(studio)


def loss_parts(studio: Studio) -> Iterator[Part]:
    model = trained_on()
    shipped, new = module_on(model), module_on(model, shipped=False)
    bare = Denoiser(shipped.denoiser.unet, None)
    predictors = {
        "off": predictor(bare, nearest_steps(shipped.signal, signal_of_model(model))),
        "on": predictor(shipped.denoiser),
        "off, at the module's timesteps": predictor(bare),
        "new": predictor(new.denoiser),
    }
    found = clip_losses(studio, model, shipped.signal, predictors)
    (off, _), (on, wrong), (misled, _), (fresh, _) = found.values()
    name = "gain by the module, of the loss without it"
    yield figure(name, gain(off, on), interval_above(0), "%")
    name = "gain by the right order, of the loss in the wrong one"
    yield figure(name, gain(wrong, on), interval_above(0), "%")
    change = misled - fresh
    largest = float(np.abs(change).max())
    unchanged = Line("exactly 0", (), lambda _: largest == 0)
    name = f"a new module: gain by it (largest change of any loss: {largest:g})"
    yield figure(name, mean(change.mean(1)), unchanged, control=True)
    told = {"without the module": off, "with it": on, "with it, frames shuffled": wrong}
    yield loss_curves(studio.pictures / "order.png", told)


def clip_parts(studio: Studio) -> Iterator[Part]:
    """What is generated, beside real clips."""
    found = cases(studio.scaled(FULL // 2), REPORT)
    real = Shown(studio.decoded(found), found)
    made = Shown(studio.shoot(found), found)
    still = Shown(studio.shoot(found, motion=STILL), found)
    others = studio.decoded(cases(len(found), REPORT + 1))
    yield from motion_figures("generated", made, real)
    spoiled = {"without the module": still, "shuffled": made.spoiled(shuffled)}
    for control, shown in {**spoiled, "frozen": made.spoiled(frozen)}.items():
        yield from motion_figures(control, shown, real, CONTROL)
    controls = {name: shown.clips for name, shown in spoiled.items()}
    yield from frechet_figures(made.clips, real.clips, others, controls)
    rows = [shown.clips[:8] for shown in (real, made, still)]
    shows = "Real clips; generated ones of the same captions; the same without the motion module"
    yield animation(studio.pictures / "module.webp", rows, shows)
