"""Claim 5: attention over time against convolution over time, the paper's ablation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...small_world.files import weights_of
from ...small_world.temporal_convolution import convolution_module
from .estimates import bootstrap
from .findings import Part, figure, interval_above
from .losses import clip_losses, gain, here, loss_curves, module_on, predictor, trained_on
from .pictures import animation
from .quality import CLAIM, TOLD, Shown, motion_figures, track_figures
from .scenes import REPORT, STRAIGHT, cases
from .studio import CONVOLUTION, FULL, MOTION, TRANSFORMER, Studio, check_alike


def parts(studio: Studio) -> Iterator[Part]:
    yield from loss_parts(studio)
    yield from clip_parts(studio)


def loss_parts(studio: Studio) -> Iterator[Part]:
    path = studio.motion_file(CONVOLUTION)
    check_alike(path, MOTION, ("models", "settings", "data", "steps"))
    studio.note([path])
    model = trained_on()
    transformer, convolution = module_on(model), convolution_module(model, 0, here())
    motion = convolution.denoiser.motion
    assert motion is not None
    motion.load_state_dict({key: tensor.float() for key, tensor in weights_of(path).items()})
    both = {TRANSFORMER: transformer, CONVOLUTION: convolution}
    predictors = {kind: predictor(trainee.denoiser) for kind, trainee in both.items()}
    found = clip_losses(studio, model, transformer.signal, predictors)
    for kind, part in found.items():
        by_order = gain(part.shuffled, part.true)
        yield figure(f"{kind}: gain by the right order", by_order, unit="%")
    lower = gain(found[CONVOLUTION].true, found[TRANSFORMER].true)
    name = "transformer's loss below the convolution's, of that"
    yield figure(name, lower, interval_above(0), "%")
    true = {kind: part.true for kind, part in found.items()}
    yield loss_curves(studio.pictures / "convolution.png", true)


def clip_parts(studio: Studio) -> Iterator[Part]:
    found = cases(studio.scaled(FULL // 4), REPORT, STRAIGHT)
    real, made = Shown(studio.decoded(found), found), []
    for kind, role in ((TRANSFORMER, CLAIM), (CONVOLUTION, TOLD)):
        made.append(Shown(studio.shoot(found, motion=kind), found))
        yield from motion_figures(kind, made[-1], real, role)
        yield from track_figures(kind, made[-1], real, role)
    right = [np.array(shown.as_asked, dtype=float) for shown in made]
    more = bootstrap(lambda a, b: np.mean(a) - np.mean(b), *right)
    name = "directions as asked, transformer's more than convolution's"
    yield figure(name, more, interval_above(0), "%")
    rows = [shown.clips[:8] for shown in (real, *made)]
    shows = "Real clips; transformer; convolution, of the same captions"
    yield animation(studio.pictures / "convolution.webp", rows, shows)
