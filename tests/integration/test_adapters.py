"""SparseCtrl, PIA, AnimateLCM-I2V and CameraCtrl in the real server, on live weights of the
stand-in's widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.integration.graphs import Link, Scene, all_differ, fails, latents
from adk_tests.integration.test_animation import moved
from adk_tests.stand_in.checkpoint import CONTEXT
from adk_tests.stand_in.weights import STAND_IN_WIDTHS, motion_model_state_dict
from adk_tests.support import camera, image_to_video, sparse, tiny
from animatediff_kit.launcher.server import Server
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

FRAMES = 6
GAIN = 0.3
"""Of what the adapters hand to the UNet: at 1 it drowns the checkpoint, as random weights do."""

HINT_GAIN = 1.8
"""Of the convolutions that meet a hint, so that eight with a SiLU between let it through."""

Write = Callable[[str, str], Path]

MOTION: dict[str, Any] = dict(strength=1.0, motion_scale=1.0, beta_schedule="automatic")


def halved(weights: dict[str, Tensor], *handed: str) -> dict[str, Tensor]:
    """In fp16, the tensors whose names begin so made fainter."""
    return {
        key: (weight * GAIN if key.startswith(handed) else weight).half()
        for key, weight in weights.items()
    }


@pytest.fixture
def pictures(server: Server) -> Iterator[list[str]]:
    """Two pictures in ComfyUI's input folder."""
    names = ["adk_one.png", "adk_two.png"]
    generator = torch.Generator().manual_seed(1)
    for name in names:
        pixels = torch.randint(0, 256, (4, 4, 3), generator=generator, dtype=torch.uint8)
        picture = Image.fromarray(pixels.numpy()).resize((32, 32), Image.Resampling.NEAREST)
        picture.save(server.base / "input" / name)
    yield names
    for name in names:
        (server.base / "input" / name).unlink()


def batch(scene: Scene, *names: str) -> Link:
    images = [scene.link("LoadImage", image=name) for name in names]
    first, *rest = images
    for image in rest:
        first = scene.link("ImageBatch", image1=first, image2=image)
    return first


def steered(scene: Scene, control: Link, images: Link, **more: Any) -> dict[str, Link]:
    """Prompts for the sampler."""
    node = scene.add(
        "ADK_ApplySparseControl",
        positive=scene.positive,
        negative=scene.negative,
        sparse_control=control,
        images=images,
        placement="indices",
        strength=1.0,
        start_percent=0.0,
        end_percent=1.0,
        **more,
    )
    return {"positive": [node, 0], "negative": [node, 1]}


@pytest.mark.parametrize("kind", ["rgb", "scribble"])
def test_sparsectrl_steers_every_frame_in_windows_too(
    server: Server, place: Write, pictures: list[str], kind: str
) -> None:
    weights = sparse.weights(kind, STAND_IN_WIDTHS, CONTEXT)
    for key in (key for key in weights if key.startswith("controlnet_cond") and "weight" in key):
        weights[key] *= HINT_GAIN
    weights = halved(weights, "controlnet_down_blocks", "controlnet_mid_block")
    save_file(weights, str(place("controlnet", "adk_sparse.safetensors")))
    for windows in (False, True):
        scene = Scene(FRAMES)
        model = scene.animated()
        if windows:
            model = scene.windowed(model, length=4, overlap=1)
        control = scene.link("ADK_LoadSparseControl", sparse_control="adk_sparse.safetensors")
        vae = {"vae": scene.vae} if kind == "rgb" else {}
        prompts = [
            steered(scene, control, batch(scene, *names), frame_indices="0, -1", **vae)
            for names in (pictures, pictures[::-1])
        ]
        (plain,) = latents(server, scene, model, steps=1)
        made = []
        for given in prompts:
            made += latents(server, scene, model, steps=1, **given)
        for one, other in ((plain, made[0]), (made[0], made[1])):
            assert all(moved(a, b) > 1e-3 for a, b in zip(one, other, strict=True))
        assert all_differ(made[0])


def test_sparsectrl_in_the_wrong_place_is_told(
    server: Server, place: Write, pictures: list[str]
) -> None:
    weights = sparse.weights("rgb", (32, 32, 32, 32))
    save_file(weights, str(place("animatediff_models", "adk_sparse.safetensors")))
    scene = Scene(2)
    scene.kept(scene.sampled(scene.animated(scene.motion_model("adk_sparse.safetensors"))))
    fails(
        server,
        scene,
        "ADK_LoadMotionModel",
        r"adk_sparse\.safetensors is no motion model but a SparseCtrl model: load it with Load "
        r"SparseCtrl Model\.",
    )
    scene = Scene(2)
    control = scene.link("ADK_LoadSparseControl", sparse_control="adk_sparse.safetensors")
    given = steered(scene, control, batch(scene, pictures[0]), frame_indices="0")
    scene.kept(scene.sampled(scene.model, **given))
    fails(
        server,
        scene,
        "ADK_ApplySparseControl",
        r"adk_sparse\.safetensors is SparseCtrl's rgb model, which sees hint images as latents; "
        r"connect the checkpoint's VAE to vae\.",
    )


def live(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    return tiny.randomise({key: torch.empty(shape) for key, shape in shapes.items()}, 4)


def pia_file() -> dict[str, Tensor]:
    first = {"conv_in.weight": (320, 9, 3, 3), "conv_in.bias": (320,)}
    return {**motion_model_state_dict(seed=1), **halved(live(first))}


def image_to_video_file() -> dict[str, Tensor]:
    encoder = halved(live(image_to_video.encoder_shapes(STAND_IN_WIDTHS)), "img_encoder.")
    motion = motion_model_state_dict(mid_block=True, positions=None, seed=1)
    return {**motion, **encoder}


@pytest.mark.parametrize(
    ("node", "file", "choice"),
    [
        (
            "ADK_ApplyPIA",
            pia_file,
            [
                dict(affinity="small motion", image_frame=0),
                dict(affinity="large motion", image_frame=0),
            ],
        ),
        (
            "ADK_ApplyImageToVideo",
            image_to_video_file,
            [
                dict(frame_code=0.8, image_strength=1.0),
                dict(frame_code=0.0, image_strength=1.0),
            ],
        ),
    ],
    ids=["PIA", "AnimateLCM-I2V"],
)
def test_a_picture_becomes_a_video_in_windows_too(
    server: Server,
    place: Write,
    pictures: list[str],
    node: str,
    file: Callable[[], dict[str, Tensor]],
    choice: list[dict[str, Any]],
) -> None:
    save_file(file(), str(place("animatediff_models", "adk_picture.safetensors")))
    for windows in (False, True):
        scene = Scene(FRAMES)
        motion = scene.motion_model("adk_picture.safetensors")
        models = [
            scene.link(
                node,
                model=scene.model,
                motion_model=motion,
                image=batch(scene, name),
                vae=scene.vae,
                **MOTION,
                **settings,
            )
            for name, settings in (
                (pictures[0], choice[0]),
                (pictures[1], choice[0]),
                (pictures[0], choice[1]),
            )
        ]
        if windows:
            models = [scene.windowed(model, length=4, overlap=1) for model in models]
        made = latents(server, scene, *models, steps=1, cfg=1.0)
        assert all(bool(torch.isfinite(video).all()) and all_differ(video) for video in made)
        assert all(moved(a, b) > 1e-3 for a, b in zip(made[0], made[1], strict=True))
        assert moved(made[0], made[2]) > 1e-3


def camera_path(scene: Scene, frames: int, **moves: Any) -> str:
    still = dict.fromkeys(("zoom", "pan", "tilt", "roll", "orbit", "right", "up"), 0.0)
    values = {**still, "easing": "linear", "radius": 2.0, "poses": "", **moves}
    return scene.add("ADK_CameraPath", frames=frames, **values)


def test_a_camera_follows_its_path_in_windows_too(server: Server, place: Write) -> None:
    """Joined moves from two nodes, or the text of a path; another path gives other frames."""
    file = halved(camera.weights(4, STAND_IN_WIDTHS))
    save_file(file, str(place("animatediff_models", "adk_camera.safetensors")))
    for windows in (False, True):
        scene = Scene(FRAMES)
        first = camera_path(scene, 2, zoom=1.0, easing="smooth")
        joined = camera_path(scene, FRAMES - 2, pan=30.0, before=[first, 0])
        text = camera_path(scene, FRAMES, poses=[joined, 2])
        turned = camera_path(scene, FRAMES, roll=60.0)
        animated = scene.animated()
        models = [
            scene.link(
                "ADK_ApplyCameraControl",
                model=animated,
                camera_control="adk_camera.safetensors",
                camera_path=[path, 0],
                strength=1.0,
                start_percent=0.0,
                end_percent=1.0,
            )
            for path in (joined, text, turned)
        ]
        models = [animated, *models]
        if windows:
            models = [scene.windowed(model, length=4, overlap=1) for model in models]
        plain, moves, read, other = latents(server, scene, *models, steps=1, cfg=1.0)
        assert torch.isfinite(moves).all() and all_differ(moves)
        assert moved(moves, read) < 1e-3 < moved(moves, other)
        assert all(moved(a, b) > 1e-3 for a, b in zip(plain, moves, strict=True))
    scene = Scene(2)
    scene.kept(scene.sampled(scene.animated(scene.motion_model("adk_camera.safetensors"))))
    fails(
        server,
        scene,
        "ADK_LoadMotionModel",
        r"adk_camera\.safetensors is no motion model but a CameraCtrl adapter: choose it in Apply "
        r"Camera Control\.",
    )
