"""Models of ComfyUI's and the pack's real classes at any width, for benchmarks."""

from __future__ import annotations

from typing import Any

SD15_WIDTH = 320


def random_weights(model: Any) -> None:
    """Live weights in place: matrices N(0, 1/fan_in), the rest around 1 or 0."""
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.normal_(0.0, weight[0].numel() ** -0.5)
            else:
                weight.fill_(1.0 if name.endswith("weight") else 0.0)


def sd15(width: int = SD15_WIDTH, live: bool = True) -> Any:
    """A MODEL of SD1.5's blocks, as Load Checkpoint gives it; `width` channels at full resolution.

    `live` False leaves the weights as they were allocated, for runs that compute nothing.
    """
    import comfy.model_management as memory
    import comfy.supported_models
    import torch
    from animatediff_kit.small_world.unet_config import unet_config  # pyright: ignore[reportMissingImports]
    from comfy.model_patcher import ModelPatcher

    dtype = memory.unet_dtype(model_params=859_520_964)
    config = comfy.supported_models.SD15(unet_config(width, 768, dtype=dtype))
    config.set_inference_dtype(dtype, memory.unet_manual_cast(dtype, memory.get_torch_device()))
    model = config.get_model({}, "", device=torch.device("cpu"))
    if live:
        random_weights(model.diffusion_model)
    return ModelPatcher(model, memory.get_torch_device(), memory.unet_offload_device())


def motion_model(family: str, width: int = SD15_WIDTH, live: bool = True) -> Any:
    """A motion model of the family for UNets of this width, as Load Motion Model gives it."""
    import torch
    from animatediff_kit.motion_models import specs  # pyright: ignore[reportMissingImports]
    from animatediff_kit.motion_models.load import build  # pyright: ignore[reportMissingImports]

    known = specs.FAMILIES[family]
    layout = specs.MotionLayout((width, 2 * width, 4 * width, 4 * width), known.mid_block)
    shapes = specs.expected_shapes(layout)
    motion = build(
        specs.MotionSpec(family, known, layout, known.positions),
        {key: torch.zeros(shape) for key, shape in shapes.items()},
    )
    if live:
        random_weights(motion.model)
    return motion


def animated(model: Any, family: str, width: int = SD15_WIDTH, live: bool = True) -> Any:
    """`model` with a motion model of the family applied that fits its width."""
    from animatediff_kit.motion_models.inject import apply_motion_model  # pyright: ignore[reportMissingImports]

    return apply_motion_model(model, motion_model(family, width, live))


def in_windows(
    model: Any, schedule: str, length: int = 16, overlap: int = 4, home: Any = None
) -> Any:
    """`model` sampled in context windows; views keep the feature maps at `home`."""
    from animatediff_kit.sampling.apply_windows import apply_context_windows  # pyright: ignore[reportMissingImports]
    from animatediff_kit.sampling.handler import NODE  # pyright: ignore[reportMissingImports]
    from animatediff_kit.sampling.windows import WindowSettings  # pyright: ignore[reportMissingImports]

    settings = WindowSettings(length, overlap, schedule=schedule)
    return apply_context_windows(model, settings, NODE, home)


def one_step(model: Any, frames: int, latent: int) -> None:
    """One Euler step at cfg 1 of `frames` latents, 4 x latent x latent, in ComfyUI's sampler."""
    import comfy.sample
    import torch

    noise = torch.randn((frames, 4, latent, latent), generator=torch.Generator().manual_seed(0))
    prompt = [[torch.randn((1, 77, 768), generator=torch.Generator().manual_seed(1)), {}]]
    with torch.inference_mode():
        comfy.sample.sample(
            model,
            noise,
            1,
            1.0,
            "euler",
            "normal",
            prompt,
            prompt,
            noise,
            disable_pbar=True,
            seed=0,
        )
