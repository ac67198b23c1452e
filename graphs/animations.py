"""Templates that are there twice: for models of the user's, and for the small world.

Each takes `/object_info` and whether it is the small one, and gives a page and its lanes.
"""

from __future__ import annotations

from .kinds import Info
from .layout import Group, Lane
from .page import Node, Page
from .parts import LINKS, SCENE, SMALL, TRY, WORDS, Sheet, sheet

Template = tuple[Page, list[Lane]]


def lanes_of(
    on: Sheet, note: str, models: list[Node], prompts: list[Node], sampling: list[Node]
) -> list[Lane]:
    """The usual order from left to right, with a note below the models; results come behind it."""
    text = on.page.note((SMALL if on.small else LINKS) + note)
    return [
        [Group("Models", [[on.loader, *models]]), Group("", [[text]])],
        [Group("What to draw", [prompts])],
        [Group("Sampling", [sampling])],
    ]


def text_to_animation(info: Info, small: bool) -> Template:
    on = sheet(info, small)
    animate = on.animate(context_length=16)
    prompts = on.prompts("a red star bouncing on a teal background" if small else SCENE)
    latent = on.latent(16)
    sampler = on.sampled(animate.out(), prompts, latent.out())
    after, images = on.shown(sampler.out())
    results = on.results(images, "animation")
    lanes = lanes_of(
        on, WORDS + TRY if small else FRAMES, [animate], [*prompts, latent], [sampler, *after]
    )
    return on.page, [*lanes, results]


FRAMES = """**Frames** are the batch_size of the empty latent: 16 is what the motion model was \
trained on. More are sampled in windows of context_length, which overlap by context_overlap.

**Any** Stable Diffusion 1.5 model does as a checkpoint. MotionLoRAs for camera moves go with a \
v2 motion model."""


def long_animation(info: Info, small: bool) -> Template:
    on = sheet(info, small)
    animate = on.animate(context_length=16, context_overlap=4)
    prompts = on.prompts("a green square going round on a gray background" if small else SCENE)
    latent = on.latent(48 if small else 64)
    page = on.page
    noise = page.add("ADK_FreeNoise", latent=latent.out(), seed=1, length=16, overlap=4)
    guider = page.add(
        "CFGGuider",
        model=animate.out(),
        positive=prompts[0].out(),
        negative=prompts[1].out(),
        cfg=6.0 if small else 7.5,
    )
    chosen = page.add("KSamplerSelect", sampler_name="euler")
    steps = {"scheduler": "normal", "steps": 20 if small else 25}
    sigmas = page.add("BasicScheduler", model=animate.out(), **steps)
    sampler = page.add(
        "SamplerCustomAdvanced",
        noise=noise.out(),
        guider=guider.out(),
        sampler=chosen.out(),
        sigmas=sigmas.out(),
        latent_image=latent.out(),
    )
    after, images = on.shown(sampler.out("output"))
    results = on.results(images, "long_animation")
    settings = [noise, guider, chosen, sigmas]
    lanes = lanes_of(on, LONG, [animate], [*prompts, latent], settings)
    return page, [*lanes, [Group("Render", [[sampler, *after]])], results]


LONG = """A video of any length goes through **windows** of 16 frames that overlap by 4, in the \
memory of one window. context_schedule **shifted** moves them at every step, so that fewer seams \
show where they meet.

**Repeat Noise** (FreeNoise) lets every window start from the same noise in another order, which \
keeps the look over a long video. Its length and overlap are those of the windows."""


def closed_loop(info: Info, small: bool) -> Template:
    on = sheet(info, small)
    animate = on.animate(context_length=0)
    windows = on.page.add(
        "ADK_ContextWindows", model=animate.out(), schedule="looped_uniform", closed_loop=True
    )
    prompts = on.prompts("a blue cross going round on a pink background" if small else SCENE)
    latent = on.latent(24 if small else 32)
    sampler = on.sampled(windows.out(), prompts, latent.out())
    after, images = on.shown(sampler.out())
    results = on.results(images, "closed_loop")
    lanes = lanes_of(on, LOOP, [animate], [*prompts, latent], [windows, sampler, *after])
    return on.page, [*lanes, results]


LOOP = """The windows wrap round the end of the video, so that its **last frame leads into its \
first**.

context_length 0 in Animate Model leaves the windows to Slide Context Windows."""


def prompt_travel(info: Info, small: bool) -> Template:
    on = sheet(info, small)
    animate = on.animate(context_length=16)
    frames = 32 if small else 48
    latent = on.latent(frames)
    travel = on.page.add(
        "ADK_PromptTravel",
        clip=on.clip,
        prompts=SHAPES if small else SEASONS,
        frames=frames,
        after="" if small else "best quality, wide shot",
        latent=latent.out(),
    )
    negative = on.negative()
    sampler = on.sampled(animate.out(), [travel, negative], latent.out())
    after, images = on.shown(sampler.out())
    results = on.results(images, "prompt_travel")
    note = TRAVEL + ("\n\n" + WORDS if small else "")
    lanes = lanes_of(on, note, [animate], [latent, travel, negative], [sampler, *after])
    return on.page, [*lanes, results]


SHAPES = """0: a red star bouncing on a teal background
16: a blue circle bouncing on a teal background
31: a yellow square bouncing on a teal background"""
SEASONS = """0: a meadow in spring, blossoms
16: a meadow in summer, tall grass
32: a meadow in autumn, red leaves
47: a meadow in winter, deep snow"""
TRAVEL = """Each line of **Prompt Travel** is a frame, a colon and the prompt that is reached \
there; the frames between blend from one to the next. It takes the number of frames from the \
latent."""


def camera_move(info: Info, small: bool) -> Template:
    on = sheet(info, small)
    page = on.page
    if small:
        names = {"motion": "small_world_motion.safetensors", "lora": MOVE}
    else:
        names = {"motion": "mm_sd15_v2.safetensors", "lora": "mm_sd15_v2_lora_ZoomIn.safetensors"}
    motion = page.add("ADK_LoadMotionModel", motion_model=names["motion"])
    lora = page.add("ADK_LoadMotionLoRA", motion_model=motion.out(), lora=names["lora"])
    models = [motion, lora]
    image_model = on.model
    if small:
        given = {"model": on.model, "adapter": "small_world_adapter.safetensors"}
        models.append(page.add("ADK_DomainAdapter", scale=0.0, **given))
        image_model = models[-1].out()
    applied = page.add("ADK_ApplyMotionModel", model=image_model, motion_model=lora.out())
    prompts = on.prompts("a yellow cross on a pink checkered background" if small else BOAT)
    latent = on.latent(16)
    sampler = on.sampled(applied.out(), prompts, latent.out())
    after, images = on.shown(sampler.out())
    results = on.results(images, "camera_move")
    note = CAMERA + (CAMERA_SMALL if small else CAMERA_V2)
    lanes = lanes_of(on, note, models, [*prompts, latent], [applied, sampler, *after])
    return page, [*lanes, results]


MOVE = "small_world_roll_clockwise.safetensors"
BOAT = "a sailing boat on a stormy sea, waves, clouds racing over the sky, film still"
CAMERA = """A **MotionLoRA** moves the camera. Choose another move in Load MotionLoRA: zoom, pan, \
tilt or roll. A negative strength reverses it, and several can be chained.

strength 0 in Apply Motion Model gives still images.

"""
CAMERA_SMALL = """The eight files are the small world's own, trained by this pack.

**Apply Domain Adapter:** the training videos had a watermark and were blurred; the adapter took \
that up. Scale 1 brings it back, 0 leaves it away."""
CAMERA_V2 = "The authors' eight MotionLoRAs go with the v2 motion model."
