"""A run that is resumed from a node goes on with its own seed, whatever the widget says."""

from __future__ import annotations

import logging
from dataclasses import replace

from ..engine.checkpoints import read_identity
from ..engine.config import TrainingSettings
from .in_comfyui import last_checkpoint

log = logging.getLogger(__name__)


def with_own_seed(settings: TrainingSettings, resume: str) -> TrainingSettings:
    """The settings with the seed of the run to resume; as they are where none is resumed.

    Raises ValueError for a run that is not there, or whose last checkpoint is damaged.
    """
    if not isinstance(settings, TrainingSettings):
        return settings
    checkpoint = last_checkpoint(resume)
    if checkpoint is None:
        return settings
    seed = read_identity(checkpoint).get("seed", settings.seed)
    if seed != settings.seed:
        log.info("AnimateDiff Kit: %s goes on with its own seed %d.", resume, seed)
    return replace(settings, seed=seed)
