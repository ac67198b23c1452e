"""Templates that train: a camera move and a motion module on the user's models, a camera move
on the small world."""

from __future__ import annotations

from typing import Any

from .animations import Template
from .kinds import Info
from .layout import Group
from .page import Look, Node, Output
from .parts import LINKS, PICTURE, SHOWN, SMALL, V2, WIDE, Sheet, checkpoint, small_world

STILL = "a landscape with mountains, a lake and trees, clouds, photograph"


def clips(on: Sheet, conds: list[Node], count: int, move: str, **camera: Any) -> list[list[Node]]:
    """Pictures that the image model draws, and clips of a camera that moves over them: the columns
    of both."""
    page = on.page
    side = 96 if on.small else 512
    title = "Pictures to draw, as batch_size"
    latent = page.add("EmptyLatentImage", title, width=side, height=side, batch_size=count)
    drawn = on.sampled(on.model, conds, latent.out(), steps=20)
    pictures = on.decoded(drawn.out())
    moved = page.add("ADK_CameraMove", clips=pictures.out(), move=move, **camera)
    encoded = page.add("ADK_EncodeClips", clips=moved.out(), vae=on.vae, clip=on.clip)
    return [[*conds, latent], [drawn, pictures], [moved, encoded]]


def training(info: Info, train: str, note: str, learning_rate: float, **more: Any) -> Template:
    """Draw pictures, move a camera over them, train, and show what was learnt."""
    on = checkpoint(info)
    page = on.page
    motion = page.add("ADK_LoadMotionModel", motion_model=V2)
    conds = on.prompts(STILL)
    move = "zoom in" if train == "ADK_TrainMotionLoRA" else "pan left"
    drawn = clips(on, conds, 8, move, caption=STILL)
    settings = page.add("ADK_TrainingSettings", look=WIDE, steps=500, learning_rate=learning_rate)
    given = {"model": on.model, "motion_model": motion.out(), "clips": drawn[-1][-1].out()}
    trained = page.add(train, look=SHOWN, settings=settings.out(), **given, **more)
    latent = on.latent(16, 256)
    shown = rendered(on, trained.out(), conds, latent)
    webp = on.picture(shown[-1].out(), "trained")
    text = page.note(LINKS + note + RESUME)
    return page, [
        [Group("Models", [[on.loader, motion]]), Group("", [[text]])],
        [
            Group("1. Pictures and a camera that moves over them", drawn),
            Group("2. Train", [[settings], [trained]]),
        ],
        [Group("3. What was learnt", [[latent, *shown[:-1]], [shown[-1], webp]])],
    ]


def rendered(on: Sheet, motion: Output, conds: list[Node], latent: Node) -> list[Node]:
    """An animation with a motion model: what applies it, the sampler, the decoder."""
    applied = on.page.add("ADK_ApplyMotionModel", model=on.model, motion_model=motion)
    sampler = on.sampled(applied.out(), conds, latent.out(), seed=2)
    return [applied, sampler, on.decoded(sampler.out())]


def train_motion_lora(info: Info) -> Template:
    return training(info, "ADK_TrainMotionLoRA", LORA, 0.0002, name="zoom_in")


def fine_tune_motion_module(info: Info) -> Template:
    return training(
        info, "ADK_TrainMotionModule", MODULE, 0.00002, name="panning_motion_module", family="v2"
    )


LORA = """Trains a **MotionLoRA** that zooms in, and shows it.

The clips are made here: the checkpoint draws eight pictures, Move Camera zooms into each. Put \
Load Video Clips in the place of the sampler and VAE Decode to use your own videos.

The trained file lands in models/animatediff_motion_lora."""
MODULE = """Fine-tunes a **motion module**, and shows it.

The clips are made here: the checkpoint draws eight pictures, Move Camera pans over each. Put \
Load Video Clips in the place of the sampler and VAE Decode to use your own videos; a motion \
module wants hundreds.

The trained file lands in models/animatediff_models."""
RESUME = """

**Cancel** leaves a checkpoint. The name of its run in resume goes on from there."""


def train_a_camera_move(info: Info) -> Template:
    """On the small world: minutes on a CPU, before and after side by side."""
    on = small_world(info)
    page = on.page
    motion = page.add("ADK_LoadMotionModel", motion_model="small_world_motion.safetensors")
    conds = on.prompts(SQUARE)
    drawn = clips(on, conds, 12, "pan left", caption=SQUARE, width=64, height=64)
    settings = page.add(
        "ADK_TrainingSettings",
        look=WIDE,
        **FEW_STEPS,
    )
    trained = page.add(
        "ADK_TrainMotionLoRA",
        look=SHOWN,
        model=on.model,
        motion_model=motion.out(),
        clips=drawn[-1][-1].out(),
        rank=8,
        settings=settings.out(),
        name="small_world_my_move",
    )
    show = on.prompt("a yellow star on a teal checkered background")
    latent = on.latent(16)
    before = rendered(on, motion.out(), [show, conds[1]], latent)
    after = rendered(on, trained.out(), [show, conds[1]], latent)
    pair = page.add(
        "ImageStitch", "Before and after", image1=before[-1].out(), image2=after[-1].out()
    )
    larger = on.enlarged(pair.out(), 4.0)
    webp = on.picture(larger.out(), "trained", look=Look(PICTURE // 2, PICTURE))
    note = page.note(SMALL + SMALL_TRAINING)
    return page, [
        [Group("Models", [[on.loader, motion]]), Group("", [[note]])],
        [
            Group("1. Pictures and a camera that moves over them", drawn),
            Group("2. Train", [[settings], [trained]]),
        ],
        [
            Group("3. Another prompt", [[show], [latent]]),
            Group("4. Before, and after", [before, after]),
        ],
        [Group("5. Side by side", [[pair, larger, webp]])],
    ]


FEW_STEPS: dict[str, Any] = {
    # where things are is settled in strong noise: so the small world's own moves were trained
    "steps": 120,
    "batch_size": 2,
    "learning_rate": 0.005,
    "min_timestep": 700,
    "snr_gamma": 0.003,
    "debias": 1.0,
    "save_every": 0,
    "preview_every": 60,
}
SQUARE = "a red square on a gray checkered background"
SMALL_TRAINING = """Trains a camera that **pans to the left**, in a few minutes on a CPU, and \
shows the same prompt and seed before and after, side by side.

The clips are made here: the image model draws twelve pictures, Move Camera pans over each. The \
loss and a moving preview appear in the training node while it runs.

Choose another move in Move Camera, more steps for a steadier one. The trained file lands in \
models/animatediff_motion_lora."""
