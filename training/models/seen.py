"""What a PIA model is shown beside noisy clips while it is trained: a picture for each, and how
like it every frame is.

The layer is that of sampling (motion_models/adapters/pia/apply.py), so both compute the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...motion_models.adapters.pia.affinity import PRESETS
from ...motion_models.adapters.pia.apply import PictureInput
from ...motion_models.call import Call
from ...motion_models.model import MotionModel
from ...motion_models.placements import Placement

PREVIEWED = PRESETS["medium motion"]
"""What previews ask for; the default of Apply PIA."""


@dataclass(frozen=True)
class Seen:
    """A picture for each clip of a batch.

    pictures: b 4 h w, scaled as the UNet has them;   affinity: b f, 1 is the picture itself. A clip
    that is shown none has zeros in both, which the convolution, without a bias, makes nothing of.
    """

    pictures: Tensor
    affinity: Tensor

    def placement(self, key: str, unet: Any, motion: MotionModel, call: Call) -> Placement:
        """The layer behind the UNet's first convolution that adds what PIA's makes of it."""
        pictures = self.pictures.repeat_interleave(call.frames, 0)
        layer = PictureInput(motion.get_submodule("conv_in"), pictures, self.mask, call)
        return Placement(unet.input_blocks[0], key, layer, behind="0")

    def mask(self, call: Call, height: int, width: int) -> Tensor:
        """The affinity as a Strength.   -> (b f) 1 1 1"""
        return self.affinity.flatten().view(-1, 1, 1, 1)


def seen_in_preview(picture: Tensor, frames: int, videos: int) -> Seen:
    """A picture as the first frame of videos, for medium motion.   picture: 4 h w, scaled"""
    affinity = torch.tensor([PREVIEWED.at(i, frames) for i in range(frames)])
    return Seen(picture.expand(videos, -1, -1, -1), affinity.to(picture).expand(videos, -1))
