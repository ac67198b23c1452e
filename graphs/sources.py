"""Templates that begin with a video or a picture; the small ones draw theirs first."""

from __future__ import annotations

from typing import Any

from .animations import Template
from .kinds import Info
from .layout import Group
from .page import Look, Node, Page
from .parts import FPS, LINKS, SCENE, SMALL, checkpoint, small_world

CAP = "At most this many frames"


def capped(page: Page, images: Any, length: int) -> Node:
    """The first frames of a video: a video that is longer is cut."""
    return page.add("ImageFromBatch", CAP, image=images, batch_index=0, length=length)


def video_to_animation(info: Info) -> Template:
    on = checkpoint(info)
    page = on.page
    animate = on.animate(context_length=16)
    control = page.add(
        "ControlNetLoader", control_net_name="control_v11p_sd15_canny_fp16.safetensors"
    )
    video = page.add("LoadVideo", "Your video", look=Look(room=200), file="input.mp4")
    parts = page.add("GetVideoComponents", video=video.out())
    cut = capped(page, parts.out("images"), 48)
    size = {"upscale_method": "lanczos", "width": 512, "height": 512, "crop": "center"}
    scaled = page.add("ImageScale", image=cut.out(), **size)
    edges = page.add("Canny", image=scaled.out(), low_threshold=0.2, high_threshold=0.5)
    prompts = on.prompts(SCENE)
    applied = page.add(
        "ControlNetApplyAdvanced",
        positive=prompts[0].out(),
        negative=prompts[1].out(),
        control_net=control.out(),
        image=edges.out(),
        strength=0.8,
        end_percent=0.9,
    )
    encoded = page.add("VAEEncode", pixels=scaled.out(), vae=on.vae)
    conds = [applied.out("positive"), applied.out("negative")]
    sampler = on.sampled(animate.out(), conds, encoded.out(), denoise=0.75)
    decoded = on.decoded(sampler.out())
    results = on.results(
        decoded.out(), "video_to_animation", fps=parts.out("fps"), audio=parts.out("audio")
    )
    note = page.note(LINKS + VIDEO)
    return page, [
        [Group("Models", [[on.loader, animate, control]]), Group("", [[note]])],
        [Group("Your video", [[video, parts, cut, scaled]])],
        [Group("What to draw", [[*prompts, edges, applied]])],
        [Group("Sampling", [[encoded, sampler, decoded]])],
        results,
    ]


VIDEO = """**Choose a video** in Load Video, or drop one on it.

Its first 48 frames become the animation; *At most this many frames* is the cap, so that a long \
video does not fill the memory. The edges that the ControlNet follows go with the context windows, \
frame by frame.

A lower **denoise** keeps more of the video."""


def small_video_to_animation(info: Info) -> Template:
    on = small_world(info)
    page = on.page
    animate = on.animate(context_length=16)
    before = on.prompt("a red circle moving right on a white background", "Prompt of the video")
    negative = on.negative()
    latent = on.latent(16)
    source = on.sampled(animate.out(), [before, negative], latent.out())
    video = on.decoded(source.out())
    prompt = on.prompt("a blue square moving right on a white background", "Prompt, what to make")
    cut = capped(page, video.out(), 48)
    encoded = page.add("VAEEncode", pixels=cut.out(), vae=on.vae)
    sampler = on.sampled(animate.out(), [prompt, negative], encoded.out(), seed=2, denoise=0.7)
    decoded = on.decoded(sampler.out())
    pair = page.add("ImageStitch", "Video and animation", image1=cut.out(), image2=decoded.out())
    larger = on.enlarged(pair.out())
    results = on.results(larger.out(), "video_to_animation")
    note = page.note(SMALL + SMALL_VIDEO)
    return page, [
        [Group("Models", [[on.loader, animate]]), Group("", [[note]])],
        [
            Group("A video, drawn here", [[before, negative, latent], [source, video]]),
            Group("From video to animation", [[prompt, cut, encoded], [sampler, decoded]]),
        ],
        [Group("Side by side", [[pair, larger]])],
        results,
    ]


SMALL_VIDEO = """A video becomes another one, which moves as it does: its latents are the start, \
and **denoise** says how much is drawn anew.

The video is drawn here, so that the graph runs at once. For one of yours, put Load Video and Get \
Video Components in its place. The small world has no ControlNet; with Stable Diffusion 1.5 one \
holds the shapes of the video (see the template for it)."""


def image_to_animation(info: Info) -> Template:
    on = checkpoint(info)
    page = on.page
    motion = page.add("ADK_LoadMotionModel", motion_model="pia.ckpt")
    picture = page.add("LoadImage", "Your picture", look=Look(room=300), image="example.png")
    size = {"upscale_method": "lanczos", "width": 512, "height": 512, "crop": "center"}
    scaled = page.add("ImageScale", image=picture.out(), **size)
    applied = page.add(
        "ADK_ApplyPIA", model=on.model, motion_model=motion.out(), image=scaled.out(), vae=on.vae
    )
    prompts = on.prompts("a woman smiles, her hair moves in the wind, best quality")
    latent = on.latent(16)
    sampler = on.sampled(applied.out(), prompts, latent.out())
    decoded = on.decoded(sampler.out())
    results = on.results(decoded.out(), "image_to_animation")
    note = page.note(LINKS + PICTURE_NOTE)
    return page, [
        [Group("Models", [[on.loader, motion]]), Group("", [[note]])],
        [Group("Your picture", [[picture, scaled]])],
        [Group("What to draw", [[*prompts, latent]])],
        [Group("Sampling", [[applied, sampler, decoded]])],
        results,
    ]


PICTURE_NOTE = """**Choose a picture** in Load Image, or drop one on it. Describe it in the \
prompt, and how it moves.

**PIA** keeps the picture as the first frame; its affinity says how much may change. An image \
model of the picture's style works best."""


def small_image_to_animation(info: Info) -> Template:
    on = small_world(info)
    page = on.page
    animate = on.animate(context_length=16)
    prompts = on.prompts("a red circle moving right on a white background")
    single = on.latent(1)
    drawn = on.sampled(on.model, prompts, single.out())
    picture = on.decoded(drawn.out())
    encoded = page.add("VAEEncode", pixels=picture.out(), vae=on.vae)
    repeated = page.add("RepeatLatentBatch", "Frames", samples=encoded.out(), amount=16)
    sampler = on.sampled(animate.out(), prompts, repeated.out(), seed=2, denoise=0.85)
    after, images = on.shown(sampler.out())
    results = on.results(images, "image_to_animation", fps=FPS)
    note = page.note(SMALL + SMALL_PICTURE)
    return page, [
        [Group("Models", [[on.loader, animate]]), Group("", [[note]])],
        [Group("A picture, drawn here", [[*prompts, single], [drawn, picture]])],
        [Group("From picture to animation", [[encoded, repeated, sampler, *after]])],
        results,
    ]


SMALL_PICTURE = """One picture becomes an animation: its latent is repeated for 16 frames, and \
**denoise** says how much is drawn anew.

The picture is drawn here, so that the graph runs at once; Load Image in its place takes yours \
(64 by 64 pixels, coloured shapes). With Stable Diffusion 1.5, PIA and AnimateLCM-I2V animate \
pictures without such a start (see the template for it)."""
