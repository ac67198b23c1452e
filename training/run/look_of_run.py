"""The look of the clips that a run was trained beside (dual_path.py), found when it is resumed.

A look's file is named by all that it was made of, captions and learning rate too. A run may go on
with others of these, and then goes on beside its own look; its checkpoint says which one that is by
its fingerprint of the models, as that is of the image model with the look on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from comfy.model_patcher import ModelPatcher
from safetensors import SafetensorError
from safetensors.torch import load_file

from ...motion_models.domain_adapter import apply_domain_adapter
from ..engine.checkpoints import read_identity
from ..models.stages import models_digest
from .dual_path import LOOKS, NAME

log = logging.getLogger(__name__)


def look_of_run(
    model: ModelPatcher, motion: ModelPatcher, folder: Path, checkpoint: Path | None
) -> ModelPatcher | None:
    """A clone of `model` with the look on that the checkpoint's run was trained beside.

    folder: of looks;   checkpoint: None where no run is resumed. None where the look is not there,
    which is warned of. Raises ValueError for a damaged checkpoint.
    """
    if checkpoint is None:
        return None
    models, run = read_identity(checkpoint).get("models"), checkpoint.parent.name
    for path, looked in looks_that_fit(model, folder):
        if models_digest(looked, motion) == models:
            log.info(
                "AnimateDiff Kit: %s goes on beside its own look of the clips, %s, whatever a new "
                "one would be made with.",
                run,
                path.name,
            )
            return looked
    log.warning(
        "AnimateDiff Kit: no look in %s is the one that %s was trained beside, with this image "
        "model and motion model; it is made anew, and the run goes on if it comes out the same.",
        folder,
        run,
    )
    return None


def looks_that_fit(model: ModelPatcher, folder: Path) -> Iterator[tuple[Path, ModelPatcher]]:
    """The newest first. One that is damaged, or made for another kind of image model, is no look
    of the run that goes on."""
    files = sorted(folder.glob(LOOKS), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files:
        try:
            yield path, apply_domain_adapter(model, load_file(path), 1.0, NAME)
        except (ValueError, OSError, SafetensorError):
            continue
