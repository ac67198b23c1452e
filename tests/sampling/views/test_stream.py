"""Views with the feature maps of all frames in host memory, for which torch's meta device stands
(two_devices.py): the same bits, and no layer meets the host."""

from __future__ import annotations

import logging
from typing import Any

import comfy.model_management as memory
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from adk_tests.support.two_devices import DEVICE, HOST, TwoDevices
from animatediff_kit.motion_models.call import Call, Run
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.layers import MotionSettings
from animatediff_kit.motion_models.modules import MotionModule
from animatediff_kit.motion_models.views import pixel_parts
from animatediff_kit.motion_models.views.frame_parts import FrameParts
from animatediff_kit.motion_models.views.spatial_parts import spatial_layers
from animatediff_kit.sampling.apply_windows import apply_context_windows
from animatediff_kit.sampling.handler import NODE
from animatediff_kit.sampling.views import stream
from animatediff_kit.sampling.views.plan import views_of
from animatediff_kit.sampling.windows import VIEWS, WindowSettings
from comfy.patcher_extension import WrappersMP
from torch import Tensor

FRAMES, LENGTH = 7, 4
GIB = 2**30


def in_views(model: Any, home: torch.device | None = None, overlap: int = 2) -> Any:
    return apply_context_windows(model, WindowSettings(LENGTH, overlap, schedule=VIEWS), NODE, home)


def animated(family: str = "v3", base: str = "SD1.5", **settings: float) -> Any:
    motion = tiny.motion_patcher(family)
    return apply_motion_model(tiny.image_model(base), motion, MotionSettings(**settings))


def on_both(model: Any, base: str = "SD1.5", **call: Any) -> tuple[Tensor, Tensor, TwoDevices]:
    """A sample with the maps on the device, and one with the maps on the host."""
    call = dict(frames=FRAMES, base=base, steps=1, **call)
    on_device = tiny.sample(in_views(model), **call)
    with TwoDevices() as devices:
        on_host = tiny.sample(in_views(model, HOST), **call)
    return on_device, on_host, devices


def batched(model: Any, together: bool) -> Any:
    """`model`, of which ComfyUI thinks that cond and uncond fit into one batch, or do not."""
    model.model.memory_usage_factor = 0.0 if together else 1e12
    return model


@pytest.mark.parametrize(
    ("family", "base", "together"),
    [
        ("v1", "SD1.5", True),
        ("v2", "SD1.5", True),
        ("v3", "SD1.5", False),
        ("v3", "SD1.5", True),
        ("HotshotXL", "SDXL", True),
        ("SDXL beta", "SDXL", True),
    ],
)
def test_the_frames_are_the_same_to_the_bit(family: str, base: str, together: bool) -> None:
    model = batched(animated(family, base, strength=0.7, motion_scale=1.2), together)
    positive = windowed.frame_prompts(11, FRAMES, base=base)
    on_device, on_host, devices = on_both(model, base, positive=positive)
    assert torch.equal(on_host, on_device) and on_host.isfinite().all()
    assert devices.carried > 0
    assert not devices.values, "tensors of the run are left on the host"


@pytest.mark.parametrize("together", [True, False])
def test_control_signals_meet_the_maps_on_the_host(together: bool) -> None:
    first, second = windowed.control_net(21), windowed.control_net(22)
    second = second.set_cond_hint(windowed.random(FRAMES, 3, 64, 64), 0.8, (0.0, 1.0))
    second.set_previous_controlnet(
        first.set_cond_hint(windowed.random(FRAMES, 3, 64, 64, seed=6), 0.5, (0.0, 1.0))
    )
    prompts = {
        name: windowed.with_entries(
            windowed.frame_prompts(seed), control=second, control_apply_to_uncond=False
        )
        for name, seed in (("positive", 11), ("negative", 31))
    }
    model = batched(animated("v2"), together)
    on_device, on_host, _ = on_both(model, **prompts)
    assert torch.equal(on_host, on_device)
    assert by_hand.relative(on_host, on_both(model)[0]) > 1e-2


def test_chained_motion_models() -> None:
    model = apply_motion_model(animated("v2"), tiny.motion_patcher("v3", seed=8))
    on_device, on_host, _ = on_both(model)
    assert torch.equal(on_host, on_device)


class LargestBatch:
    """A forward hook on the UNet's layers: the most entries that one was given."""

    def __init__(self, model: Any) -> None:
        self.entries = 0
        self.hooks = [
            layer.register_forward_pre_hook(self.note)
            for _, _, layer in spatial_layers(model.model.diffusion_model)
        ]

    def note(self, layer: Any, arguments: tuple[Any, ...]) -> None:
        self.entries = max(self.entries, len(arguments[0]))


def test_every_layer_runs_in_parts_while_motion_is_asleep() -> None:
    """Outside of the motion model's range too, the maps are those of all frames."""
    model = batched(animated(start_percent=0.998, end_percent=0.999), True)
    largest = LargestBatch(model)
    on_device, on_host, devices = on_both(model)
    assert largest.entries == 2 * LENGTH
    assert torch.equal(on_host, on_device) and devices.carried > 0


def test_patches_of_others_keep_the_maps_on_the_device(caplog: pytest.LogCaptureFixture) -> None:
    """Such as FreeU's, which looks at the maps of all frames on the way up."""
    patched, seen = animated(), []

    def look(h: Tensor, skip: Tensor, options: Any) -> tuple[Tensor, Tensor]:
        seen.append({h.device, skip.device})
        return h, skip

    patched.set_model_output_block_patch(look)
    model = in_views(patched, HOST)
    with caplog.at_level(logging.INFO), TwoDevices() as devices:
        tiny.sample(model, frames=FRAMES, steps=2, sampler_name="heun")
    lines = [r.getMessage() for r in caplog.records if "Views keep" in r.getMessage()]
    assert len(lines) == 1 and "(output_block_patch)" in lines[0]
    assert devices.carried == 0 and seen and all(places == {DEVICE} for places in seen)


def test_a_layer_of_others_keeps_the_maps_on_the_device() -> None:
    model = animated().model
    assert stream.seen_by_others(model, {}) == []
    model.diffusion_model.input_blocks[4].add_module("theirs", torch.nn.Identity())
    assert stream.seen_by_others(model, {"patches": {"attn2_patch": [1]}}) == ["Identity"]


def test_the_log_says_where_the_maps_are(caplog: pytest.LogCaptureFixture) -> None:
    model = in_views(animated(), HOST)
    with caplog.at_level(logging.INFO), TwoDevices():
        tiny.sample(model, frames=FRAMES, steps=2)
    lines = [r.getMessage() for r in caplog.records if "host memory" in r.getMessage()]
    assert lines == ["AnimateDiff Kit: views keep 0.0 GiB in host memory."]


def test_a_cancelled_run_leaves_the_unet_as_it_was() -> None:
    model = in_views(animated())
    unet = model.model.diffusion_model
    before = list(unet.named_modules())
    hook = unet.middle_block[0].register_forward_hook(cancel)
    with pytest.raises(memory.InterruptProcessingException):
        tiny.sample(model, frames=FRAMES)
    hook.remove()
    assert list(unet.named_modules()) == before


def cancel(*_: Any) -> None:
    memory.interrupt_current_processing()


def test_a_run_can_be_cancelled_between_parts_of_frames() -> None:
    starts = FrameParts(1, FRAMES, LENGTH, DEVICE, DEVICE).starts()
    assert next(starts) == 0
    cancel()
    with pytest.raises(memory.InterruptProcessingException):
        next(starts)


def test_a_run_can_be_cancelled_between_parts_of_pixels() -> None:
    """With plain layers, since ComfyUI's own ask whether they are cancelled too."""
    module, parts = MotionModule(32, 32, "per_frame", torch.nn), []
    transformer = module.temporal_transformer
    transformer.proj_out.register_forward_hook(lambda *_: parts.append(cancel()))
    cut = FrameParts(1, FRAMES, LENGTH, DEVICE, DEVICE)
    views = views_of(FRAMES, WindowSettings(LENGTH, 2, schedule=VIEWS), 0)
    run = Run(FRAMES).in_views(views)
    x = torch.ones((FRAMES, 32, 4, 4))
    with torch.inference_mode(), pytest.raises(memory.InterruptProcessingException):
        pixel_parts.in_views(transformer, x, Call(1, FRAMES, run, parts=cut))
    assert len(parts) == 1


@pytest.mark.parametrize(
    ("maps", "window", "free", "expected"),
    [
        (1, 1, 3, True),
        (1, 1, 2.9, False),
        (11.5, 1, 24, True),
        (11.5, 1, 16, False),
        (0, 1, 1, False),
    ],
)
def test_maps_fit_beside_a_window_with_a_margin(
    maps: float, window: float, free: float, expected: bool
) -> None:
    assert stream.fits(maps * GIB, window * GIB, free * GIB) is expected


def test_a_cpu_keeps_its_maps() -> None:
    """However little memory is free: the host's is the same."""
    model = batched(animated(), False).model
    assert stream.home_of_stream(model, torch.zeros((FRAMES, 4, 8, 8), device=DEVICE), 4) is None


@pytest.mark.parametrize("frames", [FRAMES, 1000])
def test_room_is_made_for_what_stays_on_the_device(frames: int) -> None:
    """A window's; and the maps', unless the device is too small for them."""
    model, shape = animated().model, [frames, 4, 8, 8]
    window = model.memory_required([LENGTH, 4, 8, 8])
    maps = stream.stream_bytes(model, shape)
    ample = 1.5 * (window + maps)
    room = stream.frames_of_room(model, shape, LENGTH, ample)
    asked = model.memory_required([room, 4, 8, 8])
    assert LENGTH < room <= frames
    assert asked >= window + maps or room == frames
    assert stream.frames_of_room(model, shape, LENGTH, 0.99 * ample) == LENGTH
    assert stream.frames_of_room(model, [3, 4, 8, 8], LENGTH, ample) == 3


@pytest.mark.parametrize("home", [None, HOST])
def test_comfyui_is_asked_for_that_room(home: torch.device | None) -> None:
    shapes: list[list[int]] = []

    def keep(executor: Any, model: Any, noise_shape: Any, *args: Any, **kwargs: Any) -> Any:
        shapes.append(list(noise_shape))
        return executor(model, noise_shape, *args, **kwargs)

    model = in_views(animated(), home)
    model.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, "keep", keep)
    with TwoDevices():
        tiny.sample(model, frames=FRAMES, steps=1)
    assert (shapes[0][0] == LENGTH) is (home is HOST)
