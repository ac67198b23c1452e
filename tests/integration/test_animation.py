"""Animation in the real server: live motion, an unharmed base model, windows, saved models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from adk_tests.integration.graphs import Scene, all_differ, computed, latents, run
from adk_tests.stand_in import files as stand_in
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.server import Server
from safetensors import safe_open
from torch import Tensor

UNET = "model.diffusion_model."


def plain(server: Server, frames: int = 3) -> Tensor:
    scene = Scene(frames)
    return latents(server, scene, scene.model)[0]


def moved(one: Tensor, other: Tensor) -> float:
    """How far apart two latents are, in standard deviations of the first."""
    return float((one - other).std() / one.std())


def test_strength_zero_is_the_unanimated_batch_bit_for_bit(server: Server) -> None:
    scene = Scene()
    still = scene.animated(strength=0.0, beta_schedule="checkpoint")
    bare, zero, full = latents(server, scene, scene.model, still, scene.animated())
    assert torch.equal(bare, zero)
    assert moved(bare, full) > 0.1 and all_differ(full)


def test_the_frames_of_an_animation_know_of_each_other(server: Server) -> None:
    """One frame more changes the others by motion alone: noise and stills stay as they were."""
    stills, moving = [], []
    for frames in (3, 4):
        scene = Scene(frames)
        still, animated = latents(server, scene, scene.model, scene.animated(), steps=1)
        stills.append(still[:3])
        moving.append(animated[:3])
    assert moved(*stills) < 1e-5
    assert moved(*moving) > 0.01


def test_the_base_model_is_unharmed_by_an_animation(server: Server) -> None:
    before = plain(server)
    scene = Scene()
    latents(server, scene, scene.animated())
    after = Scene()
    sampler = after.sampled(after.model)
    keeper = after.kept(sampler)
    done = run(server, after)
    assert after.model[0] not in done.executed()  # the very model that was animated
    assert sampler[0] in done.executed()
    assert torch.equal(before, done.latent(keeper))


def test_samplers_in_one_graph_do_not_disturb_each_other(server: Server) -> None:
    settings: list[dict[str, Any]] = [{}, {"strength": 0.5, "motion_scale": 1.5}]
    alone = [plain(server)]
    for values in settings:
        scene = Scene()
        alone += latents(server, scene, scene.animated(**values))
    scene = Scene()
    motion = scene.motion_model()
    models = [scene.model, *(scene.animated(motion, **values) for values in settings)]
    for one, together in zip(alone, latents(server, scene, *models), strict=True):
        assert torch.equal(one, together)
    assert moved(alone[0], alone[1]) > 0.1 and moved(alone[1], alone[2]) > 0.1


def changes_but_not_at_zero(made: list[Tensor]) -> None:
    """Of three animations: without something, with it at zero, with it in full."""
    without, zero, full = made
    assert torch.equal(without, zero)
    assert moved(without, full) > 0.01


def test_a_motion_lora_moves_and_at_strength_zero_is_none(server: Server) -> None:
    scene = Scene()
    motion = scene.motion_model()
    loras = [
        scene.link(
            "ADK_LoadMotionLoRA", motion_model=motion, lora=stand_in.MOTION_LORA, strength=value
        )
        for value in (0.0, 1.0)
    ]
    models = [scene.animated(file) for file in (motion, *loras)]
    changes_but_not_at_zero(latents(server, scene, *models))


def test_a_domain_adapter_changes_the_look_and_at_scale_zero_is_none(server: Server) -> None:
    scene = Scene()
    animated = scene.animated()
    adapted = [
        scene.link(
            "ADK_DomainAdapter", model=animated, adapter=stand_in.DOMAIN_ADAPTER, scale=value
        )
        for value in (0.0, 1.0)
    ]
    changes_but_not_at_zero(latents(server, scene, animated, *adapted))


def test_the_node_for_most_people_is_the_chain_of_the_others(server: Server) -> None:
    scene = Scene(18)
    lora = scene.link(
        "ADK_LoadMotionLoRA",
        motion_model=scene.motion_model(),
        lora=stand_in.MOTION_LORA,
        strength=0.7,
    )
    chained = scene.windowed(scene.animated(lora, motion_scale=1.2))
    whole = scene.link(
        "ADK_Animate",
        model=scene.model,
        motion_model=stand_in.MOTION_MODEL,
        motion_lora=stand_in.MOTION_LORA,
        lora_strength=0.7,
        motion_scale=1.2,
        context_length=16,
        context_overlap=4,
        beta_schedule="automatic",
    )
    one, other = latents(server, scene, chained, whole, steps=1, cfg=1.0)
    assert torch.equal(one, other)


def test_a_checkpoint_saved_after_sampling_is_the_base_model(server: Server) -> None:
    scene = Scene()
    animated = scene.animated()
    latents(server, scene, animated)
    scene.add(
        "CheckpointSave",
        model=animated,
        clip=scene.clip,
        vae=scene.vae,
        filename_prefix="saved_after_sampling",
    )
    run(server, scene)
    (saved,) = (server.base / "output").glob("saved_after_sampling*.safetensors")
    original = server.base / "models" / "checkpoints" / stand_in.CHECKPOINT
    with safe_open(saved, "pt") as after, safe_open(original, "pt") as before:
        names = {key for key in after.keys() if key.startswith(UNET)}
        assert names == {key for key in before.keys() if key.startswith(UNET)}
        assert not [key for key in after.keys() if "motion" in key or "temporal" in key]
        for name in names:
            assert torch.equal(after.get_tensor(name).float(), before.get_tensor(name).float())
    saved.unlink()


def test_one_window_over_all_frames_is_none_bit_for_bit(server: Server) -> None:
    scene = Scene(4)
    animated = scene.animated()
    windows = [
        scene.windowed(animated, length=length, overlap=1, schedule=schedule)
        for schedule in (
            "standard_static",
            "standard_uniform",
            "looped_uniform",
            "batched",
            "views",
        )
        for length in (4, 16)
    ]
    without, *windowed = latents(server, scene, animated, *windows, steps=1, cfg=1.0)
    assert all(torch.equal(without, one) for one in windowed)


def test_forty_frames_in_windows(server: Server) -> None:
    scene = Scene(40)
    animated = scene.animated()
    settings: list[dict[str, Any]] = [
        {},
        {"schedule": "looped_uniform", "closed_loop": True},
        {"schedule": "views"},
    ]
    windowed = [scene.windowed(animated, **values) for values in settings]
    bare, *long = latents(server, scene, scene.model, *windowed, steps=1, cfg=1.0)
    for video in long:
        assert video.shape == (40, 4, 4, 4) and bool(torch.isfinite(video).all())
        assert all_differ(video)
        for start in range(0, 40, 8):  # no stretch of the video was left out
            assert moved(bare[start : start + 8], video[start : start + 8]) > 0.05
    assert not torch.equal(long[0], long[1]) and not torch.equal(long[0], long[2])


def test_weights_in_eight_bits_that_are_unloaded_after_use(
    comfy: ComfyUI, base: Path, server: Server
) -> None:
    flags = ("--fp8_e4m3fn-unet", "--disable-smart-memory", "--cache-classic")
    scene = Scene(2)
    models = (
        scene.model,
        scene.animated(strength=0.0, beta_schedule="checkpoint"),
        scene.animated(),
    )
    samplers = [scene.sampled(model, cfg=1.0) for model in models]
    bare, _, full = computed(server, scene, samplers)
    with Server(comfy, base, base / "eight_bits.log", flags) as other:
        coarse, zero, rough = computed(other, scene, samplers)
    assert torch.equal(coarse, zero)
    assert not torch.equal(coarse, bare)
    motion, known = (rough - coarse).flatten(), (full - bare).flatten()
    assert torch.cosine_similarity(motion, known, dim=0) > 0.98
