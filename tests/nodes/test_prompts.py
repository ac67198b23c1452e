"""Prompt Travel, run as ComfyUI runs it: what it gives, and what it refuses."""

from __future__ import annotations

from typing import Any

import comfy.hooks
import comfy.model_management
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.nodes.noise import FreeNoiseNode
from animatediff_kit.nodes.prompts import PromptTravel
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_hooks import SetClipHooks

FRAMES = windowed.FRAMES


@pytest.fixture(scope="module")
def still() -> ModelPatcher:
    return tiny.image_model()


@pytest.fixture(scope="module")
def clip() -> Any:
    return tiny.text_encoder()


def positive_of(output: Any) -> Any:
    return output.result[0]


def encoded(clip: Any, text: str) -> dict[str, Any]:
    return clip.encode_from_tokens(clip.tokenize(text), return_pooled=True, return_dict=True)


@pytest.mark.parametrize("base", ["SD1.5", "SDXL"])
def test_prompt_travel_goes_from_prompt_to_prompt(base: str) -> None:
    clip = tiny.text_encoder(base)
    [[text, extra]] = positive_of(PromptTravel.execute(clip, "0: a red cat\n4: a blue dog", 7))
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
    [[text, _]] = positive_of(PromptTravel.execute(clip, f"0: a dog\n2: {long}", 3))
    assert text.shape == (3, 154, tiny.CONTEXT)
    assert torch.equal(text[0], encoded(clip, "a dog")["cond"][0].repeat(2, 1))
    assert torch.equal(text[2], encoded(clip, long.strip())["cond"][0])


def test_text_before_and_after_every_prompt(clip: Any) -> None:
    prompts = '"0": "a cat",\n"2": "a dog"'
    [[text, _]] = positive_of(PromptTravel.execute(clip, prompts, 3, "best,", "at night"))
    for frame, whole in ((0, "best, a cat, at night"), (2, "best, a dog, at night")):
        assert torch.equal(text[frame], encoded(clip, whole)["cond"][0])


def test_steps_between_prompts(clip: Any) -> None:
    prompts = "0: a cat\n2: a dog"
    [[text, _]] = positive_of(PromptTravel.execute(clip, prompts, 3, interpolation="step"))
    assert torch.equal(text[0], text[1]) and not torch.equal(text[1], text[2])


def test_travelled_prompts_are_sampled_in_windows(still: ModelPatcher, clip: Any) -> None:
    positive = positive_of(PromptTravel.execute(clip, "0: a cat\n6: a blue dog", FRAMES))
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
    travelled = positive_of(PromptTravel.execute(clip, "0: a red cat\n4: a blue dog", 6))
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
    positive = positive_of(PromptTravel.execute(hooked, "0: a red cat", 3))
    frames = tiny.sample(still, 3, positive=positive, steps=4)
    assert by_hand.relative(frames, tiny.sample(still, 3, positive=core, steps=4)) < 1e-5
    whole_range = {**core[0][1], "clip_end_percent": 1.0}
    first = tiny.sample(still, 3, positive=[[core[0][0], whole_range]], steps=4)
    assert by_hand.relative(frames, first) > 1e-3


def test_prompts_are_checked_before_the_run(clip: Any) -> None:
    assert PromptTravel.validate_inputs("0: a cat") is True
    for prompts, start in (
        ("", "There are no prompts. Write one prompt a line"),
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


def test_the_negative_half_is_the_second_output(clip: Any) -> None:
    """Of the prompts, before and after; each half is joined for itself."""
    prompts = "0: a cat --neg dark\n2: a dog"
    positive, negative = PromptTravel.execute(
        clip, prompts, 3, "best --neg worst", "at night"
    ).result
    for frame, text, other in (
        (0, "best, a cat, at night", "worst, dark"),
        (2, "best, a dog, at night", "worst"),
    ):
        assert torch.equal(positive[0][0][frame], encoded(clip, text)["cond"][0])
        assert torch.equal(negative[0][0][frame], encoded(clip, other)["cond"][0])


def test_without_a_negative_half_it_is_the_empty_text(clip: Any) -> None:
    _, [[negative, _]] = PromptTravel.execute(clip, "0: a cat\n2: a dog", 3).result
    assert torch.equal(negative, encoded(clip, "")["cond"])


def test_expressions_are_computed_for_each_frame(clip: Any) -> None:
    prompts = "0: (a cat:`1 + t / max_f`), (a dog:`pw_a`)"
    [[text, _]] = positive_of(PromptTravel.execute(clip, prompts, 3, pw_a=[0.5, 1.25]))
    for frame, same in enumerate(("(a cat:1.0), (a dog:0.5)", "(a cat:1.5), (a dog:1.25)")):
        assert torch.equal(text[frame], encoded(clip, same)["cond"][0])
    assert torch.equal(text[2], encoded(clip, "(a cat:2.0), (a dog:1.25)")["cond"][0])


def test_frames_come_from_the_latent(clip: Any) -> None:
    latent = {"samples": torch.zeros(5, 4, 8, 8)}
    [[text, _]] = positive_of(PromptTravel.execute(clip, "0: a\n4: b", 99, latent=latent))
    assert len(text) == 5


def test_parts_joined_by_spaces(clip: Any) -> None:
    output = PromptTravel.execute(clip, "0: a cat", 1, "best", "0", join="spaces")
    assert torch.equal(positive_of(output)[0][0], encoded(clip, "best a cat")["cond"])


@pytest.mark.parametrize("value", ["1", [], [1.0, None]])
def test_weights_that_are_no_numbers_are_refused(clip: Any, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^pw_b is .*; connect a number, or a list of one a"):
        PromptTravel.execute(clip, "0: a cat", 2, pw_b=value)


def test_cancel_ends_it_between_two_texts(clip: Any) -> None:
    comfy.model_management.interrupt_current_processing(True)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        PromptTravel.execute(clip, "0: a `t`", 10_000)


def test_a_latent_of_a_video_model_is_no_batch_of_frames(clip: Any) -> None:
    """Its frames are one of its five axes, and 1 would be taken for their number."""
    latent = {"samples": torch.zeros(1, 16, 5, 8, 8)}
    sentence = r"^This latent has the shape \[1, 16, 5, 8, 8\], of a video model; AnimateDiff's are"
    with pytest.raises(ValueError, match=sentence):
        PromptTravel.execute(clip, "0: a cat", 4, latent=latent)
    with pytest.raises(ValueError, match=sentence):
        FreeNoiseNode.execute(latent)
