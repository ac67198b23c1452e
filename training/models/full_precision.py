"""The image model's two ends in float32, whatever the rest of it is in.

bf16 keeps 8 binary digits and rounds x_t by 0.0017 on average: in the weakest noise, where sigma is
0.029, that is 6 % of the noise that has to be predicted. So the first convolution reads x_t as it
is, and the last norm and convolution write what they find; they are less than a thousandth of the
arithmetic.
"""

from __future__ import annotations

import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from torch import Tensor, nn

FIRST, LAST = "input_blocks.0.0.", "out."
"""How the names of their weights begin in a UNetModel."""


class InFloat32(nn.Module):
    """A layer computed in float32, also under autocast; its output is given as `dtype`."""

    def __init__(self, layer: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = layer
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return self.layer(x.float()).to(self.dtype)


def keep_ends(unet: UNetModel, first: dict[str, Tensor], last: dict[str, Tensor]) -> None:
    """Put float32 weights into the first and the last layers of a UNet of another dtype, and keep
    their arithmetic in float32. The UNet is changed: it is a private copy."""
    (conv,) = unet.input_blocks[0].children()
    conv.load_state_dict(first, strict=True, assign=True)
    unet.out.load_state_dict(last, strict=True, assign=True)
    unet.input_blocks[0][0] = InFloat32(conv, unet.dtype)  # pyright: ignore
    unet.out = InFloat32(unet.out, torch.float32)  # pyright: ignore
