"""Tensors come back from shards as they went in, and take no memory there."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from adk_tests.support.clip_sets import NEEDS_MEMORY_FIGURES, anonymous_memory
from animatediff_kit.training.data import shards
from animatediff_kit.training.data.records import anything_goes, metadata_of
from animatediff_kit.training.data.shard_index import read_index
from animatediff_kit.training.data.shards import ShardReader, ShardWriter, WriteError, shard_files
from animatediff_kit.training.files.locks import FolderInUse
from safetensors.torch import save_file

KILOBYTE = torch.zeros(512, dtype=torch.float16)


def fill(folder: Path, numbers: range, size: int = 3000) -> None:
    with ShardWriter(folder, "kind", size) as writer:
        for i in numbers:
            writer.add({"number": i}, {f"t{i}": KILOBYTE + i})


def test_shards_are_closed_at_their_size(tmp_path: Path) -> None:
    fill(tmp_path, range(7))
    reader = ShardReader(tmp_path, "kind")
    assert [path.name for path in shard_files(tmp_path, "kind")] == [
        "kind-00000.safetensors",
        "kind-00001.safetensors",
        "kind-00002.safetensors",
    ]
    assert reader.records == [{"number": i} for i in range(7)]
    assert {key: p.shard for key, p in reader.places.items()} == {f"t{i}": i // 3 for i in range(7)}
    assert reader.shape("t5") == (512,)
    for i in (6, 0, 3, 1):
        assert torch.equal(reader.get(f"t{i}"), (KILOBYTE + i).float())


def test_a_shard_is_closed_when_it_is_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_SECONDS", 0.0)
    fill(tmp_path, range(3), size=10**9)
    assert len(shard_files(tmp_path, "kind")) == 3


def test_adding_goes_on_behind_the_last_shard(tmp_path: Path) -> None:
    fill(tmp_path, range(4))
    before = [path.read_bytes() for path in shard_files(tmp_path, "kind")]
    fill(tmp_path, range(4, 6))
    after = [path.read_bytes() for path in shard_files(tmp_path, "kind")]
    assert after[:2] == before and len(after) == 3
    assert [r["number"] for r in ShardReader(tmp_path, "kind").records] == list(range(6))
    fill(tmp_path, range(0))
    assert len(shard_files(tmp_path, "kind")) == 3


def test_an_interruption_keeps_what_was_added(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), ShardWriter(tmp_path, "kind") as writer:
        writer.add(1, {"a": KILOBYTE})
        raise KeyboardInterrupt
    assert ShardReader(tmp_path, "kind").records == [1]


def test_a_record_needs_no_tensor(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "kind") as writer:
        writer.add("nothing to keep", {})
    assert ShardReader(tmp_path, "kind").records == ["nothing to keep"]


def test_tensors_are_fit_for_autograd_in_inference_mode(tmp_path: Path) -> None:
    with torch.inference_mode():
        fill(tmp_path, range(1))
        tensor = ShardReader(tmp_path, "kind").get("t0")
    assert not tensor.is_inference() and tensor.dtype is torch.float32
    weight = torch.ones(512, requires_grad=True)
    (tensor * weight).sum().backward()
    assert weight.grad is not None


def test_many_shards_are_read_with_few_open_files(tmp_path: Path) -> None:
    fill(tmp_path, range(80), size=1)
    reader = ShardReader(tmp_path, "kind")
    for i in range(80):
        assert reader.get(f"t{i}")[0] == i
        assert len(reader._opened) <= shards.OPEN_FILES


def test_a_frame_is_read_alone(tmp_path: Path) -> None:
    """Without the bytes of the others, be they damaged, and with a checksum of its own."""
    tensor = torch.arange(3 * 4 * 2 * 2).reshape(3, 4, 2, 2).half()
    with ShardWriter(tmp_path, "kind") as writer:
        writer.add(1, {"a": tensor, "flat": KILOBYTE})
    reader = ShardReader(tmp_path, "kind")
    for i in range(3):
        assert torch.equal(reader.frame("a", i), tensor[i : i + 1].float())
    for key, number in [("a", 3), ("a", -1), ("flat", 0)]:
        with pytest.raises(IndexError):
            reader.frame(key, number)
    (path,) = shard_files(tmp_path, "kind")
    content = bytearray(path.read_bytes())
    content[reader.places["a"].offset + 32 + 5] ^= 1  # in frame 1, of 16 numbers of 2 bytes each
    path.write_bytes(content)
    damaged = ShardReader(tmp_path, "kind")
    assert torch.equal(damaged.frame("a", 0), tensor[:1].float())
    assert torch.equal(damaged.frame("a", 2), tensor[2:].float())
    for read in (lambda: damaged.frame("a", 1), lambda: damaged.get("a")):
        with pytest.raises(ValueError, match=f"^{re.escape(str(path))} is damaged or gone. Delete"):
            read()


def test_a_tensor_of_another_type_is_told(tmp_path: Path) -> None:
    path, tensors = tmp_path / "kind-00000.safetensors", {"a": torch.arange(3)}
    save_file(tensors, path, metadata_of([1], tensors))
    with pytest.raises(ValueError, match="^a tensor of type I64$"):
        read_index(path, 0, anything_goes)
    with pytest.raises(ValueError, match="is damaged or gone"):
        ShardReader(tmp_path, "kind")


def test_a_file_that_was_cut_off_meanwhile_is_told(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    reader = ShardReader(tmp_path, "kind")
    (path,) = shard_files(tmp_path, "kind")
    path.write_bytes(path.read_bytes()[:-10])
    assert reader.get("t0")[0] == 0
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} is damaged or gone. Delete it"):
        reader.get("t2")


def test_threads_read_at_once(tmp_path: Path) -> None:
    fill(tmp_path, range(200), size=1)
    reader = ShardReader(tmp_path, "kind")
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda i: int(reader.get(f"t{i % 200}")[0]), range(800)))
    assert read == [i % 200 for i in range(800)]


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    fill(tmp_path, range(7))
    path = shard_files(tmp_path, "kind")[1]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))} is damaged or gone. Delete it"):
        ShardReader(tmp_path, "kind")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sentence = f"^{re.escape(str(tmp_path / 'file'))}.* cannot be written \\(Not a directory\\).$"
    with pytest.raises(WriteError, match=sentence):
        fill(tmp_path / "file" / "folder", range(1))


def test_two_writers_never_share_a_number(tmp_path: Path) -> None:
    """The second is refused while the first adds, and counts on behind it afterwards."""
    with ShardWriter(tmp_path, "kind", 1) as first, ShardWriter(tmp_path, "kind", 1) as second:
        first.add("first", {"a": KILOBYTE})
        with pytest.raises(FolderInUse, match="Another process writes into"):
            second.add("second", {"b": KILOBYTE + 1})
        first.add("third", {"c": KILOBYTE + 2})
        first.__exit__(None, None, None)
        second.add("second", {"b": KILOBYTE + 1})
    reader = ShardReader(tmp_path, "kind")
    assert reader.records == ["first", "third", "second"] and len(reader.files) == 3
    assert [reader.get(key)[0].item() for key in "acb"] == [0, 2, 1]


def test_what_is_complete_is_not_locked(tmp_path: Path) -> None:
    """A cache that lacks nothing may lie on a disk that cannot be written."""
    with ShardWriter(tmp_path, "kind"):
        pass
    assert not list(tmp_path.iterdir())


@NEEDS_MEMORY_FIGURES
def test_memory_does_not_grow_with_the_tensors(tmp_path: Path) -> None:
    """128 MB pass through, 16 MB may stay."""
    before = anonymous_memory()
    with ShardWriter(tmp_path, "kind", 2**20) as writer:
        for i in range(2000):
            writer.add(i, {f"t{i}": torch.full((32768,), i % 100, dtype=torch.float16)})
    reader = ShardReader(tmp_path, "kind")
    assert sum(reader.get(f"t{i}")[0].item() for i in range(2000)) == 99000
    assert anonymous_memory() - before < 16 * 2**20
