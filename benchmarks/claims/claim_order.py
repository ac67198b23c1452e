"""Claim 1: the motion module learned time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...training.models.denoiser import Denoiser
from ...training.models.noise_schedule import signal_of_model
from .animations import animation
from .controls import frozen, shuffled
from .estimates import mean
from .findings import Part, figure
from .lines import Line, interval_above
from .measures.order_gain import nearest_steps, predictor
from .quality import CONTROL, Shown, frechet_figures, motion_figures
from .scenes import REPORT, cases
from .sitting import FULL, Sitting
from .stage_losses import Losses, adapted, clip_losses, gain, loss_curves, module_on
from .studio import STILL

WITHOUT, WITH, MISLED, NEW = "without", "with", "without, at the module's timesteps", "new"


def parts(sitting: Sitting) -> Iterator[Part]:
    yield from loss_parts(sitting, all_losses(sitting))
    yield from clip_parts(sitting)


def all_losses(sitting: Sitting) -> dict[str, Losses]:
    model = adapted()
    shipped = module_on(model)
    bare = Denoiser(shipped.denoiser.unet, None)
    predictors = {
        WITHOUT: predictor(bare, nearest_steps(shipped.signal, signal_of_model(model))),
        WITH: predictor(shipped.denoiser),
        MISLED: predictor(bare),
        NEW: predictor(module_on(model, shipped=False).denoiser),
    }
    return clip_losses(sitting, model, shipped.signal, predictors, sitting.scaled(FULL))


def loss_parts(sitting: Sitting, found: dict[str, Losses]) -> Iterator[Part]:
    off, (on, wrong) = found[WITHOUT].true, found[WITH]
    name = "gain by the module, of the loss without it"
    yield figure(name, gain(off, on), interval_above(0), "%")
    name = "gain by the right order, of the loss in the wrong one"
    yield figure(name, gain(wrong, on), interval_above(0), "%")
    change = found[MISLED].true - found[NEW].true
    largest = float(np.abs(change).max())
    unchanged = Line("exactly 0", (), lambda _: largest == 0)
    name = f"a new module: gain by it (largest change of any loss: {largest:g})"
    yield figure(name, mean(change.mean(1)), unchanged, control=True)
    told = {"without the module": off, "with it": on, "with it, frames shuffled": wrong}
    yield loss_curves(sitting.pictures / "order.png", told)


def clip_parts(sitting: Sitting) -> Iterator[Part]:
    """What is generated, beside real clips."""
    found = cases(sitting.scaled(FULL // 2), REPORT)
    real = Shown(sitting.decoded(found), found)
    made = Shown(sitting.render(found), found)
    still = Shown(sitting.render(found, motion=STILL), found)
    others = sitting.decoded(cases(len(found), REPORT + 1))
    yield from motion_figures("generated", made, real)
    spoiled = {"without the module": still, "shuffled": made.spoiled(shuffled)}
    for control, shown in {**spoiled, "frozen": made.spoiled(frozen)}.items():
        yield from motion_figures(control, shown, real, CONTROL)
    controls = {name: shown.clips for name, shown in spoiled.items()}
    yield from frechet_figures(made.clips, real.clips, others, controls)
    rows = [shown.clips[:8] for shown in (real, made, still)]
    shows = "Real clips; generated ones of the same captions; the same without the motion module"
    yield animation(sitting.pictures / "module.webp", rows, shows)
