"""ComfyUI's flags that a server hands on to the processes that it starts.

They say how models are loaded and computed; each is a switch of ComfyUI's command line, by the name
that its arguments have it under. --fast is none of them: sums in fp16 harm gradients. Nor are
--gpu-only and --highvram, which would keep the user's image model on the GPU beside the run's own.
"""

from __future__ import annotations

import os
from typing import Any

VARIABLE = "ADK_COMFYUI_FLAGS"
"""The environment variable: names of what is on in the server, with spaces between."""

FLAGS = (
    "force_fp32",
    "force_fp16",
    "fp32_unet",
    "fp64_unet",
    "bf16_unet",
    "fp16_unet",
    "fp8_e4m3fn_unet",
    "fp8_e5m2_unet",
    "fp8_e8m0fnu_unet",
    "fp16_vae",
    "fp32_vae",
    "bf16_vae",
    "cpu_vae",
    "fp8_e4m3fn_text_enc",
    "fp8_e5m2_text_enc",
    "fp16_text_enc",
    "fp32_text_enc",
    "bf16_text_enc",
    "force_channels_last",
    "force_upcast_attention",
    "dont_upcast_attention",
    "use_split_cross_attention",
    "use_quad_cross_attention",
    "use_pytorch_cross_attention",
    "use_sage_attention",
    "use_flash_attention",
    "disable_xformers",
    "deterministic",
    "lowvram",
    "novram",
    "disable_smart_memory",
    "disable_dynamic_vram",
    "disable_mmap",
)


def take_flags(arguments: Any) -> None:
    """Switch on those of FLAGS that the variable names, on ComfyUI's arguments. What a server has
    on beside these is its own: ports, folders, caches of its queue."""
    on = os.environ.get(VARIABLE, "").split()
    for name in FLAGS:
        if name in on and hasattr(arguments, name):
            setattr(arguments, name, True)
