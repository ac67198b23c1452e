"""What a run must have in common with the checkpoint that it goes on from, and what may differ."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from .checkpoints import Checkpoint

log = logging.getLogger(__name__)

FINGERPRINTS = {
    # entry of the identity that says nothing to people -> what it stands for
    "clips": "other clips, or clips encoded with another VAE or text encoder",
    "models": "another image model or motion model, or other LoRAs on them, the look of the clips "
    "among them",
    "start": "another MotionLoRA to start from, or none",
}

CAPTIONS, CHOICE = "captions", "held_out_by"
TOLD = (CAPTIONS, CHOICE)
"""Entries that may differ: people correct captions on the way, and a version that chose held-out
clips one by one wrote no choice."""


def check_identity(
    checkpoint: Checkpoint, identity: Mapping[str, Any], path: Path, allowed: Collection[str] = ()
) -> list[str]:
    """Raise ValueError naming what differs between the run that saved and the one that resumes.
    Other captions may: people correct them on the way. So may the settings that the run is allowed
    to change.   -> what does, in sentences that are warned of too"""
    changes: list[str] = []
    for key in {**checkpoint.identity, **identity}:  # an entry at its default may be left out
        then, now = checkpoint.identity.get(key), identity.get(key)
        if then == now or (key == "steps" and "schedule" in allowed and None in (then, now)):
            continue  # the number of steps is named under a schedule that falls alone
        if key == CHOICE and checkpoint.identity.get("held_out") != identity.get("held_out"):
            continue  # the share is another, which is told
        if key not in TOLD and (key in FINGERPRINTS or key not in allowed):
            raise refused(key, then, now, path)
        change = change_in_words(key, then, now, path)
        log.warning(change)
        changes.append(change)
    return changes


def change_in_words(key: str, then: Any, now: Any, path: Path) -> str:
    if key == CHOICE:
        return (
            f"{path.name} is of a version that held out single clips of a file; now all clips of a "
            "file are held out together. So the run has trained on some of them, and their loss "
            "says less than that of a new run."
        )
    if key == CAPTIONS:
        return (
            f"The captions have changed since {path.name} was written; the run goes on with them "
            "as they are now."
        )
    return f"{path.name} had {key} {named_value(then)}; the run goes on with {named_value(now)}."


def refused(key: str, then: Any, now: Any, path: Path) -> ValueError:
    if key in FINGERPRINTS:
        return ValueError(
            f"{path.name} cannot be resumed: its run had {FINGERPRINTS[key]}. Take those, or "
            "start a new run with an empty resume."
        )
    was, wanted = named_value(then), named_value(now)
    return ValueError(
        f"{path.name} cannot be resumed: its run had {key} {was}, this one has {wanted}. "
        "Set it as it was, or start a new run."
    )


def named_value(value: Any) -> str:
    """Of a setting; None is one that its run left at its default."""
    return "the default" if value is None else repr(value)
