"""Old graphs of AnimateDiff-Evolved in the real server, against this pack's own nodes."""

from __future__ import annotations

from typing import Any

import av
import pytest
import torch
from adk_tests.integration.graphs import Link, Scene, computed, frames_of, refusal, run
from adk_tests.nodes.evolved.facts import FACTS
from adk_tests.stand_in import files as stand_in
from animatediff_kit.launcher.server import Server
from PIL import Image

FRAMES = 6
WINDOWS: dict[str, Any] = dict(context_length=4, context_stride=1, context_overlap=2)


def test_the_page_is_given_the_ids_and_the_code(server: Server) -> None:
    info = server.client.object_info()
    assert set(FACTS) <= set(info)
    assert all(info[name]["deprecated"] for name in FACTS)
    scripts = server.client.get_json("/extensions")
    assert sum(script.endswith("/evolved_widgets.js") for script in scripts) == 1


def legacy(scene: Scene, **more: Any) -> Link:
    """As a prompt has it that names what it must and no more."""
    return scene.link(
        "ADE_AnimateDiffLoaderWithContext",
        model=scene.model,
        model_name=stand_in.MOTION_MODEL,
        beta_schedule="sqrt_linear (AnimateDiff)",
        **more,
    )


def test_a_legacy_graph(server: Server) -> None:
    """Widgets that are left out, an input that no longer is one, one by the name it had in 2023,
    windows without a fuse method."""
    scene = Scene(FRAMES)
    context = scene.link(
        "ADE_AnimateDiffUniformContextOptions",
        **WINDOWS,
        context_schedule="uniform",
        closed_loop=True,
        ad_gif_preview__0="/view?filename=AD__00007_.gif",
    )
    lora = scene.link("ADE_AnimateDiffLoRALoader", lora_name=stand_in.MOTION_LORA, strength=0.8)
    old = legacy(scene, context_options=context, motion_lora=lora, lora_name="unknown")
    motion = scene.link(
        "ADK_LoadMotionLoRA",
        motion_model=scene.motion_model(),
        lora=stand_in.MOTION_LORA,
        strength=0.8,
    )
    shown = dict(length=4, overlap=2, schedule="looped_uniform", fuse="flat", closed_loop=True)
    ours = scene.windowed(scene.animated(motion), **shown)
    both = computed(server, scene, [scene.sampled(model, steps=1) for model in (old, ours)])
    assert torch.equal(*both)


def test_a_gen2_graph_with_free_noise_under_a_ksampler(server: Server) -> None:
    scene = Scene(FRAMES)
    settings = scene.link(
        "ADE_AnimateDiffSamplingSettings",
        batch_offset=0,
        noise_type="FreeNoise",
        seed_gen="comfy",
        seed_offset=1,
        adapt_denoise_steps=0,
        custom_cfg=scene.link("ADE_CustomCFGSimple", cfg=2.0),
    )
    applied = scene.link(
        "ADE_ApplyAnimateDiffModelSimple",
        motion_model=scene.link("ADE_LoadAnimateDiffModel", model_name=stand_in.MOTION_MODEL),
        scale_multival=scene.link("ADE_MultivalDynamic", float_val=1.15),
    )
    old = scene.link(
        "ADE_UseEvolvedSampling",
        model=scene.model,
        m_models=applied,
        beta_schedule="autoselect",
        sample_settings=settings,
        context_options=scene.link(
            "ADE_StandardStaticContextOptions", context_length=4, context_overlap=2
        ),
    )
    ours = scene.windowed(scene.animated(motion_scale=1.15), length=4, overlap=2)
    ours = scene.link("ADK_ModelNoise", model=ours, noise="FreeNoise", seed_offset=1, **NOISE)
    ours = scene.link("ADK_ModelGuidance", model=ours, cfg=2.0)
    samplers = [scene.sampled(old, steps=1, cfg=1.0), scene.sampled(ours, steps=1, cfg=7.0)]
    plain = scene.sampled(scene.windowed(scene.animated(motion_scale=1.15), length=4, overlap=2))
    one, other, another = computed(server, scene, [*samplers, plain])
    assert torch.equal(one, other) and not torch.equal(one, another)


NOISE: dict[str, Any] = dict(length=0, overlap=4, batch_offset=0, generator="ComfyUI")


def test_a_checkpoint_with_a_noise_schedule_and_the_way_back(server: Server) -> None:
    scene = Scene(FRAMES)
    loader = scene.add(
        "CheckpointLoaderSimpleWithNoiseSelect",
        ckpt_name=stand_in.CHECKPOINT,
        beta_schedule="linear (AnimateDiff-SDXL)",
    )
    ours = scene.link("ADK_NoiseSchedule", model=scene.model, beta_schedule="AnimateDiff-SDXL")
    scene.latent = scene.link("ADE_EmptyLatentImageLarge", width=64, height=64, batch_size=2)
    back = scene.link("ADE_AnimateDiffUnload", model=legacy(scene))
    straight = scene.link("ADK_NoiseSchedule", model=scene.model, beta_schedule="AnimateDiff")
    models = ([loader, 0], ours, back, straight)
    made = computed(server, scene, [scene.sampled(model, steps=1) for model in models])
    assert torch.equal(made[0], made[1]) and torch.equal(made[2], made[3])
    assert not torch.equal(made[0], made[2]) and made[0].shape[0] == 2


def combined(scene: Scene, **settings: Any) -> str:
    """Frames of one colour each, and the node that puts them into a file."""
    colours = [
        scene.link("EmptyImage", width=32, height=48, batch_size=1, color=colour)
        for colour in (0xFF0000, 0x00FF00, 0x0000FF)
    ]
    pair = scene.link("ImageBatch", image1=colours[0], image2=colours[1])
    images = scene.link("ImageBatch", image1=pair, image2=colours[2])
    values: dict[str, Any] = dict(
        frame_rate=10, loop_count=0, filename_prefix="old", pingpong=False, save_image=True
    )
    return scene.add("ADE_AnimateDiffCombine", images=images, **{**values, **settings})


@pytest.mark.parametrize("kind", ["gif", "webp"])
@pytest.mark.parametrize(("pingpong", "frames"), [(False, 3), (True, 4)])
def test_combine_writes_pictures(server: Server, kind: str, pingpong: bool, frames: int) -> None:
    scene = Scene()
    name = combined(scene, format=f"image/{kind}", pingpong=pingpong, loop_count=3)
    file = run(server, scene).files(f".{kind}")[name]
    assert len(frames_of(file)) == frames
    with Image.open(file) as picture:
        assert picture.size == (32, 48)
        assert picture.info["loop"] == 3 and picture.info.get("duration", 100) == 100
    with Image.open(file.with_suffix(".png")) as first:
        assert first.getpixel((0, 0)) == (255, 0, 0)
        assert '"ADE_AnimateDiffCombine"' in first.info["prompt"]


@pytest.mark.parametrize(
    ("kind", "ending", "codec"),
    [
        ("h264-mp4", ".mp4", "h264"),
        ("h265-mp4", ".mp4", "hevc"),
        ("webm", ".webm", "vp9"),
        ("av1-webm", ".webm", "av1"),
    ],
)
def test_combine_writes_videos(server: Server, kind: str, ending: str, codec: str) -> None:
    scene = Scene()
    name = combined(scene, format=f"video/{kind}", frame_rate=25, pingpong=True)
    file = run(server, scene).files(ending)[name]
    with av.open(str(file)) as video:
        stream = video.streams.video[0]
        assert stream.codec_context.name in (codec, f"lib{codec}", "libdav1d", "libvpx-vp9")
        assert stream.average_rate == 25 and (stream.width, stream.height) == (32, 48)
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(stream)]
    brightest = [int(picture.mean((0, 1)).argmax()) for picture in pictures]
    assert brightest == [0, 1, 2, 1]


def test_what_no_file_or_list_has(server: Server) -> None:
    scene = Scene()
    motion = scene.link("ADE_LoadAnimateDiffModel", model_name="mm_sd_v15_v2.ckpt")
    scene.add("PreviewAny", source=motion)
    assert "'mm_sd_v15_v2.ckpt' is not there; your folders for it hold" in refusal(server, scene)
    scene = Scene()
    scene.add(
        "PreviewAny",
        source=scene.link("ADE_SigmaSchedule", beta_schedule="wavy"),
    )
    assert "'wavy' is no beta schedule; choose one of autoselect, " in refusal(server, scene)
