"""The blocks of Stable Diffusion 1.5's UNet, as ComfyUI's classes take them, at any width.

Tests and benchmarks build their UNets from this too. It lies here because the small world is the
one part of the pack that builds a UNet, and the pack comes without tests and benchmarks.
"""

from __future__ import annotations

from typing import Any

SDXL_BLOCKS: dict[str, Any] = dict(
    channel_mult=(1, 2, 4),
    num_res_blocks=[2, 2, 2],
    transformer_depth=[0, 0, 1, 1, 2, 2],
    transformer_depth_output=[0, 0, 0, 1, 1, 1, 2, 2, 2],
    transformer_depth_middle=2,
    use_linear_in_transformer=True,
    adm_in_channels=2816,
    num_classes="sequential",
    num_head_channels=16,
    num_heads=-1,
)
"""What differs in a small SDXL: levels, heads, the pooled prompt; with few transformer blocks."""


def unet_config(width: int, context: int, **other: Any) -> dict[str, Any]:
    """Keywords of UNetModel, or of a `comfy.supported_models` class.

    `width`: channels at full resolution, 320 in SD1.5. `context`: features of a text token, 768
    there. `other` replaces what differs, as SDXL_BLOCKS do.
    """
    sd15: dict[str, Any] = dict(
        image_size=32,
        in_channels=4,
        out_channels=4,
        model_channels=width,
        channel_mult=(1, 2, 4, 4),
        num_res_blocks=[2, 2, 2, 2],
        transformer_depth=[1, 1, 1, 1, 1, 1, 0, 0],
        transformer_depth_output=[1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        transformer_depth_middle=1,
        num_heads=8,
        context_dim=context,
        use_spatial_transformer=True,
        use_linear_in_transformer=False,
        legacy=False,
        adm_in_channels=None,
        use_temporal_attention=False,
        use_temporal_resblock=False,
    )
    return {**sd15, **other}
