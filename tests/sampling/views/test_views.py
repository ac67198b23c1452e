"""Views: the windows inside the motion modules alone, each spatial layer once a frame."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.call import OPTION
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.strength import Values
from animatediff_kit.motion_models.views.frame_parts import FrameParts
from animatediff_kit.motion_models.views.spatial_parts import in_parts
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.controls import Hints
from animatediff_kit.sampling.views.controls import ControlInParts
from animatediff_kit.sampling.views.plan import views_of
from animatediff_kit.sampling.views.stream import stream_elements
from animatediff_kit.sampling.windows import WindowSettings
from comfy.controlnet import ControlBase
from comfy.patcher_extension import WrappersMP
from torch import Tensor

FAMILIES = ["v1", "v2", "v3", "HotshotXL", "SDXL beta"]
FRAMES, LENGTH = 8, 4
CPU = torch.device("cpu")


def settings(overlap: int, schedule: str = "views") -> WindowSettings:
    return WindowSettings(LENGTH, overlap, schedule=schedule)


def animated(family: str = "v3") -> Any:
    base = "SD1.5" if family in ("v1", "v2", "v3") else "SDXL"
    return apply_motion_model(tiny.image_model(base), tiny.motion_patcher(family))


def sampled(model: Any, overlap: int, schedule: str, base: str = "SD1.5", **call: Any) -> Tensor:
    windowed = apply_context_windows(model, settings(overlap, schedule))
    return tiny.sample(windowed, frames=FRAMES, base=base, steps=1, **call)


@pytest.mark.parametrize("family", FAMILIES)
def test_disjoint_views_are_batched_windows(family: str) -> None:
    """Also where norms see all frames of a window together (v1, HotshotXL)."""
    base = "SD1.5" if family in ("v1", "v2", "v3") else "SDXL"
    model = animated(family)
    views, windows = (sampled(model, 0, name, base) for name in ("views", "batched"))
    assert by_hand.relative(views, windows) < 1e-4
    others = tiny.sample(model, frames=FRAMES, base=base, steps=1)
    assert by_hand.relative(views, others) > 1e-2


def test_overlapping_views_differ_from_windows() -> None:
    model = animated()
    views, windows = (sampled(model, 2, name) for name in ("views", "standard_static"))
    assert views.isfinite().all() and by_hand.relative(views, windows) > 1e-3


@pytest.mark.parametrize("overlap", range(LENGTH))
@pytest.mark.parametrize("frames", [5, 8, 13, 64])
def test_every_frame_gets_shares_that_sum_to_one(frames: int, overlap: int) -> None:
    views = views_of(frames, settings(overlap), step=0)
    x = torch.randn((2, frames, 3), generator=torch.Generator().manual_seed(frames))
    assert torch.allclose(views.blend(x, 1.0, lambda y, scale: y), x, atol=1e-6)


@pytest.mark.parametrize("overlap", range(LENGTH))
def test_windows_attended_to_at_once_share_no_frame(overlap: int) -> None:
    views = views_of(61, settings(overlap), step=0)
    assert sorted(i for group in views.groups for i in group) == list(range(len(views.windows)))
    for group in views.groups:
        frames = [frame for i in group for frame in views.windows[i]]
        assert len(set(frames)) == len(frames)
    assert len(views.groups) <= -(-LENGTH // (LENGTH - overlap)) + 1


def test_views_attend_window_by_window() -> None:
    """Each window gets its own frames in their order, whatever stands beside it."""
    views = views_of(13, settings(1), step=0)
    x = torch.randn((2, 13, 3), generator=torch.Generator().manual_seed(1))

    def attend(y: Tensor, scale: Values) -> Tensor:
        assert y.shape[1] == LENGTH
        return y.cumsum(1)

    expected = torch.zeros_like(x)
    for window, shares in zip(views.windows, views.shares, strict=True):
        for place, frame in enumerate(window):
            expected[:, frame] += shares[place] * x[:, list(window[: place + 1])].sum(1)
    assert torch.allclose(views.blend(x, 1.0, attend), expected, atol=1e-5)


class UnetBatches:
    """DIFFUSION_MODEL wrapper: the sizes of the batches that ComfyUI calls the UNet with."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, executor: Any, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        self.sizes.append(x.shape[0])
        return executor(x, *args, **kwargs)


def test_windows_are_sent_to_the_device_once_for_all_modules() -> None:
    views, x = views_of(12, WindowSettings(6, 2), 0), torch.randn(3, 12, 8)
    group = tuple(views.groups[0])
    index, share = views.placed(group, x)
    again = views.placed(group, x + 1.0)
    assert again[0] is index and again[1] is share
    assert index.tolist() == [frame for i in group for frame in views.windows[i]]
    assert views.placed(group, x.double())[1].dtype == torch.float64


def test_cond_and_uncond_together_or_apart() -> None:
    """ComfyUI puts both into one batch where it thinks that memory suffices."""
    model, found = animated("v1"), []
    for factor, sizes in ((0.0, [2 * FRAMES]), (1e12, [FRAMES, FRAMES])):
        batches = UnetBatches()
        watched = model.clone()
        watched.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "test", batches)
        watched.model.memory_usage_factor = factor
        found.append(sampled(watched, 2, "views"))
        assert batches.sizes == sizes
    assert by_hand.relative(*found) < 1e-4


def test_nothing_of_views_is_left_after_sampling() -> None:
    model = animated()
    names = [name for name, _ in model.model.diffusion_model.named_modules()]
    windowed = apply_context_windows(model, settings(2))
    first = tiny.sample(windowed, frames=FRAMES, steps=1)
    assert OPTION not in windowed.model_options["transformer_options"]
    assert [name for name, _ in model.model.diffusion_model.named_modules()] == names
    assert by_hand.same(tiny.sample(windowed, frames=FRAMES, steps=1), first)


@pytest.mark.parametrize("frames", [8, 9])
def test_a_spatial_layer_in_parts_is_the_layer_at_once(frames: int) -> None:
    """The last part of 9 frames is 1 frame long."""
    unet = tiny.image_model().model.diffusion_model
    generator = torch.Generator().manual_seed(2)
    x = torch.randn((2 * frames, 32, 8, 8), generator=generator)
    emb = torch.randn((2 * frames, 128), generator=generator)
    text = torch.randn((2 * frames, 7, tiny.CONTEXT), generator=generator)
    parts = FrameParts(2, frames, LENGTH, CPU, CPU)
    block, transformer = unet.input_blocks[1]
    with torch.inference_mode():
        for layer, inputs in ((block, (x, emb)), (transformer, (x, text)), (unet.out, (x,))):
            whole, cut = layer(*inputs), in_parts(layer, parts)(*inputs)
            assert by_hand.relative(cut, whole) < 1e-5


class HintAsSignal(ControlBase):
    """The smallest ControlNet: its signal for a frame is the frame's hint times its latent."""

    def get_control(
        self, x_noisy: Tensor, t: Tensor, cond: Any, batched_number: int, options: Any
    ) -> Any:
        videos = x_noisy.shape[0] // len(self.cond_hint_original)
        hint: Any = self.cond_hint_original
        signal = hint.repeat(videos, 1, 1, 1) * x_noisy * cond["scale"]
        return {"output": [signal, None], "middle": [signal + t.view(-1, 1, 1, 1)]}


def test_a_controlnet_in_parts_is_the_controlnet_at_once() -> None:
    frames, generator = 9, torch.Generator().manual_seed(3)
    x = torch.randn((2 * frames, 4, 8, 8), generator=generator)
    t = torch.rand(2 * frames, generator=generator)
    cond = {"scale": torch.randn((2 * frames, 1, 1, 1), generator=generator)}
    control = HintAsSignal().set_cond_hint(torch.randn((frames, 4, 8, 8), generator=generator))
    whole: Any = control.get_control(x, t, cond, 2, {})
    cut: Any = ControlInParts(control, frames, LENGTH, Hints()).get_control(x, t, cond, 2, {})
    assert cut["output"][1] is None
    assert torch.equal(cut["output"][0], whole["output"][0])
    assert torch.equal(cut["middle"][0], whole["middle"][0])


def blocks_compiled(unet: Any) -> Any:
    """Every sequential compiled by itself, as some packs do."""
    for blocks in (unet.input_blocks, unet.output_blocks):
        for i, block in enumerate(blocks):
            blocks[i] = torch.compile(block, backend="eager")
    return unet


def test_the_stream_of_compiled_blocks_is_that_of_plain_ones() -> None:
    plain = stream_elements(tiny.image_model().model.diffusion_model, 8, 8)
    unet = blocks_compiled(tiny.image_model().model.diffusion_model)
    assert stream_elements(unet, 8, 8) == plain > 0


class Compiled(torch.nn.Module):
    """What torch.compile makes of a module, without the compiler."""

    def __init__(self, unet: Any, look: Any) -> None:
        super().__init__()
        self._orig_mod = unet
        self.look = look

    def __getattr__(self, name: str) -> Any:
        modules = self.__dict__["_modules"]
        return modules[name] if name in modules else getattr(modules["_orig_mod"], name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        self.look(self._orig_mod)
        return self._orig_mod(*args, **kwargs)


def test_a_compiled_unet_is_as_it_was_after_views() -> None:
    """The compile node stands before Apply Motion Model; nothing stays on torch's own module."""
    windowed = apply_context_windows(animated(), settings(2))
    expected = tiny.sample(windowed, frames=FRAMES, steps=1)
    inside: list[str] = []
    unet = Compiled(
        windowed.model.diffusion_model, lambda unet: inside.append(type(unet.out).__name__)
    )
    windowed.model.diffusion_model = unet
    names = [name for name, _ in unet.named_modules()]
    assert by_hand.same(tiny.sample(windowed, frames=FRAMES, steps=1), expected)
    assert inside == ["LastInParts"]
    assert [name for name, _ in unet.named_modules()] == names
