"""The sheet of all frames: each at its place, none too large, whatever draws them."""

from __future__ import annotations

import io
from typing import Any

import comfy.latent_formats
import numpy as np
import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.latent_colours import coloured
from animatediff_kit.sampling.preview_sheet import (
    MOST_FRAMES,
    MOST_PIXELS,
    TOGETHER,
    by_taesd,
    in_colours,
    sheet_of,
    smaller,
)
from comfy.taesd.taesd import TAESD
from PIL import Image
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.overrides import TorchFunctionMode

SD15 = comfy.latent_formats.SD15()


def video(frames: int, height: int = 8, width: int = 12) -> Tensor:
    """Frames of one colour each, all different."""
    generator = torch.Generator().manual_seed(frames)
    return torch.randn((frames, 4, 1, 1), generator=generator).expand(-1, -1, height, width)


@pytest.mark.parametrize("frames", [2, 5, 16])
def test_each_frame_is_where_the_sheet_says(frames: int) -> None:
    latents = torch.randn((frames, 4, 8, 12), generator=torch.Generator().manual_seed(frames))
    sheet = sheet_of(latents, *in_colours(SD15))
    assert (sheet.frames, sheet.width, sheet.height, sheet.fps) == (frames, 12, 8, 8.0)
    picture = np.asarray(sheet.picture)
    for i, wanted in enumerate(coloured(latents, SD15)):
        row, column = divmod(i, sheet.columns)
        found = picture[row * 8 : row * 8 + 8, column * 12 : column * 12 + 12]
        assert np.array_equal(found, (wanted.numpy() * 255).astype(np.uint8))


@pytest.mark.parametrize("size", [(64, 64), (96, 40), (17, 256)])
@pytest.mark.parametrize("frames", [2, 16, 100, 500])
def test_long_and_large_videos_make_a_small_sheet(frames: int, size: tuple[int, int]) -> None:
    sheet = sheet_of(video(frames, *size), *in_colours(SD15))
    assert sheet.frames <= MOST_FRAMES and sheet.frames * sheet.width * sheet.height <= MOST_PIXELS
    assert sheet.frames / sheet.fps == pytest.approx(frames / 8, rel=0.05)  # as long as the video
    assert sheet.width / sheet.height == pytest.approx(size[1] / size[0], rel=0.1)
    rows = -(-sheet.frames // sheet.columns)
    assert sheet.picture.size == (sheet.columns * sheet.width, rows * sheet.height)


class MeansOf(TorchFunctionMode):
    """Kinds of devices that means of areas are computed on."""

    def __init__(self) -> None:
        super().__init__()
        self.devices: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.adaptive_avg_pool2d:
            self.devices.append(args[0].device.type)
        return func(*args, **(kwargs or {}))


def test_apples_gpus_are_not_asked_for_what_they_lack() -> None:
    """Means of areas whose sizes do not divide one another, as of 100 pixels in 64 here."""
    with FakeTensorMode(), MeansOf() as means:
        latents = torch.empty(9, 4, 60, 100, device="mps", dtype=torch.float16)
        small = smaller(latents, 64)
    assert means.devices == ["cpu"]
    assert (small.device.type, small.dtype, small.shape[-2:]) == ("mps", torch.float32, (38, 64))


def test_taesd_draws_small_and_few_frames_at_a_time() -> None:
    taesd = TAESD()
    weights = taesd.taesd_decoder.state_dict()
    taesd.taesd_decoder.load_state_dict(tiny.randomise(weights, 5))
    seen: list[torch.Size] = []

    def decode(latents: Tensor) -> Any:
        seen.append(latents.shape)
        return taesd.decode(latents)

    with torch.inference_mode():
        sheet = sheet_of(video(6, 64, 32), *by_taesd(decode))
    assert [shape[0] for shape in seen] == [TOGETHER, 2]
    assert (sheet.width, sheet.height) == (128, 256)
    frames = [
        np.asarray(sheet.picture)[y : y + 256, x : x + 128] for y in (0, 256) for x in (0, 128, 256)
    ]
    assert all(not np.array_equal(one, frames[0]) for one in frames[1:])


def test_the_page_can_read_it() -> None:
    sheet = sheet_of(video(4), *in_colours(SD15))
    with Image.open(io.BytesIO(sheet.as_jpeg())) as picture:
        assert picture.format == "JPEG" and picture.size == sheet.picture.size
