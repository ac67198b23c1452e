"""Claim 5: attention over time against convolution over time, the paper's ablation."""

from __future__ import annotations

import numpy as np

from ...small_world.files import weights_of
from ...small_world.temporal_convolution import convolution_module
from .alike import check_alike
from .animations import grid, save_animation
from .charts import curves
from .estimates import bootstrap
from .findings import Finding, Picture
from .measures.order_gain import predictor
from .quality import CLAIM, TOLD, add_range, add_tracks, as_asked, decoded, tracks_of
from .scenes import REPORT, STRAIGHT, cases
from .sitting import FULL, Sitting
from .stage_losses import (
    CONDITIONS,
    MIDDLES,
    MOTION,
    adapted,
    by_time,
    clip_losses,
    gain,
    here,
    shipped_module,
)
from .studio import CONVOLUTION, TRANSFORMER, Shot

METHOD = """\
A motion module whose temporal transformers are replaced by convolutions over five frames, of as
many parameters (within 1 %) and at the same places, trained by the same stage 2 with the same
recipe, clips, noise and number of steps. Losses are those of claim 1, on the same clips; motion is
that of things asked to move along a line, as in claim 2."""


def measure(sitting: Sitting) -> Finding:
    finding = Finding(5, "Transformer against convolution", METHOD)
    path = sitting.studio.motion_file(CONVOLUTION)
    check_alike(path, MOTION, ("models", "settings", "data", "steps"))
    sitting.note_weights(finding, (path, MOTION, *CONDITIONS))
    model = adapted()
    transformer, convolution = shipped_module(model), convolution_module(model, 0, here())
    motion = convolution.denoiser.motion
    assert motion is not None
    motion.load_state_dict({key: tensor.float() for key, tensor in weights_of(path).items()})
    predictors = {
        TRANSFORMER: predictor(transformer.denoiser),
        CONVOLUTION: predictor(convolution.denoiser),
    }
    count = sitting.scaled(FULL)
    found = clip_losses(sitting.studio, model, transformer.signal, predictors, count)
    for kind, part in found.items():
        by_order = gain(part.shuffled, part.true)
        finding.add(f"{kind}: gain by the right order", by_order, unit="%")
    lower = gain(found[CONVOLUTION].true, found[TRANSFORMER].true)
    name = "transformer's loss below the convolution's, of that"
    finding.add(name, lower, "interval above 0", lower.low > 0, "%")
    lines = {kind: by_time(part.true) for kind, part in found.items()}
    curves(sitting.pictures / "convolution.png", MIDDLES, lines, ("t / T", "loss"))
    finding.pictures.append(Picture("convolution.png", "The loss over the timestep"))
    measure_clips(finding, sitting)
    return finding


def measure_clips(finding: Finding, sitting: Sitting) -> None:
    found = cases(sitting.scaled(FULL // 4), REPORT, STRAIGHT)
    real = decoded(sitting, found)
    clips = {
        kind: sitting.render(finding, [Shot(c.caption, c.seed, motion=kind) for c in found])
        for kind in (TRANSFORMER, CONVOLUTION)
    }
    ideal, right = tracks_of(real, found), []
    for kind, role in ((TRANSFORMER, CLAIM), (CONVOLUTION, TOLD)):
        add_range(finding, kind, clips[kind], real, role)
        tracks = tracks_of(clips[kind], found)
        add_tracks(finding, kind, tracks, ideal, found, role)
        right.append(np.array(as_asked(tracks, found), dtype=float))
    more = bootstrap(lambda a, b: np.mean(a) - np.mean(b), *right)
    name = "directions as asked, transformer's more than convolution's"
    finding.add(name, more, "interval above 0", more.low > 0, "%")
    rows = [real[:8], clips[TRANSFORMER][:8], clips[CONVOLUTION][:8]]
    save_animation(sitting.pictures / "convolution.webp", grid(rows))
    shows = "Real clips; transformer; convolution, of the same captions"
    finding.pictures.append(Picture("convolution.webp", shows))
