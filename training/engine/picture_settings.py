"""Rows of the table of settings (config.py) that are of pictures beside videos. At their defaults
a run is what it was before they were there."""

from __future__ import annotations

from dataclasses import dataclass

from .bounds import Bounds
from .setting import setting


@dataclass(frozen=True)
class PictureSettings:
    """keep_images: whether what learns motion is shown clips of one frame too, in batches of their
    own (joint training on images: Ho et al. 2022, Video Diffusion Models, arXiv:2204.03458).
    picture_dropout: share of clips that PIA is shown without their picture (`cond_prob` of train.py
        in open-mmlab/PIA).
    picture_frame: which frame of a clip the picture is; open-mmlab/PIA draws any.
    """

    keep_images: bool = setting(
        False,
        "Whether motion is trained on single images too, beside the clips: it learns to leave "
        "their quality alone. Off: on clips only.",
        added=True,
    )
    picture_dropout: float = setting(
        0.2,
        "PIA: share of clips that are shown without their picture, so that motion is learned "
        "without one too.",
        bounds=Bounds(0, 1),
        offered=(0.0, 1.0),
        step=0.01,
        added=True,
    )
    picture_frame: str = setting(
        "any",
        "PIA: which frame of a clip the picture is: any one, as the authors train, which "
        "image_frame of Apply PIA needs, or the first.",
        choices=("any", "first"),
        added=True,
    )
