"""Claim 5: attention over time against convolution over time, the paper's ablation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...small_world.files import weights_of
from ...small_world.temporal_convolution import convolution_module
from .alike import check_alike
from .animations import animation
from .estimates import bootstrap
from .findings import Part, figure
from .lines import interval_above
from .measures.order_gain import predictor
from .quality import CLAIM, TOLD, Shown, motion_figures, track_figures
from .scenes import REPORT, STRAIGHT, cases
from .sitting import FULL, Sitting
from .stage_losses import Losses, adapted, clip_losses, gain, here, loss_curves, module_on
from .studio import CONVOLUTION, MOTION, TRANSFORMER


def parts(sitting: Sitting) -> Iterator[Part]:
    yield from loss_parts(sitting, both_losses(sitting))
    yield from clip_parts(sitting)


def both_losses(sitting: Sitting) -> dict[str, Losses]:
    path = sitting.studio.motion_file(CONVOLUTION)
    check_alike(path, MOTION, ("models", "settings", "data", "steps"))
    sitting.note([path])
    model = adapted()
    transformer, convolution = module_on(model), convolution_module(model, 0, here())
    motion = convolution.denoiser.motion
    assert motion is not None
    motion.load_state_dict({key: tensor.float() for key, tensor in weights_of(path).items()})
    predictors = {
        TRANSFORMER: predictor(transformer.denoiser),
        CONVOLUTION: predictor(convolution.denoiser),
    }
    return clip_losses(sitting, model, transformer.signal, predictors, sitting.scaled(FULL))


def loss_parts(sitting: Sitting, found: dict[str, Losses]) -> Iterator[Part]:
    for kind, part in found.items():
        by_order = gain(part.shuffled, part.true)
        yield figure(f"{kind}: gain by the right order", by_order, unit="%")
    lower = gain(found[CONVOLUTION].true, found[TRANSFORMER].true)
    name = "transformer's loss below the convolution's, of that"
    yield figure(name, lower, interval_above(0), "%")
    true = {kind: part.true for kind, part in found.items()}
    yield loss_curves(sitting.pictures / "convolution.png", true)


def clip_parts(sitting: Sitting) -> Iterator[Part]:
    found = cases(sitting.scaled(FULL // 4), REPORT, STRAIGHT)
    real = Shown(sitting.decoded(found), found)
    made = {
        kind: Shown(sitting.render(found, motion=kind), found)
        for kind in (TRANSFORMER, CONVOLUTION)
    }
    for (kind, shown), role in zip(made.items(), (CLAIM, TOLD), strict=True):
        yield from motion_figures(kind, shown, real, role)
        yield from track_figures(kind, shown, real, role)
    right = [np.array(shown.as_asked, dtype=float) for shown in made.values()]
    more = bootstrap(lambda a, b: np.mean(a) - np.mean(b), *right)
    name = "directions as asked, transformer's more than convolution's"
    yield figure(name, more, interval_above(0), "%")
    rows = [shown.clips[:8] for shown in (real, *made.values())]
    shows = "Real clips; transformer; convolution, of the same captions"
    yield animation(sitting.pictures / "convolution.webp", rows, shows)
