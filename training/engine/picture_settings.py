"""Rows of the table of settings (config.py) that are of pictures beside videos. At their defaults
a run is what it was before they were there."""

from __future__ import annotations

from dataclasses import dataclass

from .setting import setting


@dataclass(frozen=True)
class PictureSettings:
    """keep_images: whether what learns motion is shown clips of one frame too, in batches of their
    own (joint training on images: Ho et al. 2022, Video Diffusion Models, arXiv:2204.03458)."""

    keep_images: bool = setting(
        False,
        "Whether motion is trained on single images too, beside the clips: it learns to leave "
        "their quality alone. Off: on clips only.",
        added=True,
    )
