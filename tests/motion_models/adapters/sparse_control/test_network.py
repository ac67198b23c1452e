"""SparseCtrl's encoder against the reference, which knows neither the pack nor ComfyUI.

A call holds two videos with prompts and timesteps of their own. With one channel a group and a
zeroed input, groups have a variance of almost zero and rounding grows by orders of magnitude; so
there are four and more.
"""

from __future__ import annotations

import comfy.ops
import pytest
import torch
from adk_tests.reference import motion as reference_motion
from adk_tests.reference.live import live_noise, live_video, relative_error
from adk_tests.reference.sparse_control import sparse_control
from adk_tests.support import by_hand, sparse
from animatediff_kit.motion_models.adapters.sparse_control.load import sort_out, spatial_names
from animatediff_kit.motion_models.adapters.sparse_control.network import SparseEncoder
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.modules import PositionalEncoding
from einops import rearrange, repeat
from torch import Tensor

WIDTHS = (128, 256, 256, 256)
CONTEXT = 48
GAIN = 0.5
"""Of matrices, but for the hint's: at 1 each layer of random weights triples what rounding did
before it, and float32 ends at 1.2e-6, the reference's own as well."""
VIDEOS, FRAMES, SIZE = 2, 6, (8, 8)
FP64, FP32 = 1e-12, 1e-6
DTYPES = [
    pytest.param(torch.float64, FP64, id="float64"),
    pytest.param(torch.float32, FP32, id="float32"),
]
KINDS = ["rgb", "scribble"]


def made(kind: str, dtype: torch.dtype) -> tuple[SparseEncoder, dict[str, Tensor]]:
    """An encoder, and its weights by the authors' names."""
    live = sparse.weights(kind, WIDTHS, CONTEXT)
    weights = {k: (GAIN * w if w.ndim > 1 and "cond" not in k else w) for k, w in live.items()}
    weights = {key: weight.to(dtype) for key, weight in weights.items()}
    spec, sorted_out = sort_out(weights, "tiny")
    network = SparseEncoder(spec, comfy.ops.manual_cast, dtype, "cpu")
    state = {ours: sorted_out[theirs] for theirs, ours in spatial_names(spec, network).items()}
    state |= {f"motion.{key}": w for key, w in sorted_out.items() if ".motion_modules." in key}
    network.load_state_dict(state)
    # the authors' tables have float32's precision, the reference's float64's
    for encoder in (m for m in network.modules() if isinstance(m, PositionalEncoding)):
        encoder.pe = reference_motion.positional_table(*encoder.pe.shape[1:])[None]
    return network, weights


def inputs(kind: str, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hints in frames 1 and 4 of the first video and 5 of the second; mask; timesteps; text."""
    h, w = SIZE if kind == "rgb" else (8 * SIZE[0], 8 * SIZE[1])
    mask = torch.zeros(VIDEOS, 1, FRAMES, 1, 1)
    mask[0, :, [1, 4]] = mask[1, :, 5] = 1.0
    mask = mask.expand(-1, -1, -1, h, w).to(dtype)
    hint = live_video(3, VIDEOS, 4 if kind == "rgb" else 3, FRAMES, h, w).to(dtype) * mask
    timesteps = torch.tensor([801.0, 37.0]).to(dtype)
    return hint, mask, timesteps, live_noise(5, VIDEOS, 7, CONTEXT).to(dtype)


def fold(x: Tensor) -> Tensor:
    return rearrange(x, "b c f h w -> (b f) c h w")


def per_frame(x: Tensor) -> Tensor:
    return repeat(x, "b ... -> (b f) ...", f=FRAMES)


def signals(network: SparseEncoder, given: tuple[Tensor, ...]) -> list[Tensor]:
    hint, mask, timesteps, text = given
    folded = fold(torch.cat([hint, mask], dim=1))
    with torch.no_grad():
        call = Call.alone(VIDEOS, FRAMES)
        made = network.signals(call, folded, per_frame(timesteps), per_frame(text))
    assert set(made) == {"output", "middle"}
    return [*made["output"], *made["middle"]]


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_features_equal_the_reference(
    kind: str, dtype: torch.dtype, tolerance: float, record_property
) -> None:
    """The reference computes in float64, so that the error is ours alone; where torch's own kernels
    round more, no larger than twice the reference's own in that dtype."""
    network, weights = made(kind, dtype)
    before = by_hand.fingerprint(network)
    given = inputs(kind, dtype)
    exact = {key: weight.double() for key, weight in weights.items()}
    ours = signals(network, given)
    truth = sparse_control(exact, *(part.double() for part in given))
    rounded = sparse_control(weights, *given)
    assert len(ours) == len(truth) == 13
    for one, other, its_own in zip(ours, truth, rounded, strict=True):
        error, rounding = relative_error(one, fold(other)), relative_error(its_own, other)
        record_property(f"SparseCtrl {kind}, {dtype}", error)
        assert one.dtype == dtype and error <= max(tolerance, 2 * rounding)
    assert by_hand.fingerprint(network) == before


@pytest.mark.parametrize("kind", KINDS)
def test_frames_without_a_hint_learn_from_those_with_one(kind: str) -> None:
    """What the motion modules are for; and the mask tells a black hint from none."""
    network, _ = made(kind, torch.float32)
    given = inputs(kind, torch.float32)
    hint, mask, *rest = given
    for other in ((hint * 0.5, mask), (hint * 0, mask), (hint * 0, mask * 0)):
        changed = signals(network, (*other, *rest))
        pairs = zip(signals(network, given)[3:], changed[3:], strict=True)
        moved = [relative_error(one[0], two[0]) for one, two in pairs]  # frame 0, without a hint
        assert min(moved) > FP32 and max(moved) > 100 * FP32
        given = (*other, *rest)
    plain = signals(network, (hint * 0, mask * 0, *rest))
    frames = plain[0].unflatten(0, (VIDEOS, FRAMES))
    assert torch.equal(frames[:, 0], frames[:, 3])  # nothing tells them apart but the position
