"""Pictures between ComfyUI's tensors and Pillow."""

from __future__ import annotations

import numpy as np
import torch
from animatediff_kit.training.run.pictures import as_image, as_picture, below, under_plot
from PIL import Image


def plot() -> Image.Image:
    colours = np.random.default_rng(0).integers(0, 256, (320, 512, 3), dtype=np.uint8)
    return Image.fromarray(colours)


def test_a_picture_comes_back_as_it_was() -> None:
    image = as_image(plot())
    assert image.shape == (1, 320, 512, 3) and image.dtype == torch.float32
    assert 0 <= float(image.min()) and float(image.max()) <= 1
    assert np.array_equal(np.asarray(as_picture(image[0])), np.asarray(plot()))


def test_a_preview_stands_under_the_plot() -> None:
    frame = torch.zeros((256, 128, 3))
    frame[..., 0] = 1.0
    both = np.asarray(below(plot(), as_picture(frame)))
    assert both.shape == (320 + 256, 512, 3)
    assert np.array_equal(both[:320], np.asarray(plot()))
    assert (both[320:, 192:320] == (255, 0, 0)).all() and (both[320:, :192] == 255).all()
    assert np.array_equal(np.asarray(as_picture(under_plot(as_image(plot()), frame)[0])), both)


def test_without_a_preview_there_is_the_plot_alone() -> None:
    picture = plot()
    assert below(picture, None) is picture
