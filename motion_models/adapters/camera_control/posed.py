"""Stand-ins by which the motion modules of a call are told the camera's poses.

In each module the first temporal attention sees x + strength * merge(x + feature) in the place of
x, its normalised input with positions (PoseAdaptorAttnProcessor of hehao13/CameraCtrl). The
features are of all frames and pixels of the call; the stand-in brings them to those that the
attention is given, in windows and views as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...call import Call
from ...modules import Attend, Mix, TemporalTransformerBlock, all_at_once
from ...placements import Placement, placed
from ...strength import Strength, Values, by_pixel, values_at


@dataclass(frozen=True, eq=False)
class Pose:
    """What one motion module is told.   feature: f c h w, of the frames of the call"""

    merge: nn.Module
    feature: Tensor
    strength: Strength

    def columns(self, x: Tensor, call: Call) -> Tensor:
        """Strength and feature for each row of x: (b n) f c, the pixels that the call names.   ->
        (b n) f 1 + c"""
        pixels = self.feature.flatten(2).permute(2, 0, 1)  # n f c
        strength: Values = by_pixel(
            values_at(self.strength, call, self.feature), call.videos, len(pixels)
        )
        feature = pixels[call.pixels].to(x).expand(call.videos, -1, -1, -1).flatten(0, 1)
        if isinstance(strength, Tensor):
            strength = strength.unflatten(0, (call.videos, -1))[:, call.pixels].flatten(0, 1)
            strength = strength.to(x)
        else:
            strength = x.new_full((1, 1, 1), strength).expand(*feature.shape[:2], 1)
        return torch.cat([strength, feature], dim=-1)


class PosedBlock(nn.Module):
    """Stands before a motion module's temporal block for one call. The block's layers keep their
    names in it, by which others find them."""

    def __init__(self, block: TemporalTransformerBlock | PosedBlock, pose: Pose) -> None:
        super().__init__()
        for name, layer in block.named_children():
            self.add_module(name, layer)
        self.inner, self.pose = (block,), pose

    def forward(self, x: Tensor, call: Call, scale: Values = 1.0, mix: Mix = all_at_once) -> Tensor:
        """x: (b n) f c -> (b n) f c.   The mix cuts what each row is given as it cuts x."""
        attentions: Any = self.attention_blocks
        attention, pose = attentions[0], self.pose

        def mixed(x: Tensor, scale: Values, attend: Attend) -> Tensor:
            own = scale.shape[-1] if isinstance(scale, Tensor) else 0

            def posed(x: Tensor, given: Values) -> Tensor:
                assert isinstance(given, Tensor)
                layer = PosedPositions(attention.pos_encoder, pose.merge, given[..., own:])
                with placed([Placement(attention, "pos_encoder", layer)]):
                    return attend(x, given[..., :own] if own else scale)

            columns = pose.columns(x, call)
            given = torch.cat([scale, columns], dim=-1) if isinstance(scale, Tensor) else columns
            return mix(x, given, posed)

        return self.inner[0](x, call, scale, mixed)


class PosedPositions(nn.Module):
    """Adds positions, and then what the merging layer makes of the sum and the pose's feature.

    columns: (b n) f 1 + c, strength and feature
    """

    def __init__(self, positions: nn.Module, merge: nn.Module, columns: Tensor) -> None:
        super().__init__()
        self.positions, self.merge, self.columns = positions, merge, columns

    def forward(self, x: Tensor, tables: Mapping[str, Tensor]) -> Tensor:
        """x: (b n) f c -> (b n) f c"""
        x = self.positions(x, tables)
        return torch.addcmul(x, self.merge(x + self.columns[..., 1:]), self.columns[..., :1])
