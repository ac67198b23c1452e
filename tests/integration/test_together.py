"""All that people put on one model at once: each frame gets its own hint, prompt and value.

Two ControlNets with a hint a frame, a LoRA of the image model, a MotionLoRA, prompts that travel, a
patch that reads `ad_params` as IPAdapter does, and context windows, in the real server. With the
motion at rest no frame sees another, so what is given to one frame changes that frame alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from adk_tests.integration.graphs import Link, Scene, computed
from adk_tests.stand_in import files as stand_in
from adk_tests.stand_in.controlnet import write_controlnet
from animatediff_kit.launcher.server import Server
from torch import Tensor

FRAMES, LENGTH, OVERLAP = 7, 4, 2
STRENGTH: dict[str, Any] = dict(
    value=1.0, per_step="", easing="linear", outside=0.0, invert=False, frames=FRAMES
)
NETWORKS = ("together_a.safetensors", "together_b.safetensors")


@dataclass(frozen=True)
class Given:
    """What the frames are given: a grey of each hint, a prompt, a number for the patch; and how
    strongly they move."""

    first: tuple[int, ...] = tuple(range(20, 20 + 30 * FRAMES, 30))
    second: tuple[int, ...] = tuple(range(230, 230 - 30 * FRAMES, -30))
    prompts: str = "0: a red ball\n4: a blue cube"
    values: tuple[float, ...] = (0.1, -0.2, 0.3, -0.1, 0.2, -0.3, 0.15)
    motion: str = "0: 0"


@pytest.fixture(scope="module", autouse=True)
def networks(server: Server) -> Iterator[None]:
    folder = server.base / "models" / "controlnet"
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(NETWORKS):
        write_controlnet(folder / name, seed=seed + 4)
    yield
    for name in NETWORKS:
        (folder / name).unlink()


def hints(scene: Scene, greys: tuple[int, ...]) -> Link:
    pictures = [
        scene.link("EmptyImage", width=32, height=32, batch_size=1, color=grey * 0x010101)
        for grey in greys
    ]
    batch = pictures[0]
    for picture in pictures[1:]:
        batch = scene.link("ImageBatch", image1=batch, image2=picture)
    return batch


def graph(given: Given) -> tuple[Scene, Link]:
    scene = Scene(FRAMES)
    travel = scene.add(
        "ADK_PromptTravel",
        clip=scene.clip,
        prompts=given.prompts,
        frames=FRAMES,
        before="",
        after="",
        interpolation="step",
    )
    positive, negative = [travel, 0], scene.negative
    for name, greys in zip(NETWORKS, (given.first, given.second), strict=True):
        applied = scene.add(
            "ControlNetApplyAdvanced",
            positive=positive,
            negative=negative,
            control_net=scene.link("ControlNetLoader", control_net_name=name),
            image=hints(scene, greys),
            strength=0.7,
            start_percent=0.0,
            end_percent=1.0,
        )
        positive, negative = [applied, 0], [applied, 1]
    model = scene.link(
        "LoraLoaderModelOnly",
        model=scene.model,
        lora_name=stand_in.DOMAIN_ADAPTER,
        strength_model=0.6,
    )
    moved = scene.link(
        "ADK_LoadMotionLoRA",
        motion_model=scene.motion_model(),
        lora=stand_in.MOTION_LORA,
        strength=0.8,
    )
    over_time = scene.link("ADK_Strength", per_frame=given.motion, **STRENGTH)
    animated = scene.animated(moved, model=model, strength_over_time=over_time)
    patched = scene.link("TestFramePatch", model=animated, values=",".join(map(str, given.values)))
    windowed = scene.windowed(patched, length=LENGTH, overlap=OVERLAP)
    return scene, scene.sampled(windowed, positive=positive, negative=negative)


def frames_of(server: Server, given: Given) -> Tensor:
    scene, samples = graph(given)
    return computed(server, scene, [samples])[0]


@pytest.fixture(scope="module")
def still(server: Server) -> Tensor:
    return frames_of(server, Given())


def changed(values: tuple[Any, ...], frame: int, value: Any) -> tuple[Any, ...]:
    return (*values[:frame], value, *values[frame + 1 :])


OF_ONE_FRAME = {
    # what is changed -> the frame that it is given to
    "hint of the first ControlNet": (5, replace(Given(), first=changed(Given().first, 5, 0))),
    "hint of the second ControlNet": (2, replace(Given(), second=changed(Given().second, 2, 0))),
    "prompt": (3, replace(Given(), prompts="0: a red ball\n3: rain\n4: a blue cube")),
    "value of a patch": (6, replace(Given(), values=changed(Given().values, 6, 0.9))),
    "strength of the motion": (4, replace(Given(), motion="3: 0, 4: 1, 5: 0")),
}


@pytest.mark.parametrize("what", OF_ONE_FRAME)
def test_what_one_frame_is_given_changes_that_frame_alone(
    server: Server, still: Tensor, what: str
) -> None:
    frame, given = OF_ONE_FRAME[what]
    differences = (frames_of(server, given) - still).abs().amax((1, 2, 3))
    assert differences[frame] > 1e-3
    assert differences[[other for other in range(FRAMES) if other != frame]].max() < 1e-5


def test_with_motion_the_frames_of_its_windows_follow(server: Server, still: Tensor) -> None:
    moving = Given(motion="0: 1")
    frames = frames_of(server, moving)
    assert torch.isfinite(frames).all()
    assert ((frames - still).abs().amax((1, 2, 3)) > 1e-3).all()
    other = frames_of(server, replace(moving, first=changed(moving.first, 0, 255)))
    differences = (other - frames).abs().amax((1, 2, 3))
    assert (differences[:LENGTH] > 1e-4).all()
