"""Whatever stops the encoding, nothing that was done is lost or broken, and memory stays flat."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import encoders
from adk_tests.support.clip_sets import (
    NEEDS_FORK,
    NEEDS_MEMORY_FIGURES,
    DrawnClips,
    anonymous_memory,
    in_a_process,
    killed,
    result_of,
)
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.cache_identity import entry_of, identify
from animatediff_kit.training.data.fill_cache import encode_clips
from animatediff_kit.training.data.shards import ShardReader, shard_files
from torch import Tensor

SHARD = 2100
"""Bytes: two clips of the set below, of 1 kB each, are not enough, the third closes a shard."""


Encode = Callable[..., EncodedClips]


VAE = identify(DrawnClips(), encoders.vae(), encoders.text_encoder()).vae


@pytest.fixture(scope="module")
def encode() -> Encode:
    """encode_clips with models of the module's."""
    vae, clip = encoders.vae(), encoders.text_encoder()

    def run(folder: Path, clips: DrawnClips, **more: Any) -> EncodedClips:
        return encode_clips(clips, vae, clip, folder, **{"shard_bytes": SHARD, **more})

    return run


def assert_same(one: EncodedClips, other: EncodedClips) -> None:
    assert len(one) == len(other) and one.fingerprint == other.fingerprint
    for i in range(len(one)):
        assert one.name(i) == other.name(i)
        assert torch.equal(one.latents(i), other.latents(i))
        texts = one.text(one.caption(i)), other.text(other.caption(i))
        assert torch.equal(texts[0].embedding, texts[1].embedding)


def numbers_in(folder: Path, clips: DrawnClips) -> set[int]:
    """Of the clips whose latents are there."""
    keys = [entry_of(clips, index, VAE).key for index in range(len(clips))]
    return {keys.index(record["key"]) for record in ShardReader(folder, "latents").records}


@NEEDS_FORK
def test_killed_at_any_moment_it_goes_on(tmp_path: Path, encode: Encode) -> None:
    """Ever later kills, until one comes too late; each run finds whole shards alone, keeps them
    and encodes none of their clips again. The time counts from when a run begins: making its
    process takes longer than all of it. The VAE takes two of these clips in one call."""

    def drawn() -> DrawnClips:
        return DrawnClips(12, length=24, height=32, width=32)

    folder, kills, whole = tmp_path / "a", 0, 0
    delay = 0.0
    while True:
        done = numbers_in(folder, drawn())
        before = {path: path.read_bytes() for path in shard_files(folder, "latents")}
        log, begun = tmp_path / f"read-{kills}", tmp_path / f"begun-{kills}"

        def run(log: Path = log, begun: Path = begun) -> None:
            clips = drawn()
            begun.touch()
            encode(folder, clips, on_progress=lambda *_: log.write_text(str(clips.was_read)))

        process = killed(run, begun.exists, delay)
        read = set(re.findall(r"\d+", log.read_text())) if log.exists() else set()
        assert not done & {int(number) for number in read}
        assert all(path.read_bytes() == content for path, content in before.items())
        whole = max(whole, len(before))
        if process.exitcode == 0:
            break
        kills += 1
        delay = 1.2 * delay + 0.002
    assert kills >= 3 and whole >= 1, "the kills did not come in the middle"
    assert_same(EncodedClips(folder), encode(tmp_path / "b", drawn()))
    assert not list(folder.glob(".*"))


@NEEDS_FORK
def test_two_processes_do_not_encode_into_one_folder(encode: Encode, tmp_path: Path) -> None:
    """The second is refused in the middle of the first, whose clips are all there in the end."""
    folder = tmp_path / "a"
    half_done = tmp_path / "half done"

    def wait_in_the_middle(done: int, total: int) -> None:
        if done == total // 2:
            half_done.touch()
            while half_done.exists():
                time.sleep(0.01)

    process = in_a_process(lambda: encode(folder, DrawnClips(), on_progress=wait_in_the_middle))
    try:
        while not half_done.exists():
            time.sleep(0.01)
        clips = DrawnClips()
        with pytest.raises(ValueError, match="^Another process encodes clips into .* Wait until "):
            encode(folder, clips)
        assert not clips.was_read
    finally:
        half_done.unlink(missing_ok=True)
        process.join()
    clips = DrawnClips()
    assert_same(encode(folder, clips), encode(tmp_path / "b", DrawnClips()))
    assert not clips.was_read and len(shard_files(folder, "latents")) == 2


IN_USE = r"Another process encodes clips into .*"


def at_once(works: list[Callable[[], EncodedClips]]) -> list[Any]:
    """What each says in a process of its own, which all begin in one moment: an error's sentence,
    or how many frames the clips of its cache have."""
    context = multiprocessing.get_context("fork")
    gate, results = context.Barrier(len(works)), context.SimpleQueue()

    def enter(number: int, work: Callable[[], EncodedClips]) -> None:
        gate.wait(60)
        try:
            cache = work()
            results.put((number, {cache.latents(i).shape[0] for i in range(len(cache))}))
        except ValueError as error:
            results.put((number, str(error)))

    started = [in_a_process(lambda n=n, w=w: enter(n, w)) for n, w in enumerate(works)]
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * len(works)
    said = dict(results.get() for _ in works)
    return [said[number] for number in range(len(works))]


@NEEDS_FORK
def test_processes_that_begin_one_cache_at_once(tmp_path: Path) -> None:
    """Each finishes it or is told that another is at it; what is there is whole. Its identity is
    known before, so that they meet at the manifest."""
    vae, clip = encoders.vae(), encoders.text_encoder()
    identity = identify(DrawnClips(), vae, clip)

    def into(folder: Path) -> EncodedClips:
        return encode_clips(DrawnClips(), vae, clip, folder, identity=identity, shard_bytes=SHARD)

    expected = into(tmp_path / "alone")
    for number in range(4):
        folder = tmp_path / f"a{number}"
        said = at_once([lambda f=folder: into(f)] * 3)
        assert {2} in said
        assert all(one == {2} or re.fullmatch(IN_USE, one) for one in said), said
        assert_same(EncodedClips(folder), expected)
        assert not list(folder.glob(".*"))


@NEEDS_FORK
def test_a_folder_that_two_begin_with_other_clips(encode: Encode, tmp_path: Path) -> None:
    """Clips of two frames, and of three: each gets all of its own, or is told to wait."""
    both = [lambda f, n=n: encode(f, DrawnClips(length=n)) for n in (2, 3)]
    for number in range(8):
        folder = tmp_path / str(number)
        said = at_once([lambda f=folder, e=e: e(f) for e in both])
        for length, one in zip((2, 3), said, strict=True):
            assert one == {length} or re.fullmatch(IN_USE, one)
        assert {2} in said or {3} in said
        for length in (2, 3):
            here = encode(folder, DrawnClips(length=length))
            assert_same(here, encode(tmp_path / f"of {length}", DrawnClips(length=length)))
            assert_same(EncodedClips(folder), here)


def mount_small(folder: Path, size: str) -> None:
    """A file system of that size, for this process alone. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    namespace, user = 0x00020000, 0x10000000
    if libc.unshare(namespace) and libc.unshare(namespace | user):
        raise OSError(ctypes.get_errno(), "unshare")
    private = 1 << 18 | 1 << 14
    libc.mount(None, b"/", None, private, None)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={size}".encode()):
        raise OSError(ctypes.get_errno(), "mount")


def sentence_of(work: Callable[[], Any]) -> str:
    try:
        work()
    except ValueError as error:
        return str(error)
    return "no error"


def before_and_after(
    encode: Encode, folder: Path, kind: type[DrawnClips], count: int, make_room: Callable[[], None]
) -> list[Any]:
    """What is said when there is no room, how many clips are kept and what else lies there; which
    clips are read once there is room, and the last clip's latents."""
    sentence = sentence_of(lambda: encode(folder, kind(count)))
    kept = ShardReader(folder, "latents").records
    leftovers = [path.name for path in folder.glob(".*")]
    make_room()
    clips = kind(count)
    cache = encode(folder, clips)
    return [sentence, len(kept), leftovers, clips.was_read, cache.latents(count - 1).tolist()]


def fill_disk(encode: Encode, folder: Path) -> list[Any]:
    """Encode onto a file system of 40 pages of which a file takes 12; then remove the file."""
    try:
        mount_small(folder, "160k")
    except OSError as error:
        return [f"cannot mount: {error}"]
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(48 * 1024))
    return before_and_after(encode, folder / "cache", DrawnClips, 72, ballast.unlink)


class LastIsLong(DrawnClips):
    def frames(self, index: int) -> Iterator[Tensor]:
        for _ in range(16 if index == self.count - 1 else 1):
            yield from super().frames(index)


def limit_files(encode: Encode, folder: Path) -> list[Any]:
    """Encode where no file may be as large as the last shard; then without that limit."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, hard))
    lift = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))  # noqa: E731
    return before_and_after(encode, folder / "cache", LastIsLong, 8, lift)


@NEEDS_FORK
@pytest.mark.parametrize(
    ("fill", "kind", "count"), [(fill_disk, DrawnClips, 72), (limit_files, LastIsLong, 8)]
)
def test_a_full_disk(
    tmp_path: Path,
    encode: Encode,
    fill: Callable[[Encode, Path], list[Any]],
    kind: type[DrawnClips],
    count: int,
) -> None:
    sentence, *rest = result_of(lambda: fill(encode, tmp_path))
    if sentence.startswith("cannot mount"):
        pytest.skip(sentence)
    kept, leftovers, read_after, last = rest
    assert sentence == (
        f"No room is left in {tmp_path / 'cache'}. {kept} of {count} clips are encoded and kept "
        "there. Make room and run again, which goes on where it stopped, or choose another "
        "cache_folder."
    )
    assert 0 < kept < count
    assert leftovers == []
    assert sorted(set(read_after)) == list(range(kept, count))
    assert last == encode(tmp_path / "other", kind(count)).latents(count - 1).tolist()


@NEEDS_MEMORY_FIGURES
def test_memory_does_not_grow_with_the_clips(tmp_path: Path, encode: Encode) -> None:
    """The pictures of 2,000 clips have 25 MB; 5 MB may be used more than for the first 100."""
    grown: list[int] = []

    def watch(done: int, total: int) -> None:
        if done % 100 == 0:
            grown.append(anonymous_memory())

    clips = DrawnClips(2000, length=1, height=32, width=32)
    cache = encode(tmp_path, clips, on_progress=watch, shard_bytes=64 * 1024)
    assert len(cache) == 2000 and len(grown) == 20
    assert sum(cache.latents(i).numel() for i in range(2000)) == 2000 * 64
    assert max(*grown, anonymous_memory()) - grown[0] < 5 * 2**20
