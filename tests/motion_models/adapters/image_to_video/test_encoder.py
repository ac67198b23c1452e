"""AnimateLCM-I2V's image encoder against its formulas."""

from __future__ import annotations

import pytest
import torch
from adk_tests.reference.image_encoder import image_features
from adk_tests.reference.live import live_noise, relative_error
from adk_tests.support import image_to_video, tiny
from animatediff_kit.motion_models.adapters.image_to_video.encoder import (
    ImageEncoder,
    encoder_shapes,
)
from torch import nn

WIDTHS = (32, 64, 128, 128)


def test_the_format_has_the_published_size() -> None:
    shapes = image_to_video.encoder_shapes()
    assert sum(torch.Size(shape).numel() for shape in shapes.values()) == 76_827_840
    assert encoder_shapes((320, 640, 1280, 1280)) == shapes


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-7), (torch.float32, 1e-6)], ids=str
)
@pytest.mark.parametrize("size", [(8, 8), (9, 14)], ids=["even", "odd"])
def test_features_equal_the_reference(
    size: tuple[int, int], dtype: torch.dtype, tolerance: float
) -> None:
    """The code of the frames has float32's precision, as the authors'."""
    empty = {k: torch.empty(s) for k, s in image_to_video.encoder_shapes(WIDTHS).items()}
    weights = {key: weight.to(dtype) for key, weight in tiny.randomise(empty, 3).items()}
    encoder = ImageEncoder(WIDTHS, nn, dtype=dtype)
    encoder.load_state_dict({k.removeprefix("img_encoder."): w for k, w in weights.items()})
    latent = live_noise(4, 1, 4, *size).to(dtype)
    with torch.no_grad():
        ours = encoder(latent, 5, 0.8)
    exact = {key: weight.double() for key, weight in weights.items()}
    truth = image_features(exact, latent.double(), 5, 0.8)
    assert len(ours) == len(truth) == 4
    for one, other in zip(ours, truth, strict=True):
        assert one.dtype == dtype
        assert relative_error(one, other[0].transpose(0, 1)) <= tolerance


def test_without_a_code_all_frames_are_alike() -> None:
    encoder = ImageEncoder(WIDTHS, nn)
    with torch.no_grad():
        plain, coded = (encoder(torch.randn(1, 4, 8, 8), 3, code)[3] for code in (0.0, 0.8))
    assert torch.equal(plain[0], plain[2]) and len(plain) == 3
    assert not torch.equal(coded[0], coded[1])
