"""The template of Train Camera Move: the camera's zoom on the small world, without a data set."""

from __future__ import annotations

from .animations import Template
from .kinds import Info
from .layout import Group
from .parts import SHOWN, SMALL, WIDE, small_world
from .trainings import FEW_STEPS, before_and_after


def train_zoom_in_and_out(info: Info) -> Template:
    """Some ten minutes on a CPU, as downloaded: before and after side by side."""
    on = small_world(info)
    page = on.page
    motion = page.add("ADK_LoadMotionModel", motion_model="small_world_motion.safetensors")
    settings = page.add("ADK_TrainingSettings", look=WIDE, **AXIS_STEPS)
    trained = page.add(
        "ADK_TrainCameraMove",
        look=SHOWN,
        model=on.model,
        motion_model=motion.out(),
        vae=on.vae,
        clip=on.clip,
        settings=settings.out(),
        axis="zoom",
        prompts="\n".join(PICTURES),
        pictures=6,
        clips=48,
        width=64,
        height=64,
        rank=8,
        name="small_world_my_camera",
    )
    negative = on.negative()
    compared, side_by_side = before_and_after(on, motion, trained, negative, [negative])
    note = page.note(SMALL + ZOOM)
    return page, [
        [Group("Models", [[on.loader, motion]]), Group("", [[note]])],
        [
            Group("1. How long", [[settings]]),
            Group("2. Pictures, a camera over them, and a run", [[trained]]),
        ],
        compared,
        side_by_side,
    ]


AXIS_STEPS = {
    **FEW_STEPS,
    # a clip is seen forwards and backwards, so one of them fills a batch as two do elsewhere; which
    # way it goes is settled in strong noise
    "batch_size": 1,
    "gradient_checkpointing": False,
    "steps": 300,
    "min_timestep": 850,
    "snr_gamma": 0.001,
}
PICTURES = (
    "a red square on a gray checkered background",
    "a blue circle on a white checkered background",
    "a green triangle on a pink checkered background",
    "a purple cross on a teal checkered background",
    "an orange star on a black checkered background",
    "a yellow circle on a gray checkered background",
)
ZOOM = """Trains **two files from no clips at all**: one that zooms in and one that zooms out, in \
some ten minutes on a CPU. Shows the same prompt and seed before and after, side by side.

The image model draws a picture of each prompt, at twice the size of a clip. Clips are cut from \
them by a camera that zooms by amounts from -1 to 1, and the amount becomes the strength of the \
files: small_world_my_camera_zoom_in at 0.5 zooms half as far, at -1 it zooms out.

Choose another axis in the training node, or connect pictures of your own to images. The files \
land in models/animatediff_motion_lora; Load MotionLoRA loads them."""
