"""Frames are those of the run, whatever stands in the batch and whoever regroups it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.call import OPTION, Call, Run, call_of
from animatediff_kit.motion_models.inject import apply_motion_model
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

FRAMES = 4


def part(value: Any, rows: slice) -> Any:
    """A batch's rows; what is no batch stays."""
    return value[rows] if isinstance(value, Tensor) and value.shape[:1] != (1,) else value


def one_by_one(apply: Any, call: dict[str, Any]) -> Tensor:
    """Each cond in a call of its own; `cond_or_uncond` still names all, as regrouping packs leave
    it."""
    size = call["input"].shape[0] // len(call["cond_or_uncond"])
    done = []
    for start in range(0, call["input"].shape[0], size):
        rows = slice(start, start + size)
        conds = {key: part(value, rows) for key, value in call["c"].items()}
        done.append(apply(call["input"][rows], call["timestep"][rows], **conds))
    return torch.cat(done)


def in_tiles(apply: Any, call: dict[str, Any]) -> Tensor:
    """Left and right half of every latent side by side in one batch, as tiled diffusion does."""
    x, half = call["input"], call["input"].shape[3] // 2
    tiles = torch.cat([x[..., :half], x[..., half:]])
    conds = {k: torch.cat([v, v]) if k == "c_crossattn" else v for k, v in call["c"].items()}
    left, right = apply(tiles, torch.cat([call["timestep"]] * 2), **conds).chunk(2)
    return torch.cat([left, right], 3)


def tiles_apart(apply: Any, call: dict[str, Any]) -> Tensor:
    """The same tiles, each in a call of its own: what the batch of both must give."""
    half = call["input"].shape[3] // 2
    sides = [call["input"][..., :half], call["input"][..., half:]]
    return torch.cat([apply(side, call["timestep"], **call["c"]) for side in sides], 3)


def regrouped(model: ModelPatcher, wrapper: Any) -> ModelPatcher:
    clone = model.clone()
    clone.set_model_unet_function_wrapper(wrapper)
    return clone


@pytest.mark.parametrize("family", ["v1", "v2"])
def test_conds_one_by_one_give_the_same(base: ModelPatcher, family: str) -> None:
    model = apply_motion_model(base, tiny.motion_patcher(family))
    frames = tiny.sample(regrouped(model, one_by_one), frames=FRAMES)
    assert by_hand.relative(frames, tiny.sample(model, frames=FRAMES)) < 1e-5


@pytest.mark.parametrize("family", ["v1", "v2"])
def test_tiles_in_a_batch_give_the_same(base: ModelPatcher, family: str) -> None:
    model = apply_motion_model(base, tiny.motion_patcher(family))
    frames = tiny.sample(regrouped(model, in_tiles), frames=FRAMES)
    apart = tiny.sample(regrouped(model, tiles_apart), frames=FRAMES)
    assert by_hand.relative(frames, apart) < 1e-5
    still = tiny.sample(regrouped(base, in_tiles), frames=FRAMES)
    assert by_hand.relative(frames, still) > 1e-2, "no motion"


@pytest.mark.parametrize("wrapper", [one_by_one, in_tiles])
@pytest.mark.parametrize("schedule", ["standard_static", "views"])
def test_windows_that_are_regrouped(base: ModelPatcher, wrapper: Any, schedule: str) -> None:
    model = apply_motion_model(base, tiny.motion_patcher("v2"))
    model = windowed.windowed(model, schedule=schedule)
    alone = one_by_one if wrapper is one_by_one else tiles_apart
    noise = windowed.noise_of()
    found, expected = (windowed.sample_noise(regrouped(model, w), noise) for w in (wrapper, alone))
    assert by_hand.relative(found, expected) < 1e-4
    if wrapper is one_by_one:
        assert by_hand.relative(found, windowed.sample_noise(model, noise)) < 1e-4


def split(apply: Any, call: dict[str, Any]) -> Tensor:
    """A latent of the batch is dropped."""
    conds = {**call["c"], "c_crossattn": call["c"]["c_crossattn"][:-1]}
    apply(call["input"][:-1], call["timestep"][:-1], **conds)
    raise AssertionError("the UNet was run")


def test_a_batch_that_is_no_whole_videos_names_its_cause(base: ModelPatcher) -> None:
    model = regrouped(apply_motion_model(base, tiny.motion_patcher("v2")), split)
    with pytest.raises(ValueError) as caught:
        tiny.sample(model, frames=3)
    assert str(caught.value) == (
        "The UNet was called with 5 latents, which are no whole number of videos of 3 frames, so "
        f"frames cannot be told from each other. split (model_function_wrapper) of {__name__} "
        "splits the batch of frames; remove it, or the motion model."
    )


def test_without_a_wrapper_the_cause_is_another_node() -> None:
    options = {OPTION: Run(4)}
    with pytest.raises(ValueError, match="Another node splits the batch of frames; remove it"):
        call_of(torch.zeros(6, 4, 8, 8), torch.zeros(6), options)
    with pytest.raises(ValueError, match="called with 2 latents"):
        call_of(torch.zeros(2, 4, 8, 8), torch.zeros(2), options)


def shape_of(batch: int, options: dict[str, Any]) -> tuple[int, int, tuple[int, ...]]:
    call = call_of(torch.zeros(batch, 4, 8, 8), torch.zeros(batch), options)
    return call.videos, call.frames, call.indices


def test_the_frames_of_a_call() -> None:
    conds = {"cond_or_uncond": [1, 0, 0]}
    assert shape_of(12, {OPTION: Run(4), **conds}) == (3, 4, (0, 1, 2, 3))
    assert shape_of(4, {OPTION: Run(4), **conds}) == (1, 4, (0, 1, 2, 3)), "conds one by one"
    assert shape_of(24, {OPTION: Run(4), **conds})[:2] == (6, 4), "two tiles"
    window = {OPTION: Run(9).within([5, 6, 0]), **conds}
    assert shape_of(6, window) == (2, 3, (5, 6, 0))


def test_outside_of_sampling_the_conds_are_videos() -> None:
    assert shape_of(12, {"cond_or_uncond": [1, 0, 0]})[:2] == (3, 4)
    assert shape_of(12, {})[:2] == (1, 12)
    assert shape_of(8, {"ad_params": {"sub_idxs": [4, 5]}}) == (4, 2, (4, 5))


class CoresWindow:
    """What core publishes of a window; newer versions put a frame before it."""

    dim, index_list = 0, [4, 5, 6]


def test_windows_of_others_are_read() -> None:
    window = CoresWindow()
    assert shape_of(6, {OPTION: Run(9), "context_window": window}) == (2, 3, (4, 5, 6))
    window.causal_anchor_index = 3  # type: ignore[attr-defined]
    assert shape_of(8, {OPTION: Run(9), "context_window": window}) == (2, 4, (3, 4, 5, 6))
    packs = {OPTION: Run(9), "ad_params": {"sub_idxs": [0, 1], "full_length": 9}}
    assert shape_of(6, packs) == (3, 2, (0, 1))
    over = {OPTION: Run(6), "ad_params": {"sub_idxs": [0, 1, 2], "full_length": 9}}
    assert shape_of(6, over) == (1, 6, (0, 1, 2, 3, 4, 5)), "left over from another run"


STEPS = [(14.0, 0.0), (2.0, 0.25), (1.5, 0.25), (0.1, 0.75)]


@pytest.mark.parametrize(("sigma", "progress"), STEPS)
def test_progress_is_what_is_done_of_sampling(sigma: float, progress: float) -> None:
    run = Run(2, torch.tensor([14.0, 2.0, 1.0, 0.5, 0.0]))
    assert Call(1, 2, run, torch.tensor([sigma, sigma])).progress == progress
    assert Call.alone(1, 2).progress == 0.0


class Seen:
    """APPLY_MODEL wrapper: the runs that calls belong to, held weakly."""

    def __init__(self) -> None:
        self.runs: list[Any] = []
        self.kept: list[int] = []

    def __call__(self, executor: Any, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        options = kwargs["transformer_options"] if "transformer_options" in kwargs else args[4]
        run = options[OPTION]
        self.runs.append(weakref.ref(run.keep("mine", Kept)))
        self.kept.append(run.frames)
        return executor(x, *args, **kwargs)


class Kept:
    """Something that a run keeps."""


def test_a_run_is_one_object_and_dies_with_its_sampling(base: ModelPatcher) -> None:
    seen = Seen()
    model = apply_motion_model(base, tiny.motion_patcher("v2"))
    model = apply_motion_model(model, tiny.motion_patcher("v3"))
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "seen", seen)
    gc.disable()
    try:
        tiny.sample(model, frames=3, steps=2)
        tiny.sample(model, frames=5, steps=1)
        assert seen.kept == [3, 3, 5]
        assert all(kept() is None for kept in seen.runs), "a run outlived its sampling"
    finally:
        gc.enable()
    assert OPTION not in model.model_options["transformer_options"]
    [published] = model.get_wrappers(WrappersMP.OUTER_SAMPLE, "animatediff_kit_run")
    assert published.__name__ == "publish_run"


def test_what_a_run_keeps_is_made_once_and_shared_by_its_windows() -> None:
    run, made = Run(8), []
    for shown in (run, run.within([1, 2]), run.within([3])):
        assert shown.keep("key", lambda: made.append(1) or "value") == "value"
    assert made == [1] and Run(8).kept == {}


def test_a_failed_run_leaves_nothing_published(base: ModelPatcher) -> None:
    model = regrouped(apply_motion_model(base, tiny.motion_patcher("v2")), split)
    with pytest.raises(ValueError):
        tiny.sample(model, frames=3)
    assert OPTION not in model.model_options["transformer_options"]
    tiny.sample(apply_motion_model(base, tiny.motion_patcher("v2")), frames=3)
