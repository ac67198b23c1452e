"""Claim 1: the motion module learned time."""

from __future__ import annotations

import numpy as np

from ...training.models.denoiser import Denoiser
from ...training.models.noise_schedule import signal_of_model
from .animations import grid, save_animation
from .charts import curves
from .controls import frozen, shuffled
from .estimates import mean
from .findings import Finding, Picture
from .measures.order_gain import nearest_steps, predictor
from .quality import CONTROL, add_frechet, add_range, decoded
from .scenes import REPORT, cases
from .sitting import FULL, Sitting
from .stage_losses import (
    CONDITIONS,
    MIDDLES,
    MOTION,
    Losses,
    adapted,
    by_time,
    clip_losses,
    gain,
    new_module,
    shipped_module,
)
from .studio import STILL, TRANSFORMER, Shot

METHOD = """\
The loss of stage 2, not weighted, on video clips of seeds that were not trained on, with the defect
and with the adapter at scale 1, as in training: of each clip with eight noises and timesteps, one
of each eighth of the schedule, without the motion module, with it, and with it on the same noisy
frames in another order. A module that had learned only what the videos look like would not mind the
order. Motion modules have a noise schedule of their own; the image model without one is told the
timestep at which its own schedule has as much noise, so that it is not worse by being misled. A new
module, whose last layers are zero, is the control: it has to change nothing at all.

Beside it what is generated with the module (no adapter): how much moves in it and how well the flow
can be followed, as a share of real clips of the same scenes (drawn, through the autoencoder); and
Frechet distances to real clips of other scenes over the distance between two sets of real clips,
for features of random 3-D networks (three seeds) and for moments of the normal flow."""

WITHOUT, WITH, MISLED, NEW = "without", "with", "without, at the module's timesteps", "new"


def measure(sitting: Sitting) -> Finding:
    finding = Finding(1, "The motion module learned time", METHOD)
    sitting.note_weights(finding, (MOTION, *CONDITIONS))
    model = adapted()
    shipped = shipped_module(model)
    bare = Denoiser(shipped.denoiser.unet, None)
    predictors = {
        WITHOUT: predictor(bare, nearest_steps(shipped.signal, signal_of_model(model))),
        WITH: predictor(shipped.denoiser),
        MISLED: predictor(bare),
        NEW: predictor(new_module(model).denoiser),
    }
    count = sitting.scaled(FULL)
    measure_losses(
        finding, sitting, clip_losses(sitting.studio, model, shipped.signal, predictors, count)
    )
    measure_clips(finding, sitting)
    return finding


def measure_losses(finding: Finding, sitting: Sitting, found: dict[str, Losses]) -> None:
    off, on, wrong = found[WITHOUT].true, found[WITH].true, found[WITH].shuffled
    by_module, by_order = gain(off, on), gain(wrong, on)
    line = "interval above 0"
    name = "gain by the module, of the loss without it"
    finding.add(name, by_module, line, by_module.low > 0, "%")
    name = "gain by the right order, of the loss in the wrong one"
    finding.add(name, by_order, line, by_order.low > 0, "%")
    new, bare = found[NEW].true, found[MISLED].true
    largest = float(np.abs(new - bare).max())
    name = f"a new module: gain by it (largest change of any loss: {largest:g})"
    finding.add(name, mean((bare - new).mean(1)), "exactly 0", largest == 0, control=True)
    lines = {
        "without the module": by_time(off),
        "with it": by_time(on),
        "with it, frames shuffled": by_time(wrong),
    }
    curves(sitting.pictures / "order.png", MIDDLES, lines, ("t / T", "loss"))
    finding.pictures.append(Picture("order.png", "The loss over the timestep"))


def measure_clips(finding: Finding, sitting: Sitting) -> None:
    """What is generated, beside real clips."""
    count = sitting.scaled(FULL // 2)
    found = cases(count, REPORT)
    made, still = (
        sitting.render(finding, [Shot(c.caption, c.seed, motion=kind) for c in found])
        for kind in (TRANSFORMER, STILL)
    )
    real = decoded(sitting, found)
    others = decoded(sitting, cases(count, REPORT + 1))
    add_range(finding, "generated", made, real)
    spoiled = {"without the module": still, "shuffled": [shuffled(clip) for clip in made]}
    for control, clips in {**spoiled, "frozen": [frozen(clip) for clip in made]}.items():
        add_range(finding, control, clips, real, CONTROL)
    add_frechet(finding, made, real, others, spoiled)
    save_animation(sitting.pictures / "module.webp", grid([real[:8], made[:8], still[:8]]))
    shows = "Real clips; generated ones of the same captions; the same without the motion module"
    finding.pictures.append(Picture("module.webp", shows))
