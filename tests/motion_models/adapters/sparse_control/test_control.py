"""SparseCtrl as a CONTROL_NET in ComfyUI's own sampler: alone, stacked, in windows and views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.context_windows
import comfy.latent_formats
import comfy.model_management
import pytest
import torch
from adk_tests.support import by_hand, encoders, sparse, tiny, windowed
from animatediff_kit.motion_models.adapters.sparse_control.control import (
    SparseControl,
    apply_sparse_control,
)
from animatediff_kit.motion_models.adapters.sparse_control.placement import INDICES, HintFrames
from animatediff_kit.motion_models.fast import fits, trial
from animatediff_kit.motion_models.inject import apply_motion_model
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from nodes import ControlNetApplyAdvanced

FRAMES = 6
KINDS = ["rgb", "scribble"]


@pytest.fixture(scope="module")
def base() -> ModelPatcher:
    return tiny.image_model()


@pytest.fixture(scope="module")
def controls() -> dict[str, SparseControl]:
    return {kind: sparse.control(kind) for kind in KINDS}


@pytest.fixture(scope="module")
def vae() -> Any:
    return encoders.vae()


def pictures(count: int, seed: int = 5, size: int = 64) -> Tensor:
    """n h w 3 in 0..1"""
    return windowed.random(count, 3, size, size, seed=seed).movedim(1, -1)


def prompts(frames: int = FRAMES) -> tuple[Any, Any]:
    return windowed.frame_prompts(11, frames), windowed.frame_prompts(31, frames)


def steered(control: SparseControl, images: Tensor, hints: HintFrames, **more: Any) -> Any:
    frames = more.pop("frames", FRAMES)
    return apply_sparse_control(prompts(frames), control, images, hints, **more)


def sampled(model: ModelPatcher, conds: Any, frames: int = FRAMES, **more: Any) -> Tensor:
    noise = windowed.noise_of(frames)
    return windowed.sample_noise(model, noise, positive=conds[0], negative=conds[1], **more)


def recorded(control: SparseControl, calls: list[Any]) -> Callable[[], None]:
    """Notes down the hints of each call of the network; gives what ends it."""
    network: Any = control.control_model

    def note(_: Any, given: Any) -> None:
        calls.append(given[1].clone())

    return network.register_forward_pre_hook(note).remove


def masks(calls: list[Tensor], videos: int = 2) -> list[list[int]]:
    """Per call the places that have a hint, which every video of the batch has alike."""
    found = []
    for hint in calls:
        mask = hint[:, -1].flatten(1)
        assert ((mask == 0) | (mask == 1)).all()
        rows = mask.amin(1).unflatten(0, (videos, -1))
        assert torch.equal(mask.amax(1).unflatten(0, (videos, -1)), rows)
        assert all(torch.equal(row, rows[0]) for row in rows)
        found.append(rows[0].nonzero().flatten().tolist())
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_hints_steer_every_frame_and_the_borrowed_models_come_back(
    kind: str, base: ModelPatcher, controls: dict[str, SparseControl], vae: Any
) -> None:
    before = [by_hand.fingerprint(m) for m in (base.model, controls[kind].control_model)]
    plain = sampled(base, prompts())
    hints = HintFrames(INDICES, (0, -1))
    made = [
        sampled(base, steered(controls[kind], pictures(2, seed), hints, vae=vae))
        for seed in (5, 5, 6)
    ]
    assert by_hand.same(made[0], made[1])
    for one, other in ((plain, made[0]), (made[0], made[2])):
        assert all(by_hand.relative(a, b) > 1e-3 for a, b in zip(one, other, strict=True))
    zero = sampled(base, steered(controls[kind], pictures(2), hints, vae=vae, strength=0.0))
    assert by_hand.relative(zero, plain) < windowed.ROUNDING
    assert [by_hand.fingerprint(m) for m in (base.model, controls[kind].control_model)] == before
    assert controls[kind].cond_hint is None and controls[kind].cond_hint_original is None


def test_its_arithmetic_is_chosen_once_a_run(
    base: ModelPatcher, controls: dict[str, SparseControl], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any node that publishes a run, too; and nothing of a run stays."""
    tried: list[int] = []
    monkeypatch.setattr(fits, "SMALLEST", 0)
    monkeypatch.setattr(trial, "chosen", lambda *given: tried.append(given[2].shape[1]))
    conds = steered(controls["scribble"], pictures(2), HintFrames(INDICES, (0, -1)))
    sampled(base, conds, steps=1)
    once = list(tried)
    assert once
    sampled(base, conds, steps=3)
    assert tried == 2 * once
    assert conds[0][0][1]["control"].kept == {}


def test_the_rgb_models_hint_is_the_scaled_latent(
    base: ModelPatcher, controls: dict[str, SparseControl], vae: Any
) -> None:
    calls: list[Tensor] = []
    images = pictures(2)
    end = recorded(controls["rgb"], calls)
    sampled(base, steered(controls["rgb"], images, HintFrames(INDICES, (1, 4)), vae=vae), steps=1)
    end()
    latents = vae.encode(images) * 0.18215
    (hint,) = calls
    frames = hint.unflatten(0, (2, FRAMES))
    assert torch.allclose(frames[:, [1, 4], :4], latents.expand(2, -1, -1, -1, -1), atol=1e-6)
    assert torch.equal(frames[:, [0, 2, 3, 5]], torch.zeros(2, 4, 5, 8, 8))


def test_pictures_of_another_size_are_cropped_and_resized(
    base: ModelPatcher, controls: dict[str, SparseControl]
) -> None:
    calls: list[Tensor] = []
    wide = torch.zeros(1, 64, 128, 3)
    wide[:, :, 32:96] = pictures(1)
    end = recorded(controls["scribble"], calls)
    sampled(base, steered(controls["scribble"], wide, HintFrames()), steps=1)
    end()
    assert torch.equal(calls[0][0, :3], wide[0, :, 32:96].movedim(-1, 0))


def test_it_stacks_with_cores_controlnets_in_either_order(
    base: ModelPatcher, controls: dict[str, SparseControl]
) -> None:
    core = windowed.control_net()
    images = windowed.random(FRAMES, 3, 64, 64, seed=9).movedim(1, -1)

    def with_core(conds: Any) -> Any:
        return ControlNetApplyAdvanced().apply_controlnet(*conds, core, images, 0.7, 0.0, 1.0)

    def with_sparse(conds: Any) -> Any:
        return apply_sparse_control(conds, controls["scribble"], pictures(1), HintFrames())

    both = [
        sampled(base, make(other(prompts())))
        for make, other in ((with_core, with_sparse), (with_sparse, with_core))
    ]
    assert by_hand.relative(*both) < windowed.ROUNDING
    for alone in (with_core, with_sparse):
        assert by_hand.relative(both[0], sampled(base, alone(prompts()))) > 0.01
    animated = apply_motion_model(base, tiny.motion_patcher("v3"))
    for schedule in ("standard_static", "views"):
        windows = windowed.windowed(animated, schedule=schedule)
        chains = [with_core(with_sparse(prompts())), with_sparse(with_core(prompts()))]
        one, other = (sampled(windows, chain) for chain in chains)
        assert by_hand.relative(one, other) < windowed.ROUNDING


def test_conds_of_one_chain_share_one_control(controls: dict[str, SparseControl]) -> None:
    positive, negative = steered(controls["scribble"], pictures(1), HintFrames())
    assert positive[0][1]["control"] is negative[0][1]["control"]
    assert positive[0][1]["control"] is not controls["scribble"]


def test_through_cores_node_hints_spread_over_the_video(
    base: ModelPatcher, controls: dict[str, SparseControl]
) -> None:
    calls: list[Tensor] = []
    apply = ControlNetApplyAdvanced().apply_controlnet
    conds = apply(*prompts(), controls["scribble"], pictures(3), 1.0, 0.0, 1.0)
    end = recorded(controls["scribble"], calls)
    sampled(base, conds, steps=1)
    end()
    assert masks(calls) == [[0, 3, 5]]


WINDOWS = {
    # frames 0-3 and 3-6 of 7; hint frames -> places with a hint, window by window
    (0, 6): [[0], [3]],
    (3,): [[3], [0]],
    (1,): [[1], [0]],  # the second window has none: the nearest, at its near end
    (6,): [[3], [3]],
    (-1,): [[3], [3]],
}


@pytest.mark.parametrize(("indices", "places"), WINDOWS.items())
@pytest.mark.parametrize("animated", [False, True], ids=["still", "animated"])
def test_windows_see_the_hints_of_their_frames_or_the_nearest(
    indices: tuple[int, ...],
    places: list[list[int]],
    animated: bool,
    base: ModelPatcher,
    controls: dict[str, SparseControl],
) -> None:
    model = apply_motion_model(base, tiny.motion_patcher("v3")) if animated else base
    calls: list[Tensor] = []
    images = pictures(len(indices))
    hints = HintFrames(INDICES, indices)
    conds = steered(controls["scribble"], images, hints, frames=7)
    end = recorded(controls["scribble"], calls)
    sampled(windowed.windowed(model), conds, 7, steps=1)
    end()
    assert masks(calls) == places
    for hint, where in zip(calls, places, strict=True):
        shown = hint[where[0], :3].movedim(0, -1)
        assert any(torch.equal(shown, image) for image in images)


def test_a_window_is_the_video_of_its_frames(
    base: ModelPatcher, controls: dict[str, SparseControl]
) -> None:
    """Windows that share no frame: each is what a video of its frames alone would be."""
    control, images = controls["scribble"], pictures(2)
    model = windowed.windowed(base, length=4, overlap=0, schedule="batched")
    hints = HintFrames(INDICES, (1, 6))
    whole = sampled(model, steered(control, images, hints, frames=8), 8)
    noise = windowed.noise_of(8)
    for start, hint in ((0, 1), (4, 2)):
        part = [windowed.frame_prompts(seed, 8) for seed in (11, 31)]
        part = [[[text[start : start + 4], extra]] for ((text, extra),) in part]
        image = images[start // 4 : start // 4 + 1]
        conds = apply_sparse_control(part, control, image, HintFrames(INDICES, (hint,)))
        alone = windowed.sample_noise(
            base, noise[start : start + 4], positive=conds[0], negative=conds[1]
        )
        assert by_hand.relative(whole[start : start + 4], alone) < windowed.ROUNDING


def test_cores_own_windows_see_their_hints(
    base: ModelPatcher, controls: dict[str, SparseControl]
) -> None:
    core = comfy.context_windows
    handler = core.IndexListContextHandler(
        core.get_matching_context_schedule("standard_static"),
        core.get_matching_fuse_method("pyramid"),
        context_length=4,
        context_overlap=1,
    )
    model = apply_motion_model(base, tiny.motion_patcher("v3"))
    model.model_options["context_handler"] = handler
    calls: list[Tensor] = []
    prompts = (tiny.prompt(11), tiny.prompt(12))
    conds = apply_sparse_control(prompts, controls["scribble"], pictures(2), HintFrames())
    end = recorded(controls["scribble"], calls)
    sampled(model, conds, 7, steps=6)  # 0.3.75 counts steps right where there are as many sigmas
    end()
    last = len(calls[1]) // 2 - 1  # newer ones put a frame before the window
    assert masks(calls[:2]) == [[0], [last]]


def test_views_see_the_hints_of_their_parts(
    base: ModelPatcher, controls: dict[str, SparseControl]
) -> None:
    model = apply_motion_model(base, tiny.motion_patcher("v3"))
    calls: list[Tensor] = []
    conds = steered(controls["scribble"], pictures(2), HintFrames("uniform"), frames=7)
    end = recorded(controls["scribble"], calls)
    sampled(windowed.windowed(model, schedule="views"), conds, 7, steps=1)
    end()
    assert masks(calls) == [[0], [2]]  # frames 0-3 and 4-6


def test_hints_are_prepared_once_a_run(
    base: ModelPatcher,
    controls: dict[str, SparseControl],
    vae: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded: list[Any] = []
    encode = type(vae).encode
    monkeypatch.setattr(type(vae), "encode", lambda *a: encoded.append(1) or encode(*a))
    conds = steered(controls["rgb"], pictures(2), HintFrames(), vae=vae, frames=7)
    sampled(windowed.windowed(base), conds, 7, steps=3)
    assert len(encoded) == 1
    sampled(windowed.windowed(base), conds, 7, steps=1)
    assert len(encoded) == 2
    assert conds[0][0][1]["control"].cond_hint is None


def test_it_acts_in_its_part_of_sampling(
    base: ModelPatcher, controls: dict[str, SparseControl]
) -> None:
    calls: list[Tensor] = []
    conds = steered(controls["scribble"], pictures(1), HintFrames(), percent_range=(0.0, 0.5))
    end = recorded(controls["scribble"], calls)
    sampled(base, conds, steps=4)
    end()
    assert 0 < len(calls) < 4


def test_copies_are_independent(controls: dict[str, SparseControl]) -> None:
    positive, _ = steered(controls["scribble"], pictures(1), HintFrames("center"), strength=0.5)
    applied = positive[0][1]["control"]
    other = applied.copy()
    assert other is not applied and other.hint_frames == HintFrames("center")
    assert other.strength == 0.5 and other.control_model is applied.control_model
    assert other.get_models() == applied.get_models() != []
    other.set_cond_hint(pictures(1, 6).movedim(-1, 1))
    assert not torch.equal(other.cond_hint_original, applied.cond_hint_original)


@pytest.mark.parametrize("kind", ["SD2.x", "SDXL"])
def test_another_base_model_is_refused(kind: str, controls: dict[str, SparseControl]) -> None:
    other = tiny.image_model(kind)
    conds = apply_sparse_control(
        (tiny.prompt(1, base=kind), tiny.prompt(2, base=kind)),
        controls["scribble"],
        pictures(1),
        HintFrames(),
    )
    if kind == "SD2.x":  # as wide as SD1.5, but for its text
        other.model.model_config.unet_config["context_dim"] = 1024
    with pytest.raises(ValueError, match=rf"^tiny_sparse.ckpt has levels .* UNet \({kind}\) has"):
        sampled(other, conds, 2)


def test_what_cannot_be_sampled_is_told(
    base: ModelPatcher, controls: dict[str, SparseControl]
) -> None:
    scribble = controls["scribble"]
    outside = steered(scribble, pictures(1), HintFrames(INDICES, (FRAMES,)))
    with pytest.raises(ValueError, match="^Hint frame 6 lies outside the video, whose 6 frames"):
        sampled(base, outside)
    with pytest.raises(ValueError, match="^7 hint images are given for a video of 6 frames"):
        sampled(base, steered(scribble, pictures(7), HintFrames()))
    with pytest.raises(ValueError, match="33 frames exceed the 32 positions that tiny_sparse.ckpt"):
        sampled(base, steered(scribble, pictures(1), HintFrames(), frames=33), 33)
    with pytest.raises(ValueError, match="^tiny_sparse.ckpt is SparseCtrl's rgb model, which sees"):
        steered(controls["rgb"], pictures(1), HintFrames())
    with pytest.raises(
        ValueError,
        match="^SparseCtrl's range runs from 0.5 to 0.5 of sampling; start_percent must be below",
    ):
        steered(scribble, pictures(1), HintFrames(), percent_range=(0.5, 0.5))
    with pytest.raises(ValueError, match="^2 frame indices"):
        steered(scribble, pictures(3), HintFrames(INDICES, (0, 1)))
