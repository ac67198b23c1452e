"""Clips of a set that its cache does not hold: which, and why, said once at each start."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from .bad_share import names_of
from .clips import UnfitClip
from .encode import NoNumbers

log = logging.getLogger(__name__)

LeftOutError: TypeAlias = NoNumbers | UnfitClip


class LeftOut(NamedTuple):
    """A clip that the next encoding tries again."""

    name: str
    why: LeftOutError


def name_broken(names: Sequence[str], of: int) -> None:
    """Those whose files could not be decoded, before."""
    if names:
        log.warning(
            "%d of %d clips could not be decoded when they were encoded, and are left out: %s. A "
            "file that is replaced is read again; another cache_folder tries all of them.",
            len(names),
            of,
            names_of(names),
        )


def name_left_out(clips: Sequence[LeftOut], of: int) -> None:
    unfit = [clip for clip in clips if isinstance(clip.why, UnfitClip)]
    if unfit:
        log.warning(
            "%d of %d clips do not fit their settings and are left out: %s. The first: %s",
            len(unfit),
            of,
            names_of([clip.name for clip in unfit]),
            unfit[0].why,
        )
    without = [clip.name for clip in clips if isinstance(clip.why, NoNumbers)]
    if without:
        log.warning(
            "The VAE gives NaN or infinite numbers for %d of %d clips, which are left out: %s. "
            "Started with --fp32-vae, ComfyUI can encode them; it counts as another VAE, for which "
            "all clips are encoded anew and runs begin anew.",
            len(without),
            of,
            names_of(without),
        )
