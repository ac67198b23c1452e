"""Templates for models of the user's alone: few steps, SDXL, what comes behind the sampler; and the
small world's values over frames."""

from __future__ import annotations

from typing import Any

from .animations import Template, lanes_of
from .kinds import Info
from .layout import Group
from .page import Look
from .parts import FPS, SCENE, SDXL, checkpoint, small_world


def lcm(info: Info) -> Template:
    on = checkpoint(info)
    lora = on.page.add(
        "LoraLoaderModelOnly",
        model=on.model,
        lora_name="AnimateLCM_sd15_t2v_lora.safetensors",
        strength_model=0.8,
    )
    animate = on.animate(lora.out(), motion_model="mm_sd15_AnimateLCM.safetensors")
    prompts = on.prompts(SCENE)
    latent = on.latent(16)
    few = {"steps": 8, "cfg": 1.8, "sampler_name": "lcm", "scheduler": "sgm_uniform"}
    sampler = on.sampled(animate.out(), prompts, latent.out(), **few)
    after, images = on.shown(sampler.out())
    results = on.results(images, "lcm")
    lanes = lanes_of(on, LCM, [lora, animate], [*prompts, latent], [sampler, *after])
    return on.page, [*lanes, results]


LCM = """**Eight steps** in place of 25, with the AnimateLCM motion model and its LoRA. They need \
the sampler lcm and a cfg between 1 and 2. Four steps work as well, with less detail."""


def lightning(info: Info) -> Template:
    on = checkpoint(info)
    animate = on.animate(motion_model="animatediff_lightning_4step_comfyui.safetensors")
    prompts = on.prompts(SCENE)
    latent = on.latent(16)
    few = {"steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "sgm_uniform"}
    sampler = on.sampled(animate.out(), prompts, latent.out(), **few)
    after, images = on.shown(sampler.out())
    results = on.results(images, "lightning")
    lanes = lanes_of(on, LIGHTNING, [animate], [*prompts, latent], [sampler, *after])
    return on.page, [*lanes, results]


LIGHTNING = """**Four steps**, with the AnimateDiff-Lightning motion model made for four. At cfg 1 \
the negative prompt has no effect, and a step takes half the time.

An image model that was made for a style shows the best results."""


def sdxl(info: Info) -> Template:
    on = checkpoint(info, SDXL)
    animate = on.animate(motion_model="mm_sdxl_v10_beta.safetensors")
    prompts = on.prompts(SCENE)
    latent = on.latent(16, 1024)
    sampler = on.sampled(animate.out(), prompts, latent.out(), cfg=8.0)
    after, images = on.shown(sampler.out())
    results = on.results(images, "sdxl")
    lanes = lanes_of(on, XL, [animate], [*prompts, latent], [sampler, *after])
    return on.page, [*lanes, results]


XL = """16 frames of **1024 by 1024** pixels. Where memory ends, 768 by 768 or 8 frames do.

HotshotXL is the other motion model for SDXL: hsxl_temporal_layers.f16.safetensors, with 8 \
frames and context_length 8."""


def temporal_decoder(info: Info) -> Template:
    on = checkpoint(info)
    animate = on.animate()
    prompts = on.prompts(SCENE)
    latent = on.latent(16)
    sampler = on.sampled(animate.out(), prompts, latent.out())
    video = on.page.add(
        "ImageOnlyCheckpointLoader",
        "The VAE of Stable Video Diffusion",
        ckpt_name="svd.safetensors",
    )
    decoded = on.decoded(sampler.out(), video.out("VAE"))
    results = on.results(decoded.out(), "temporal_decoder")
    lanes = lanes_of(on, DECODER, [animate], [*prompts, latent], [sampler, video, decoded])
    return on.page, [*lanes, results]


DECODER = """The decoder of **Stable Video Diffusion** sees all frames together, which takes away \
the flicker of fine detail that a decoder of single pictures leaves. Its latents are those of \
Stable Diffusion 1.5.

Its file holds the whole video model; only the VAE of it is used."""


def frame_interpolation(info: Info) -> Template:
    on = checkpoint(info)
    animate = on.animate()
    prompts = on.prompts(SCENE)
    latent = on.latent(16)
    sampler = on.sampled(animate.out(), prompts, latent.out())
    decoded = on.decoded(sampler.out())
    between = on.page.add("FrameInterpolationModelLoader", model_name="film_net_fp16.safetensors")
    sources: dict[str, Any] = {"interp_model": between.out(), "images": decoded.out()}
    smooth = on.page.add("FrameInterpolate", **sources, multiplier=4)
    results = on.results(smooth.out(), "frame_interpolation", fps=4 * FPS)
    after = [sampler, decoded, between, smooth]
    lanes = lanes_of(on, INTERPOLATION, [animate], [*prompts, latent], after)
    return on.page, [*lanes, results]


INTERPOLATION = """**Needs a newer ComfyUI (0.33 has them):** the two nodes for frame \
interpolation are ComfyUI's own, and 0.3.75 does not have them yet.

Three frames are put between each two, so that 8 frames a second become 32."""


def strength_over_time(info: Info) -> Template:
    on = small_world(info)
    page = on.page
    motion = page.add("ADK_LoadMotionModel", motion_model="small_world_motion.safetensors")
    left = page.add(
        "ADK_Strength",
        "Pan left: how much, over the frames",
        look=Look(room=60),
        per_frame="11: 1, 16: 0 smooth",
        frames=28,
    )
    right = page.add(
        "ADK_Strength",
        "Pan right: the inverse",
        look=Look(room=60),
        invert=True,
        frames=28,
        times=left.out("strength"),
    )
    first = page.add(
        "ADK_LoadMotionLoRA",
        motion_model=motion.out(),
        lora="small_world_pan_left.safetensors",
        strength_over_time=left.out("strength"),
    )
    second = page.add(
        "ADK_LoadMotionLoRA",
        motion_model=first.out(),
        lora="small_world_pan_right.safetensors",
        strength_over_time=right.out("strength"),
    )
    applied = page.add("ADK_ApplyMotionModel", model=on.model, motion_model=second.out())
    given = {"model": applied.out(), "schedule": "standard_static"}  # its note says where they meet
    windows = page.add("ADK_ContextWindows", **given)
    prompts = on.prompts("a red star on a teal background")
    latent = on.latent(28)
    sampler = on.sampled(windows.out(), prompts, latent.out())
    after, images = on.shown(sampler.out())
    results = on.results(images, "strength_over_time")
    lanes = lanes_of(on, OVER_TIME, [motion], [*prompts, latent], [sampler, *after])
    curves = [Group("A value over the frames", [[left, right]])]
    camera = [Group("Camera and windows", [[first, second, applied, windows]])]
    return page, [lanes[0], curves, camera, [*lanes[1], *lanes[2]], results]


OVER_TIME = """A **value over frames**, from Schedule Strength, goes into every socket whose name \
ends in over_time. Here the camera pans to the left; around frame 14, where the two context \
windows overlap, another MotionLoRA takes over, and it pans to the right.

The picture in Schedule Strength shows the value before you render. Instead of keyframes it takes \
masks, lists of numbers of other packs, and curves; Convert Audio to Strength makes one from a \
sound."""
