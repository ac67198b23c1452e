"""Weights files, and ways to damage them, as Hypothesis draws them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import safetensors.torch
import torch
from hypothesis import strategies as st
from torch import Tensor

Weights = dict[str, Tensor]


class Damaged:
    """A file as it lies on the disk. done: to it; cut: whether parts of it are missing, so that it
    must be refused."""

    def __init__(self, content: bytes, ending: str, done: str, cut: bool = False) -> None:
        self.content, self.ending, self.done, self.cut = content, ending, done, cut

    def __repr__(self) -> str:
        return f"<{self.ending} of {len(self.content)} bytes, {self.done}>"


def packed(weights: Weights, ending: str) -> bytes:
    if ending == ".safetensors":
        return safetensors.torch.save(weights)
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    return buffer.getvalue()


def damaged(weights: Weights) -> st.SearchStrategy[Damaged]:
    """Every way below, as often."""
    return st.one_of(
        in_bytes(packed(weights, ".safetensors"), ".safetensors"),
        in_bytes(packed(weights, ".ckpt"), ".ckpt"),
        in_header(packed(weights, ".safetensors")),
        in_tensors(weights),
    )


@st.composite
def in_bytes(draw: Any, content: bytes, ending: str) -> Damaged:
    """Truncated, a bit flipped, bytes put in, or a stretch overwritten."""
    way = draw(st.sampled_from(["cut", "flip", "put in", "overwrite"]))
    head = 8 + int.from_bytes(content[:8], "little") if ending == ".safetensors" else 4000
    position = draw(st.one_of(st.integers(0, head), st.integers(0, len(content) - 1)))
    done = f"{way} at {position}"
    if way == "cut":
        return Damaged(content[:position], ending, done, cut=True)
    if way == "flip":
        flipped = content[position] ^ (1 << draw(st.integers(0, 7)))
        return Damaged(with_bytes(content, position, bytes([flipped])), ending, done)
    more = draw(st.binary(min_size=1, max_size=64))
    if way == "put in":
        return Damaged(content[:position] + more + content[position:], ending, done)
    return Damaged(with_bytes(content, position, more), ending, done)


def with_bytes(content: bytes, position: int, more: bytes) -> bytes:
    return (content[:position] + more + content[position + len(more) :])[: len(content)]


DTYPES = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "I8", "U8"]
ODD = st.one_of(st.none(), st.integers(-(2**63), 2**64), st.text(max_size=5), st.just([]))


@st.composite
def in_header(draw: Any, content: bytes) -> Damaged:
    """A safetensors header that lies about one tensor, or of its own length."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    key = draw(st.sampled_from(sorted(k for k in header if k != "__metadata__")))
    lie = draw(st.sampled_from(["dtype", "shape", "data_offsets", "name", "gone", "length", "odd"]))
    entry = header[key]
    if lie == "dtype":
        entry["dtype"] = draw(st.one_of(st.sampled_from([*DTYPES, "BOOL", "C64"]), st.text()))
    elif lie == "shape":
        sizes = st.one_of(st.integers(0, 128), st.integers(2**31, 2**63))
        entry["shape"] = draw(st.one_of(st.lists(sizes, max_size=6), st.just(entry["shape"][::-1])))
    elif lie == "data_offsets":
        entry["data_offsets"] = draw(st.lists(st.integers(0, len(content) * 2), max_size=3))
    elif lie == "name":
        header[draw(st.text(max_size=30))] = header.pop(key)
    elif lie == "gone":
        header.pop(key)
    elif lie == "odd":
        entry[draw(st.sampled_from(["dtype", "shape", "data_offsets"]))] = draw(ODD)
    written = json.dumps(header).encode()
    told = draw(st.integers(0, 2**64 - 1)) if lie == "length" else len(written)
    rest = content[8 + length :]
    done = f"{lie} of {key}"
    return Damaged(told.to_bytes(8, "little") + written + rest, ".safetensors", done)


NUMBERS = [float("nan"), float("inf"), -float("inf"), 1e30, -1e30, 3e38, 7e4, 1e-45]
TENSORS: dict[str, Callable[[Tensor], Tensor]] = {
    "bool": lambda t: t.bool(),
    "int8": lambda t: t.to(torch.int8),
    "int64": lambda t: t.to(torch.int64),
    "float8": lambda t: t.to(torch.float8_e4m3fn),
    "float64 of 1e300": lambda t: torch.full_like(t, 1e300, dtype=torch.float64),
    "complex": lambda t: t.to(torch.complex64),
    "sparse": lambda t: t.float().to_sparse(),
    "scalar": lambda t: t.flatten()[0].clone(),
    "flat": lambda t: t.flatten(),
    "upside down": lambda t: t.T.contiguous() if t.ndim == 2 else t.flip(0),
    "one dimension more": lambda t: t[None],
    "empty": lambda t: t[:0].clone(),
    "one row": lambda t: t[:1].clone(),
    "twice": lambda t: torch.cat([t, t]),
    "of stride 0": lambda t: (
        t.flatten()[:1].expand(t.numel()).reshape(t.shape) if t.ndim < 2 else t[:1].expand(t.shape)
    ),
    "meta": lambda t: t.to("meta"),
}


@st.composite
def in_tensors(draw: Any, weights: Weights) -> Damaged:
    """A file that is whole, of which one tensor, or all of them, are no such weights."""
    keys = draw(st.one_of(st.sampled_from(sorted(weights)).map(lambda k: [k]), st.just([*weights])))
    way = draw(st.sampled_from([*TENSORS, "number", "nested", "alpha"]))
    changed: dict[Any, Any] = dict(weights)
    done = f"{way} in {keys[0] if len(keys) == 1 else 'all'}"
    if way == "number":
        number = draw(st.sampled_from(NUMBERS))
        for key in keys:
            changed[key] = changed[key].float().clone()
            changed[key].flatten()[-1] = number
        done += f" {number}"
    elif way == "nested":
        for _ in range(draw(st.integers(1, 12))):
            changed = {draw(st.sampled_from(["state_dict", "module", "other"])): changed}
    elif way == "alpha":
        shape = draw(st.sampled_from([(), (1,), (3, 3)]))
        alpha = torch.full(shape, draw(st.sampled_from([*NUMBERS, 0.0, 4.0])))
        for key in keys:
            stem = key.partition(".down.weight")[0].partition("_lora")[0]
            changed[f"{stem}.alpha"] = alpha
            changed[f"{stem}_lora.alpha"] = alpha.clone()
    else:
        for key in keys:
            changed[key] = TENSORS[way](changed[key])
    ending = ".ckpt"
    if way in ("number", "bool", "int8", "int64", "flat", "twice") and draw(st.booleans()):
        ending = ".safetensors"
    return Damaged(packed(changed, ending), ending, done)
