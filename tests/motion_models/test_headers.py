"""Small files that would fill memory or take minutes: refused before they are read."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from animatediff_kit.motion_models.headers import MOST_DIMS, MOST_HEADER
from animatediff_kit.motion_models.read import read_weights
from safetensors.torch import save_file


def safetensors(path: Path, header: Any, length: int | None = None) -> Path:
    written = json.dumps(header).encode()
    size = len(written) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + written.ljust(size) + bytes(8))
    return path


def test_a_tensor_of_very_many_dimensions(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [1] * 100_016, "data_offsets": [0, 4]}
    path, begin = safetensors(tmp_path / "many.safetensors", {"a": entry}), time.monotonic()
    with pytest.raises(ValueError, match="^many.safetensors holds a tensor of 100,016 dim"):
        read_weights(str(path))
    assert time.monotonic() - begin < 5
    save_file({"a": torch.ones([1] * MOST_DIMS)}, str(path))
    assert read_weights(str(path))[0]["a"].ndim == MOST_DIMS


def test_a_header_that_is_too_long(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "long.safetensors", {}, MOST_HEADER + 1)
    with pytest.raises(ValueError, match=r"^long.safetensors has a header of 33,554,433 b"):
        read_weights(str(path))


@pytest.mark.parametrize("header", [[], {"a": 3}, {"a": {"shape": 3}}, "x", {"__metadata__": None}])
def test_headers_that_are_none_are_left_to_the_reader(tmp_path: Path, header: Any) -> None:
    path = safetensors(tmp_path / "odd.safetensors", header)
    with pytest.raises(ValueError, match="^odd.safetensors .*cannot be read as a weight|no te"):
        read_weights(str(path))
    path.write_bytes((100).to_bytes(8, "little") + b"[" * 100)
    with pytest.raises(ValueError, match="^odd.safetensors .*cannot be read as a weights file"):
        read_weights(str(path))


def repacked(path: Path, kind: int) -> Path:
    """The parts of a file of torch's, packed as a zip can be and torch never does."""
    target = path.with_name("packed.ckpt")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", kind) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
    return target


def test_a_packed_file_that_would_fill_memory(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2), "padding": torch.zeros(4_000_000)}, tmp_path / "plain.ckpt")
    packed = repacked(tmp_path / "plain.ckpt", zipfile.ZIP_DEFLATED)
    said = rf"^packed.ckpt has {packed.stat().st_size:,} bytes and would take 16,\d+,\d+ unp"
    with pytest.raises(ValueError, match=said):
        read_weights(str(packed))


def test_a_packed_file_of_weights_is_read(tmp_path: Path) -> None:
    weight = torch.randn(100_000)
    torch.save({"a": weight}, tmp_path / "plain.ckpt")
    packed = repacked(tmp_path / "plain.ckpt", zipfile.ZIP_DEFLATED)
    assert packed.stat().st_size < (tmp_path / "plain.ckpt").stat().st_size
    assert torch.equal(read_weights(str(packed))[0]["a"], weight)
