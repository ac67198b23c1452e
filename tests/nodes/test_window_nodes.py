"""The nodes of long videos, run as ComfyUI runs them: what they give, and what they refuse."""

from __future__ import annotations

import gc
import itertools
import logging
import weakref
from pathlib import Path
from typing import Any

import comfy.hooks
import comfy.samplers
import folder_paths
import pytest
import torch
from adk_tests.support import by_hand, folders, spellings, tiny, windowed
from adk_tests.support.folders import register_folders
from animatediff_kit.nodes.animate import Animate
from animatediff_kit.nodes.lora import LoadMotionLora
from animatediff_kit.nodes.motion_model import ApplyMotionModel, LoadMotionModel
from animatediff_kit.nodes.noise import FreeInitNode, FreeNoiseNode
from animatediff_kit.nodes.prompts import PromptTravel
from animatediff_kit.nodes.windows import ContextWindows, PreviewWindows
from animatediff_kit.sampling.free_init import FreeInitSampler
from animatediff_kit.sampling.free_noise import repeat_noise
from animatediff_kit.sampling.window_picture import draw_windows
from animatediff_kit.sampling.windows import WindowSettings
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_hooks import SetClipHooks
from safetensors.torch import save_file

FRAMES = windowed.FRAMES
QUERY = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0."
    "to_q"
)


def only(output: Any) -> Any:
    (result,) = output.result
    return result


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """models/ with a v3 motion model and a MotionLoRA in it."""
    root = folders.install(tmp_path, monkeypatch)
    register_folders()
    for folder in ("animatediff_models", "animatediff_motion_lora"):
        (root / folder).mkdir(parents=True)
    weights = spellings.with_tables(tiny.motion_weights("v3"), 32)
    save_file(weights, str(root / "animatediff_models" / "v3.safetensors"))
    pair = (torch.randn(32, 2) * 0.5, torch.randn(2, 32) * 0.5)
    lora = spellings.official_lora({QUERY: pair})
    torch.save(lora, root / "animatediff_motion_lora" / "zoom.ckpt")
    return root


@pytest.fixture(scope="module")
def still() -> ModelPatcher:
    return tiny.image_model()


def test_animate_is_the_single_nodes_in_a_row(models: Path, still: ModelPatcher) -> None:
    motion = only(LoadMotionModel.execute("v3.safetensors"))
    moved = only(LoadMotionLora.execute(motion, "zoom.ckpt", 0.7))
    animated = only(ApplyMotionModel.execute(still, moved, motion_scale=1.2))
    row = only(ContextWindows.execute(animated, length=4, overlap=1))
    one = only(Animate.execute(still, "v3.safetensors", "zoom.ckpt", 0.7, 1.2, 4, 1))
    frames = tiny.sample(one, FRAMES)
    assert by_hand.same(frames, tiny.sample(row, FRAMES))
    no_lora = only(Animate.execute(still, "v3.safetensors", "none", 0.7, 1.2, 4, 1))
    assert by_hand.relative(frames, tiny.sample(no_lora, FRAMES)) > 1e-3
    assert not still.additional_models and "context_handler" not in still.model_options


def motion_of(model: ModelPatcher) -> Any:
    (motion,) = model.get_nested_additional_models()
    return motion.model


WIDGETS = [("none", 1.0, 1.0), ("zoom.ckpt", 1.0, 1.2), ("zoom.ckpt", 0.5, 1.2), ("none", 1.0, 1.2)]


def test_animate_reads_its_file_once(models: Path, still: ModelPatcher) -> None:
    """Whichever widget changes, and Load Motion Model has the same; until the file is replaced."""
    node = Animate()
    runs = [
        only(Animate.execute(still, "v3.safetensors", lora, strength, scale))
        for lora, strength, scale in WIDGETS
    ]
    motion = motion_of(runs[0])
    assert all(motion_of(run) is motion for run in runs)
    assert only(LoadMotionModel.execute("v3.safetensors")).model is motion
    frames = [tiny.sample(run, 4) for run in runs]
    for one, other in itertools.combinations(frames, 2):
        assert by_hand.relative(one, other) > 1e-3
    for run, video in zip(runs, frames, strict=True):
        assert by_hand.same(tiny.sample(run, 4), video)
    weights = spellings.with_tables(tiny.motion_weights("v3", seed=8), 32)
    save_file(weights, str(models / "animatediff_models" / "v3.safetensors"))
    replaced = only(Animate.execute(still, "v3.safetensors"))
    assert motion_of(replaced) is not motion
    assert by_hand.relative(tiny.sample(replaced, 4), frames[0]) > 0.01
    kept = weakref.ref(motion_of(replaced))
    del replaced, node
    gc.collect()
    assert kept() is None, "ComfyUI has dropped the node"


def test_animate_without_windows(models: Path, still: ModelPatcher) -> None:
    animated = only(Animate.execute(still, "v3.safetensors", context_length=0))
    assert "context_handler" not in animated.model_options
    handler = only(Animate.execute(still, "v3.safetensors")).model_options["context_handler"]
    assert handler.settings == WindowSettings(16, 4)


def test_animate_refuses_what_cannot_be(models: Path, still: ModelPatcher) -> None:
    with pytest.raises(ValueError, match=r"^The overlap of 16 frames leaves windows of 16 no step"):
        Animate.execute(still, "v3.safetensors", context_overlap=16)
    with pytest.raises(ValueError, match=r"is an SD1.5 motion model, but the checkpoint is SDXL"):
        Animate.execute(tiny.image_model("SDXL"), "v3.safetensors")


def test_animate_tells_missing_files_before_the_run(models: Path) -> None:
    assert Animate.validate_inputs("v3.safetensors", "none") is True
    assert Animate.validate_inputs("v3.safetensors", "zoom.ckpt") is True
    for chosen in (("gone.ckpt", "none"), ("v3.safetensors", "gone.ckpt")):
        sentence = Animate.validate_inputs(*chosen)
        told = "'gone.ckpt' is not there; your folders for it hold 1 weights file. Choose another"
        assert isinstance(sentence, str) and sentence.startswith(told)


SETTINGS = dict(length=5, overlap=2, stride=2, schedule="looped_uniform", fuse="flat")


def test_context_windows_sets_them_on_a_clone(still: ModelPatcher) -> None:
    windowed_model = only(ContextWindows.execute(still, **SETTINGS, closed_loop=True))
    settings = windowed_model.model_options["context_handler"].settings
    assert settings == WindowSettings(5, 2, 2, "looped_uniform", "flat", True)
    assert "context_handler" not in still.model_options
    handler = only(ContextWindows.execute(still)).model_options["context_handler"]
    assert handler.settings == WindowSettings()


BAD_WINDOWS = [
    (dict(length=4, overlap=4), r"^The overlap of 4 frames leaves windows of 4 no step forward"),
    (dict(length=4, overlap=9), r"^The overlap of 9 frames leaves windows of 4 no step forward"),
    (dict(closed_loop=True), r"^closed_loop is on, but the schedule standard_static never wraps"),
    (dict(schedule="spiral"), r"^'spiral' is no schedule; choose one of standard_static"),
]


@pytest.mark.parametrize(("given", "message"), BAD_WINDOWS)
def test_impossible_windows_are_refused(
    still: ModelPatcher, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ContextWindows.execute(still, **given)
    with pytest.raises(ValueError, match=message):
        PreviewWindows.execute(64, **given)


def test_preview_is_the_picture_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path))
    output = PreviewWindows.execute(40, **SETTINGS)
    expected = draw_windows(40, WindowSettings(5, 2, 2, "looped_uniform", "flat"))
    assert torch.equal(only(output), expected)
    (shown,) = output.ui.as_dict()["images"]
    assert (tmp_path / shown["subfolder"] / shown["filename"]).is_file()
    assert PreviewWindows.GET_SCHEMA().is_output_node
    assert torch.equal(only(PreviewWindows.execute(40)), draw_windows(40, WindowSettings()))


def test_repeat_noise() -> None:
    latent = {"samples": torch.zeros(10, 4, 8, 8)}
    noise = only(FreeNoiseNode.execute(latent, seed=5, length=4, overlap=1))
    assert noise.seed == 5
    core = comfy.sample.prepare_noise(latent["samples"], 5)
    assert torch.equal(noise.generate_noise(latent), repeat_noise(core, 4, 1, 5))
    assert not torch.equal(noise.generate_noise(latent), core)


def test_noise_that_has_nothing_to_repeat_warns(caplog: pytest.LogCaptureFixture) -> None:
    FreeNoiseNode.execute({"samples": torch.zeros(17, 4, 8, 8)})
    assert not caplog.records
    FreeNoiseNode.execute({"samples": torch.zeros(16, 4, 8, 8)})
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "FreeNoise has nothing to repeat: 16 frames fit into one window of 16."
    )


def test_impossible_noise_windows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^The overlap of 4 frames leaves windows of 4 no step"):
        FreeNoiseNode.execute({"samples": torch.zeros(10, 4, 8, 8)}, length=4, overlap=4)


def test_refine_initial_noise() -> None:
    sampler = comfy.samplers.sampler_object("euler")
    refining = only(FreeInitNode.execute(sampler, 4, "ideal"))
    assert isinstance(refining, FreeInitSampler) and refining.sampler is sampler
    assert (refining.iterations, refining.filter_name) == (4, "ideal")
    with pytest.raises(ValueError, match=r"^FreeInit was given 0 iterations"):
        FreeInitNode.execute(sampler, 0)


@pytest.fixture(scope="module")
def clip() -> Any:
    return tiny.text_encoder()


def encoded(clip: Any, text: str) -> dict[str, Any]:
    return clip.encode_from_tokens(clip.tokenize(text), return_pooled=True, return_dict=True)


@pytest.mark.parametrize("base", ["SD1.5", "SDXL"])
def test_prompt_travel_goes_from_prompt_to_prompt(base: str) -> None:
    clip = tiny.text_encoder(base)
    [[text, extra]] = only(PromptTravel.execute(clip, "0: a red cat\n4: a blue dog", 7))
    cat, dog = encoded(clip, "a red cat"), encoded(clip, "a blue dog")
    for rows, start, end in (
        (text, cat["cond"], dog["cond"]),
        (extra["pooled_output"], cat["pooled_output"], dog["pooled_output"]),
    ):
        assert rows.shape == (7, *start.shape[1:]) and not torch.equal(start, end)
        assert torch.equal(rows[:1], start)
        assert all(torch.equal(rows[frame], end[0]) for frame in (4, 5, 6))
        torch.testing.assert_close(rows[1], torch.lerp(start, end, 0.25)[0])


def test_prompts_longer_than_one_text(clip: Any) -> None:
    """75 words more are another 77 tokens; the shorter prompt is repeated to them."""
    long = "cat " * 80
    [[text, _]] = only(PromptTravel.execute(clip, f"0: a dog\n2: {long}", 3))
    assert text.shape == (3, 154, tiny.CONTEXT)
    assert torch.equal(text[0], encoded(clip, "a dog")["cond"][0].repeat(2, 1))
    assert torch.equal(text[2], encoded(clip, long.strip())["cond"][0])


def test_text_before_and_after_every_prompt(clip: Any) -> None:
    prompts = '"0": "a cat",\n"2": "a dog"'
    [[text, _]] = only(PromptTravel.execute(clip, prompts, 3, "best,", "at night"))
    for frame, whole in ((0, "best, a cat, at night"), (2, "best, a dog, at night")):
        assert torch.equal(text[frame], encoded(clip, whole)["cond"][0])


def test_steps_between_prompts(clip: Any) -> None:
    prompts = "0: a cat\n2: a dog"
    [[text, _]] = only(PromptTravel.execute(clip, prompts, 3, interpolation="step"))
    assert torch.equal(text[0], text[1]) and not torch.equal(text[1], text[2])


def test_travelled_prompts_are_sampled_in_windows(still: ModelPatcher, clip: Any) -> None:
    positive = only(PromptTravel.execute(clip, "0: a cat\n6: a blue dog", FRAMES))
    whole = tiny.sample(still, FRAMES, positive=positive)
    frames = tiny.sample(windowed.windowed(still), FRAMES, positive=positive)
    assert by_hand.relative(frames, whole) < windowed.ROUNDING


def scheduled(clip: Any, *keyframes: tuple[float, float]) -> Any:
    """`clip` as Set CLIP Hooks returns it: a live LoRA on it whose strength changes at parts of
    sampling, given as (start, strength)."""
    layer = "lora_te1_text_model_encoder_layers_0_mlp_fc1"
    text_model = clip.cond_stage_model.clip_l.transformer.text_model
    shape = text_model.encoder.layers[0].mlp.fc1.weight.shape
    generator = torch.Generator().manual_seed(5)
    lora = {
        f"{layer}.lora_up.weight": torch.randn((shape[0], 4), generator=generator),
        f"{layer}.lora_down.weight": torch.randn((4, shape[1]), generator=generator),
    }
    hooks = comfy.hooks.create_hook_lora(lora, strength_model=0.0, strength_clip=1.0)
    group = comfy.hooks.HookKeyframeGroup()
    for start, strength in keyframes:
        group.add(comfy.hooks.HookKeyframe(strength, start))
    hooks.set_keyframes_on_hooks(group)
    return SetClipHooks().apply_hooks(clip, True, True, hooks)[0]


RANGES = [(0.0, 0.4), (0.4, 0.7), (0.7, 1.0)]
STRENGTHS = ((0.0, 0.0), (0.4, 1.0), (0.7, -1.0))


@pytest.mark.parametrize("base", ["SD1.5", "SDXL"])
def test_a_clip_schedule_gives_each_range_its_travel(base: str) -> None:
    clip = scheduled(tiny.text_encoder(base), *STRENGTHS)
    travelled = only(PromptTravel.execute(clip, "0: a red cat\n4: a blue dog", 6))
    cats, dogs = (
        clip.encode_from_tokens_scheduled(clip.tokenize(text))
        for text in ("a red cat", "a blue dog")
    )
    assert len(travelled) == len(cats) == len(RANGES)
    for (text, extra), cat, dog, span in zip(travelled, cats, dogs, RANGES, strict=True):
        assert (extra["clip_start_percent"], extra["clip_end_percent"]) == span
        assert extra["hooks"] is cat[1]["hooks"] is not None
        for rows, start, end in (
            (text, cat[0], dog[0]),
            (extra["pooled_output"], cat[1]["pooled_output"], dog[1]["pooled_output"]),
        ):
            assert rows.shape == (6, *start.shape[1:])
            assert torch.equal(rows[0], start[0]) and torch.equal(rows[5], end[0])
            torch.testing.assert_close(rows[1], torch.lerp(start, end, 0.25)[0])
    assert not torch.equal(travelled[0][0], travelled[1][0])
    assert not torch.equal(travelled[1][0], travelled[2][0])


def test_one_scheduled_prompt_is_sampled_as_by_core(still: ModelPatcher, clip: Any) -> None:
    """And not as by the prompt of the first range alone."""
    hooked = scheduled(clip, *STRENGTHS)
    core = hooked.encode_from_tokens_scheduled(hooked.tokenize("a red cat"))
    positive = only(PromptTravel.execute(hooked, "0: a red cat", 3))
    frames = tiny.sample(still, 3, positive=positive, steps=4)
    assert by_hand.relative(frames, tiny.sample(still, 3, positive=core, steps=4)) < 1e-5
    whole_range = {**core[0][1], "clip_end_percent": 1.0}
    first = tiny.sample(still, 3, positive=[[core[0][0], whole_range]], steps=4)
    assert by_hand.relative(frames, first) > 1e-3


def test_prompts_are_checked_before_the_run(clip: Any) -> None:
    assert PromptTravel.validate_inputs("0: a cat") is True
    for prompts, start in (
        ("4: a cat", "The prompts give frame 0 nothing to show; the first is at frame 4."),
        ("0: a\n-1: b", "Prompts, line 2, column 1: '-1' is no frame number"),
    ):
        sentence = PromptTravel.validate_inputs(prompts)
        assert isinstance(sentence, str) and sentence.startswith(start)
        with pytest.raises(ValueError) as caught:
            PromptTravel.execute(clip, prompts, 4)
        assert str(caught.value) == sentence


def test_a_checkpoint_without_text_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^There is no text encoder: the checkpoint has none\."):
        PromptTravel.execute(None, "0: a cat", 4)
