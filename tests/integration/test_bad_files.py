"""Bad and misplaced model files over HTTP: one readable sentence each, and the server goes on as
before."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.integration import image_models
from adk_tests.integration.graphs import ANIMATE, Link, Scene, fails, refusal
from adk_tests.stand_in import files as stand_in
from adk_tests.stand_in import weights as weights
from animatediff_kit.launcher.server import Server
from safetensors.torch import save, save_file
from torch import Tensor

pytestmark = pytest.mark.usefixtures("the_server_goes_on")

WIDTHS = (32, 32, 32, 32)
QUERY = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0."
    "to_q.weight"
)
UNREADABLE = (
    r"bad\.safetensors \([\d,]+ bytes\) cannot be read as a weights file; it is incomplete, "
    r"damaged, or of another kind than its extension says\. Download it again and compare the "
    r"size\."
)
UNUSABLE = r"bad\.safetensors cannot be used as a motion model: "
State = dict[str, Tensor]


def good() -> State:
    return weights.motion_model_state_dict(WIDTHS)


def with_motion_model(name: str) -> Scene:
    scene = Scene(2)
    scene.kept(scene.sampled(scene.animated(scene.motion_model(name)), steps=1, cfg=1.0))
    return scene


def truncated(path: Path) -> None:
    content = save(good())
    path.write_bytes(content[: len(content) // 2])


def corrupt_header(path: Path) -> None:
    content = bytearray(save(good()))
    content[8:40] = b"\xff" * 32
    path.write_bytes(content)


def huge_header(path: Path) -> None:
    path.write_bytes((2**60).to_bytes(8, "little") + save(good())[8:])


def saved(state: Callable[[], State]) -> Callable[[Path], None]:
    return lambda path: save_file(state(), str(path))


BAD_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (truncated, UNREADABLE),
    "corrupt header": (corrupt_header, UNREADABLE),
    "header beyond the file": (huge_header, UNREADABLE),
    "empty": (Path.touch, UNREADABLE),
    "missing tensors": (
        saved(lambda: {k: t for k, t in good().items() if "up_blocks.2" not in k}),
        UNUSABLE + r"78 of its 520 tensors are missing, \S+ for one: download it again\.",
    ),
    "wrong shape": (
        saved(lambda: {**good(), QUERY: torch.ones(32, 31)}),
        UNUSABLE + rf"1 of its tensors have the wrong shape, {re.escape(QUERY)} for one: "
        r"\[32, 31\] instead of \[32, 32\]\.",
    ),
    "NaN": (
        saved(lambda: {**good(), QUERY: torch.full((32, 32), float("nan"))}),
        rf"bad\.safetensors holds NaN or infinite weights, in {re.escape(QUERY)} for one\. "
        r"Download it again\.",
    ),
    "MotionLoRA": (
        saved(lambda: weights.motion_lora_state_dict(WIDTHS)),
        r"bad\.safetensors is no motion model but a MotionLoRA: load it with Load MotionLoRA\.",
    ),
    "domain adapter": (
        saved(lambda: weights.domain_adapter_state_dict(WIDTHS)),
        r"bad\.safetensors is no motion model but a LoRA of the image model: load it with Apply "
        r"Domain Adapter \(v3_sd15_adapter\) or Load LoRA\.",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_motion_model(server: Server, place: Any, name: str) -> None:
    write, sentence = BAD_FILES[name]
    write(place("animatediff_models", "bad.safetensors"))
    fails(server, with_motion_model("bad.safetensors"), "ADK_LoadMotionModel", sentence)


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("folder", ["animatediff_models", "animatediff_motion_lora", "loras"])
def test_code_in_a_pickle_is_never_run(
    server: Server, place: Any, tmp_path: Path, folder: str
) -> None:
    marker, file = tmp_path / "was_run", place(folder, "bad.ckpt")
    torch.save({"state_dict": good(), "callback": Payload(marker)}, file)
    torch.load(file, weights_only=False)
    marker.rmdir()  # the code works; the server must not run it
    scene = Scene(2)
    model, node = scene.model, "ADK_LoadMotionModel"
    if folder == "animatediff_models":
        model = scene.animated(scene.motion_model(file.name))
    elif folder == "loras":
        node = "ADK_DomainAdapter"
        model = scene.link(node, model=model, adapter=file.name, scale=1.0)
    else:
        node = "ADK_LoadMotionLoRA"
        motion = scene.motion_model()
        model = scene.animated(scene.link(node, motion_model=motion, lora=file.name, strength=1.0))
    scene.kept(scene.sampled(model))
    sentence = (
        r"bad\.ckpt asks to run code while it is opened \(\w+\.mkdir\), so it was not opened and "
        r"nothing ran\. Get the weights as \.safetensors, or from their author\."
    )
    fails(server, scene, node, sentence)
    assert not marker.exists()


def test_a_motion_model_in_the_place_of_a_lora(server: Server, place: Any) -> None:
    save_file(good(), place("animatediff_motion_lora", "bad.safetensors"))
    save_file(good(), place("loras", "wrong.safetensors"))
    loaded = "a motion model: load it with Load Motion Model"
    scene = Scene(2)
    scene.kept(scene.sampled(scene.animated(motion_lora(scene, "bad.safetensors"))))
    sentence = rf"bad\.safetensors is no MotionLoRA but {loaded}\."
    fails(server, scene, "ADK_LoadMotionLoRA", sentence)
    scene = Scene(2)
    scene.kept(scene.sampled(adapted(scene, "wrong.safetensors")))
    sentence = rf"wrong\.safetensors is no domain adapter but {loaded}\."
    fails(server, scene, "ADK_DomainAdapter", sentence)


def test_a_motion_lora_of_other_widths(server: Server, place: Any) -> None:
    lora = weights.motion_lora_state_dict(WIDTHS)
    save_file(lora, place("animatediff_motion_lora", "bad.safetensors"))
    scene = Scene(2)
    scene.kept(scene.sampled(scene.animated(motion_lora(scene, "bad.safetensors"))))
    sentence = (
        rf"bad\.safetensors does not fit {stand_in.MOTION_MODEL}: at \S+ its up \[32, 8\] and down "
        r"\[8, 32\] change no weight of shape \[320, 320\], which the motion model has\. Use a "
        r"MotionLoRA made for it\."
    )
    fails(server, scene, "ADK_LoadMotionLoRA", sentence)


def motion_lora(scene: Scene, name: str) -> Link:
    motion = scene.motion_model()
    return scene.link("ADK_LoadMotionLoRA", motion_model=motion, lora=name, strength=1.0)


def adapted(scene: Scene, name: str) -> Link:
    return scene.link("ADK_DomainAdapter", model=scene.model, adapter=name, scale=1.0)


def test_a_motion_model_of_other_widths(server: Server, place: Any) -> None:
    save_file(good(), place("animatediff_models", "bad.safetensors"))
    sentence = (
        r"bad\.safetensors has 4 levels of 32, 32, 32, 32 channels, no middle module, but this "
        r"UNet \(SD1\.5\) has 4 levels of 320, 320, 320, 320 channels, a middle module\. Load a "
        r"checkpoint and a motion model that were made for each other\."
    )
    fails(server, with_motion_model("bad.safetensors"), "ADK_ApplyMotionModel", sentence)


def test_an_sdxl_motion_model_on_sd15(server: Server, place: Any) -> None:
    motion = weights.motion_model_state_dict(WIDTHS[:3])
    save_file(motion, place("animatediff_models", "bad.safetensors"))
    sentence = (
        r"bad\.safetensors is an SDXL motion model, but the checkpoint is SD1\.5\. Load an SDXL "
        r"checkpoint, or an SD1\.5 motion model \(mm_sd_v15, mm_sd_v15_v2, v3_sd15_mm\)\."
    )
    fails(server, with_motion_model("bad.safetensors"), "ADK_ApplyMotionModel", sentence)


OTHER_MODELS: dict[str, tuple[Callable[[Path], None], str]] = {
    "SDXL": (
        image_models.write_sdxl,
        rf"{stand_in.MOTION_MODEL} is an SD1\.5 motion model, but the checkpoint is SDXL\. Load an "
        r"SD1\.5 checkpoint, or an SDXL motion model \(mm_sdxl_v10_beta, hsxl_temporal_layers\)\.",
    ),
    "Wan": (
        image_models.write_wan,
        rf"{stand_in.MOTION_MODEL} moves the layers of a Stable Diffusion UNet, but this model is "
        r"WAN21_T2V, which has none\. Load an SD1\.5 checkpoint\.",
    ),
}


@pytest.mark.parametrize("kind", OTHER_MODELS)
@pytest.mark.parametrize("node", ["ADK_ApplyMotionModel", "ADK_Animate"])
def test_a_motion_model_on_another_kind_of_model(
    server: Server, place: Any, kind: str, node: str
) -> None:
    write, sentence = OTHER_MODELS[kind]
    write(place("diffusion_models", "other.safetensors"))
    scene = Scene(2)
    scene.model = scene.link("UNETLoader", unet_name="other.safetensors", weight_dtype="default")
    if node == "ADK_Animate":
        scene.kept(scene.sampled(scene.link(node, model=scene.model, **ANIMATE)))
    else:
        scene.kept(scene.sampled(scene.animated()))
    fails(server, scene, node, sentence)


def test_a_file_that_is_gone_refuses_the_graph(server: Server) -> None:
    told = refusal(server, with_motion_model("gone.ckpt"))
    folder = server.base / "models" / "animatediff_models"
    assert "(ADK_LoadMotionModel)" in told
    sentence = "'gone.ckpt' is not there; your folders for it hold 1 weights file. Choose another, "
    assert f"{sentence}or put it into {folder}." in told
