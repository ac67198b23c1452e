"""The strength at which a MotionLoRA moves the camera as far as its clips do.

Previews are drawn at strength 1, at the one that would be right if the move grew with strength, and
at the one between them or beyond by a straight line; the best of the three is told.
"""

from __future__ import annotations

import logging
import statistics

import torch

from ..engine.clip_loss import ClipLoss
from ..engine.exported import exported_weights
from ..engine.file_about import Calibration
from ..engine.loop import Run
from ..models.stages import MOTION_LORA
from .lookout import Lookout
from .preview_measures import Reference

log = logging.getLogger(__name__)

LEAST, MOST = 0.25, 4.0
"""Strengths that are tried."""


def calibration_of(run: Run[ClipLoss], lookout: Lookout) -> Calibration | None:
    """As the setting `calibrate` asks for it. None, with a line in the log, for weights that are no
    MotionLoRA, clips that show no move of the camera, and previews that do not follow it."""
    asked, reference = run.settings.calibrate, lookout.reference
    if asked == "off" or reference is None:
        return None
    trainee = run.loss.trainee
    is_one_lora = trainee.stage == MOTION_LORA and trainee.amounts is None
    move = reference.move() if is_one_lora else ""
    if not move:
        log.warning(
            "AnimateDiff Kit: nothing was calibrated, because %s. Set calibrate to off.",
            "the clips show no move of the camera in common"
            if is_one_lora
            else "no MotionLoRA of one motion was trained",
        )
        return None
    tried = strengths_tried(run, lookout, reference, move)
    wanted = reference.amount(move)
    strength, amount = min(tried, key=lambda pair: abs(pair[1] - wanted))
    if amount <= 0:
        log.warning(
            "AnimateDiff Kit: nothing was calibrated, because the previews do not %s as the clips "
            "do. Train longer.",
            move,
        )
        return None
    log.info(
        "AnimateDiff Kit: at strength %.3g previews %s by %.3g, and the clips by %.3g.",
        strength,
        move,
        amount,
        wanted,
    )
    return Calibration(move, strength, amount, wanted, asked == "apply")


def strengths_tried(
    run: Run[ClipLoss], lookout: Lookout, reference: Reference, move: str
) -> list[tuple[float, float]]:
    """Strengths, and how far previews go by the move at each."""
    wanted = reference.amount(move)
    one = amount_at(run, lookout, 1.0, move)
    tried = [(1.0, one)]
    second = within(wanted / one) if one > 0 else 2.0
    tried.append((second, amount_at(run, lookout, second, move)))
    (a, at_a), (b, at_b) = tried
    if at_a != at_b:
        third = within(a + (wanted - at_a) * (b - a) / (at_b - at_a))
        tried.append((third, amount_at(run, lookout, third, move)))
    return tried


def amount_at(run: Run[ClipLoss], lookout: Lookout, strength: float, move: str) -> float:
    """The median over the previews."""
    with exported_weights(run, strength), torch.no_grad():
        figures = lookout.draw(run.step)
    return statistics.median(seen.amount(move) for seen in figures)


def within(strength: float) -> float:
    return min(max(strength, LEAST), MOST)
