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


def sd15(width: int = SD15_WIDTH, live: bool = True, dtype: Any = None) -> Any:
    """A MODEL of SD1.5's blocks, as Load Checkpoint gives it; `width` channels at full resolution.

    `live` False leaves the weights as they were allocated, for runs that compute nothing. `dtype`
    is that of weights and arithmetic, None for ComfyUI's choice.
    """
    import comfy.model_management as memory
    import comfy.supported_models
    import torch
    from animatediff_kit.small_world.unet_config import unet_config  # pyright: ignore[reportMissingImports]
    from comfy.model_patcher import ModelPatcher

    given = dtype
    dtype = given or memory.unet_dtype(model_params=859_520_964)
    config = comfy.supported_models.SD15(unet_config(width, 768, dtype=dtype))
    cast = None if given else memory.unet_manual_cast(dtype, memory.get_torch_device())
    config.set_inference_dtype(dtype, cast)
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


def half_precision(width: int, family: str) -> Any:
    """An animated SD1.5 in float16, as on a GPU, its weights never written; attention is torch's
    own, as there."""
    import torch
    from comfy.ldm.modules.attention import attention_pytorch

    motion = motion_model(family, width, live=False)
    motion.model.to(torch.float16)
    motion.model.dtype = torch.float16
    from animatediff_kit.motion_models.inject import apply_motion_model  # pyright: ignore[reportMissingImports]

    model = apply_motion_model(sd15(width, live=False, dtype=torch.float16), motion)
    options = model.model_options["transformer_options"]
    options["optimized_attention_override"] = lambda _, *args, **more: attention_pytorch(
        *args, **more
    )
    return model


def text_encoder() -> Any:
    """SD1.5's, in float16, its weights never written."""
    import comfy.sd1_clip
    import torch

    return comfy.sd1_clip.SD1ClipModel(device="cpu", dtype=torch.float16)


def autoencoder() -> Any:
    """SD1.5's, in float16, its weights never written."""
    import torch
    from comfy.ldm.models.autoencoder import AutoencoderKL

    shape = dict(double_z=True, z_channels=4, resolution=256, in_channels=3, out_ch=3, ch=128)
    shape.update(ch_mult=[1, 2, 4, 4], num_res_blocks=2, attn_resolutions=[], dropout=0.0)  # pyright: ignore
    return AutoencoderKL(ddconfig=shape, embed_dim=4).to(torch.float16).eval()


def in_windows(
    model: Any, schedule: str, length: int = 16, overlap: int = 4, home: Any = None
) -> Any:
    """`model` sampled in context windows; views keep the feature maps at `home`."""
    from animatediff_kit.sampling.apply_windows import apply_context_windows  # pyright: ignore[reportMissingImports]
    from animatediff_kit.sampling.handler import NODE  # pyright: ignore[reportMissingImports]
    from animatediff_kit.sampling.windows import WindowSettings  # pyright: ignore[reportMissingImports]

    settings = WindowSettings(length, overlap, schedule=schedule)
    return apply_context_windows(model, settings, NODE, home)


def one_call(model: Any, prompts: int, frames: int, latent: int) -> None:
    """One call of the UNet with a video for each of the prompts, as ComfyUI's sampler makes it
    where memory allows; the model is loaded."""
    import torch
    from comfy.sampler_helpers import prepare_model_patcher

    x = torch.zeros((prompts * frames, 4, latent, latent))
    options: dict[str, Any] = dict(model.model_options)
    options["transformer_options"] = dict(options["transformer_options"])
    prepare_model_patcher(model, {}, options)
    told = options["transformer_options"] | {"cond_or_uncond": list(range(prompts))}
    model.model.current_patcher = model
    with torch.inference_mode():
        model.model.apply_model(
            x,
            torch.full((len(x),), 5.0),
            c_crossattn=torch.zeros((len(x), 77, 768)),
            transformer_options=told,
        )


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
