"""Everything that belongs to a frame follows it into its window.

Without motion no frame sees another, so windows must give what core gives for the whole batch;
frames, prompts, hints and masks all differ from each other.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import comfy.gligen
import comfy.hooks
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from adk_tests.support.windowed import FRAMES, control_net, frame_prompts, random, with_entries
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.sampling.conditioning import window_cond, window_conds
from animatediff_kit.sampling.controls import Hints
from animatediff_kit.sampling.windows import VIEWS
from comfy.conds import CONDConstant, CONDCrossAttn, CONDList, CONDNoiseShape
from comfy.controlnet import T2IAdapter
from comfy.model_patcher import ModelPatcher
from comfy.t2i_adapter.adapter import Adapter
from torch import Tensor

ATTENTION = "diffusion_model.input_blocks.1.1.proj_in.weight"
Call = dict[str, Any]


def hints(count: int = FRAMES, seed: int = 5) -> Tensor:
    return random(count, 3, 64, 64, seed=seed)


def controlled(control: Any) -> Call:
    entries = dict(control=control, control_apply_to_uncond=True)
    return dict(
        positive=with_entries(frame_prompts(11), **entries),
        negative=with_entries(frame_prompts(31), **entries),
    )


def masked_hints() -> Any:
    control = control_net(hint_channels=4)
    return control.set_cond_hint(hints(), extra_concat=[random(FRAMES, 1, 64, 64, seed=8)])


def stacked() -> Any:
    """Another strength and another part of sampling for each of three."""
    first = control_net(21).set_cond_hint(hints(seed=5), strength=0.5)
    second = control_net(22).set_cond_hint(hints(3, seed=6), 0.8, (0.0, 0.5))
    third = control_net(23).set_cond_hint(hints(seed=7), 0.3, (0.4, 1.0))
    return third.set_previous_controlnet(second.set_previous_controlnet(first))


def t2i_adapter(count: int = FRAMES) -> T2IAdapter:
    module = Adapter([32, 64, 128, 128], nums_rb=1, cin=192, ksize=1, sk=True, xl=False)
    module.load_state_dict(tiny.randomise(module.state_dict(), 24))
    adapter = T2IAdapter(module, module.input_channels, 8, "nearest-exact")
    return adapter.set_cond_hint(hints(count), strength=0.7)


CONTROLS: dict[str, Callable[[], Any]] = {
    "a hint for each frame": lambda: control_net().set_cond_hint(hints()),
    "fewer hints than frames": lambda: control_net().set_cond_hint(hints(3)),
    "more hints than frames": lambda: control_net().set_cond_hint(hints(FRAMES + 3)),
    "one hint": lambda: control_net().set_cond_hint(hints(1)),
    "strength": lambda: control_net().set_cond_hint(hints(), strength=0.4),
    "start and end": lambda: control_net().set_cond_hint(hints(), 1.0, (0.3, 0.7)),
    "hints with masks": masked_hints,
    "stacked": stacked,
    "T2I-Adapter": t2i_adapter,
}


def area() -> Call:
    """Crops of every frame beside the whole frame."""
    crop = with_entries(frame_prompts(51), area=(8, 4, 0, 2), strength=0.7)
    return dict(positive=[*frame_prompts(11), *crop])


def masks(count: int, **more: Any) -> Call:
    entries = dict(mask=random(count, 64, 64, seed=9), mask_strength=0.9, **more)
    return dict(positive=[*frame_prompts(11), *with_entries(frame_prompts(51), **entries)])


def default_prompt() -> Call:
    """A prompt for whatever the masks of the others leave free."""
    given = masks(FRAMES)["positive"][1:]
    return dict(positive=[*given, *with_entries(frame_prompts(71), default=True)])


def ranges() -> Call:
    early = with_entries(frame_prompts(11), start_percent=0.0, end_percent=0.5)
    late = with_entries(frame_prompts(51), start_percent=0.5, end_percent=1.0)
    return dict(positive=[*early, *late])


def noise_mask() -> Call:
    """Part of every frame is kept from another image."""
    return dict(
        latent_image=windowed.noise_of(seed=4) * 0.5,
        noise_mask=random(FRAMES, 1, 64, 64, seed=3).round(),
        positive=frame_prompts(11),
    )


def textboxes() -> Call:
    boxes = [(tiny.prompt(61)[0][0][0, :1], 4, 4, 0, 2), (tiny.prompt(62)[0][0][0, :1], 6, 3, 2, 0)]
    entry = ("position", gligen(), boxes)
    return dict(positive=with_entries(frame_prompts(11), gligen=entry))


def gligen() -> ModelPatcher:
    """GLIGEN's layers for each of the 16 transformers of a tiny SD1.5 UNet."""
    widths = [32] * 2 + [64] * 2 + [128] * 2 + [128] + [128] * 3 + [64] * 3 + [32] * 3
    modules = [
        comfy.gligen.GatedSelfAttentionDense(width, tiny.CONTEXT, 8, width // 8) for width in widths
    ]
    position_net = comfy.gligen.PositionNet(tiny.CONTEXT, tiny.CONTEXT)
    model = comfy.gligen.Gligen(modules, position_net, tiny.CONTEXT)
    model.load_state_dict(tiny.randomise(model.state_dict(), 25))
    for module in modules:
        torch.nn.init.constant_(module.alpha_attn, 0.5)
        torch.nn.init.constant_(module.alpha_dense, 0.5)
    device = torch.device("cpu")
    return ModelPatcher(model, load_device=device, offload_device=device)


CALLS: dict[str, Callable[[], Call]] = {
    **{
        f"ControlNet: {name}": lambda make=make: controlled(make())
        for name, make in CONTROLS.items()
    },
    "a prompt for each frame": lambda: dict(positive=frame_prompts(11)),
    "fewer prompts than frames": lambda: dict(positive=frame_prompts(11, 3)),
    "prompts of other lengths": lambda: dict(
        positive=[*frame_prompts(11), *frame_prompts(51, tokens=14)],
        negative=frame_prompts(31, tokens=9),
    ),
    "area": area,
    "a mask for each frame": lambda: masks(FRAMES),
    "one mask": lambda: masks(1),
    "masks with bounds": lambda: masks(FRAMES, set_area_to_bounds=True),
    "a default prompt": default_prompt,
    "ranges of sampling": ranges,
    "noise mask": noise_mask,
    "GLIGEN": textboxes,
}


def compare(model: ModelPatcher, call: Call, plain: Call, length: int = windowed.LENGTH) -> None:
    """Windows give what the whole batch gives, and what is compared shows in the frames."""
    noise = windowed.noise_of()
    whole = windowed.sample_noise(model, noise, steps=3, **call)
    frames = windowed.sample_noise(windowed.windowed(model, length), noise, steps=3, **call)
    assert by_hand.relative(frames, whole) < windowed.ROUNDING
    without = windowed.sample_noise(model, noise, steps=3, **plain)
    apart = (whole - without).abs().amax((1, 2, 3)) / whole.std()
    assert apart.min() > 1e-3, "a frame without the conditioning"


@pytest.mark.parametrize("name", CALLS)
def test_windows_give_what_the_whole_batch_gives(still: ModelPatcher, name: str) -> None:
    plain = dict(positive=frame_prompts(91), negative=frame_prompts(92))
    if name.startswith("ControlNet"):
        plain = dict(positive=frame_prompts(11), negative=frame_prompts(31))
    compare(still, CALLS[name](), plain)


def test_pooled_prompts_follow_their_frames() -> None:
    """SDXL's second embedding of the text, an own one for every frame."""
    text = frame_prompts(11, base="SDXL")
    pooled = frame_prompts(51, base="SDXL")[0][1]["pooled_output"]
    negative = frame_prompts(31, base="SDXL")
    call = dict(positive=with_entries(text, pooled_output=pooled), negative=negative)
    compare(tiny.image_model("SDXL"), call, dict(positive=text, negative=negative))


def test_inpainting_latents_follow_their_frames() -> None:
    """An inpainting model's masked image and mask, concatenated to the latents."""
    entries = dict(
        concat_latent_image=windowed.noise_of(seed=6),
        concat_mask=random(FRAMES, 1, 64, 64, seed=7).round(),
    )
    prompts = dict(positive=frame_prompts(11), negative=frame_prompts(31))
    call = {key: with_entries(prompt, **entries) for key, prompt in prompts.items()}
    model = tiny.image_model(in_channels=9)
    assert model.model.concat_keys, "no inpainting model"
    kept = dict(call, noise_mask=entries["concat_mask"], latent_image=windowed.noise_of(seed=6))
    compare(model, kept, dict(prompts, noise_mask=torch.ones(FRAMES, 1, 64, 64)))


def test_hook_keyframes_follow_the_steps(still: ModelPatcher) -> None:
    """A LoRA on one prompt whose strength changes within sampling."""

    def hooked() -> Call:
        hook = comfy.hooks.WeightHook(strength_model=1.0)
        hook.weights = {ATTENTION: ("diff", (by_hand.difference(still, ATTENTION) * 5,))}
        hook.need_weight_init = False
        keyframes = comfy.hooks.HookKeyframeGroup()
        for strength, start, steps in ((0.2, 0.0, 1), (1.0, 0.3, 1), (0.5, 0.6, 0)):
            keyframes.add(comfy.hooks.HookKeyframe(strength, start, steps))
        group = comfy.hooks.HookGroup()
        group.add(hook)
        group.set_keyframes_on_hooks(keyframes)
        return dict(positive=with_entries(frame_prompts(11), hooks=group))

    compare(still, hooked(), dict(positive=frame_prompts(11)))


VIEWED = {
    **CALLS,
    **{
        f"T2I-Adapter, {count} hints": lambda count=count: controlled(t2i_adapter(count))
        for count in (1, 3)
    },
}


@pytest.mark.parametrize("name", VIEWED)
def test_views_give_what_the_whole_batch_gives(still: ModelPatcher, name: str) -> None:
    """With motion that is asleep: all that is left is how a call is cut into parts."""
    asleep = MotionSettings(start_percent=0.998, end_percent=0.999)
    animated = apply_motion_model(still, tiny.motion_patcher("v2"), asleep)
    model, call = windowed.windowed(animated, schedule=VIEWS), VIEWED[name]()
    noise = windowed.noise_of()
    frames = windowed.sample_noise(model, noise, **call)
    assert by_hand.relative(frames, windowed.sample_noise(still, noise, **call)) < windowed.ROUNDING
    plain = dict(positive=frame_prompts(91), negative=frame_prompts(92))
    assert by_hand.relative(frames, windowed.sample_noise(still, noise, **plain)) > 1e-2


@pytest.mark.parametrize("schedule", ["standard_static", VIEWS])
def test_controls_are_as_before_after_a_run(animated: ModelPatcher, schedule: str) -> None:
    control = stacked()
    chain = [control, control.previous_controlnet, control.previous_controlnet.previous_controlnet]
    before = [copy.copy(vars(c)) for c in chain]
    bytes_before = [c.cond_hint_original.clone() for c in chain]
    model = windowed.windowed(animated, schedule=schedule)
    windowed.sample_noise(model, windowed.noise_of(), **controlled(control))
    for c, entries, original in zip(chain, before, bytes_before, strict=True):
        assert vars(c).keys() == entries.keys()
        assert all(value is entries[key] for key, value in vars(c).items())
        assert torch.equal(c.cond_hint_original, original)


WINDOWS = [[0, 1, 2, 3], [3, 4, 5, 6]]


def test_the_window_is_published(still: ModelPatcher) -> None:
    """What IPAdapter and other packs read, beside what core's own windows publish."""
    model, calls = windowed.recorded(windowed.windowed(still), "ad_params", "context_window")
    tiny.sample(model, FRAMES)
    assert [seen["ad_params"] for seen in calls.seen] == 2 * [
        {"full_length": FRAMES, "context_length": 4, "sub_idxs": window} for window in WINDOWS
    ]
    published = [seen["context_window"] for seen in calls.seen]
    assert [window.index_list for window in published] == 2 * WINDOWS
    for window in published:
        assert (window.context_length, window.total_frames, window.dim) == (4, FRAMES, 0)
        assert torch.equal(window.get_tensor(torch.arange(FRAMES)), torch.tensor(window.index_list))


def test_a_shorter_last_window_is_published_as_it_is(still: ModelPatcher) -> None:
    model = windowed.windowed(still, overlap=0, schedule="batched")
    model, calls = windowed.recorded(model, "ad_params")
    tiny.sample(model, FRAMES, steps=1)
    last = calls.seen[-1]["ad_params"]
    assert last == {"full_length": FRAMES, "context_length": 3, "sub_idxs": [4, 5, 6]}


def test_entries_of_other_packs_stay(still: ModelPatcher) -> None:
    model = still.clone()
    model.model_options["transformer_options"]["ad_params"] = {"theirs": 1, "full_length": 99}
    model, calls = windowed.recorded(windowed.windowed(model), "ad_params")
    tiny.sample(model, FRAMES, steps=1)
    assert {
        (seen["ad_params"]["theirs"], seen["ad_params"]["full_length"]) for seen in calls.seen
    } == {(1, FRAMES)}
    kept = model.model_options["transformer_options"]["ad_params"]
    assert kept == {"theirs": 1, "full_length": 99}


def test_every_kind_of_model_cond() -> None:
    """ComfyUI's own classes; what is no batch of frames stays the very object."""
    frames, one, constant = torch.arange(7.0).view(7, 1, 1), torch.ones(1, 2, 3), CONDConstant(7)
    cond = {
        "model_conds": {
            "text": CONDCrossAttn(frames),
            "concat": CONDNoiseShape(frames[:3]),
            "list": CONDList([frames, one]),
            "one": CONDCrossAttn(one),
            "constant": constant,
        },
        "uuid": "a",
    }
    cut = window_cond(cond, [5, 6, 0], Hints())
    held = cut["model_conds"]
    assert held["text"].cond.flatten().tolist() == [5, 6, 0] and type(held["text"]) is CONDCrossAttn
    assert held["concat"].cond.flatten().tolist() == [2, 0, 0]  # frame 5 has entry 5 mod 3
    assert held["list"].cond[0].flatten().tolist() == [5, 6, 0] and held["list"].cond[1] is one
    assert held["one"].cond is one and held["constant"] is constant
    assert cut["uuid"] == "a" and cond["model_conds"]["text"].cond is frames


def test_boxes_for_each_frame() -> None:
    """ "position_batched", of packs that give GLIGEN boxes that move."""
    model, boxes = object(), [[f"box of frame {i}"] for i in range(3)]
    cut = window_cond({"gligen": ("position_batched", model, boxes)}, [1, 2, 3], Hints())
    assert cut["gligen"] == ("position_batched", model, [boxes[1], boxes[2], boxes[0]])
    still_boxes = ("position", model, boxes)
    assert window_cond({"gligen": still_boxes}, [1, 2], Hints())["gligen"] is still_boxes


def test_prompts_that_share_a_control_still_share_it() -> None:
    """ComfyUI runs prompts in one batch only when their ControlNet is one object."""
    control = control_net().set_cond_hint(hints())
    (first,), (second,), none = window_conds(
        [[{"control": control}], [{"control": control}], None], [1], Hints()
    )
    assert first["control"] is second["control"] is not control and none is None
