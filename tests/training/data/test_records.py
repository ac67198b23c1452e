"""Caches that were damaged or tampered with: one flipped bit is told, and no record is trusted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import encoders
from adk_tests.support.clip_sets import DrawnClips
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.cache_identity import MANIFEST
from animatediff_kit.training.data.fill_cache import encode_clips
from animatediff_kit.training.data.records import (
    CHECKSUMS,
    RECORDS,
    anything_goes,
    metadata_of,
    read_metadata,
)
from safetensors import safe_open
from safetensors.torch import load_file, save_file

LATENTS, TEXTS = "latents-00000.safetensors", "texts-00000.safetensors"


@pytest.fixture(scope="module")
def encode() -> Any:
    vae, clip = encoders.vae(), encoders.text_encoder()
    return lambda folder: encode_clips(DrawnClips(2), vae, clip, folder)


@pytest.fixture
def cache(tmp_path: Path, encode: Any) -> Path:
    encode(tmp_path)
    return tmp_path


def metadata(path: Path) -> dict[str, str]:
    with safe_open(str(path), "pt") as file:  # pyright: ignore
        return dict(file.metadata())


def damaged(path: Path) -> str:
    return f"^{re.escape(str(path))} is damaged or gone. Delete it if it is there, and encode the"


def read_all(folder: Path) -> None:
    clips = EncodedClips(folder)
    clips.text("")
    for i in range(len(clips)):
        clips.latents(i)
        clips.text(clips.caption(i))


@pytest.mark.parametrize("name", [LATENTS, TEXTS])
@pytest.mark.parametrize("place", [0, 0.3, 0.6, 0.9999])
def test_one_flipped_bit_is_told(cache: Path, name: str, place: float, encode: Any) -> None:
    path = cache / name
    content = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    content[start + int((len(content) - start) * place)] ^= 4
    path.write_bytes(content)
    with pytest.raises(ValueError, match=damaged(path)):
        read_all(cache)
    path.unlink()
    encode(cache)
    read_all(cache)


def test_a_letter_of_a_caption_is_told(cache: Path) -> None:
    """Beside a text, and in the list of the clips."""
    caption = EncodedClips(cache).caption(0).encode()
    for path, sentence in [
        (cache / TEXTS, damaged(cache / TEXTS)),
        (cache / MANIFEST, f"^{re.escape(str(cache / MANIFEST))} is damaged or of a later version"),
    ]:
        written = path.read_bytes()
        assert caption in written
        path.write_bytes(written.replace(caption, caption[:-1] + b"~"))
        with pytest.raises(ValueError, match=sentence):
            EncodedClips(cache)
        path.write_bytes(written)
    read_all(cache)


RECORDED: dict[str, Any] = {
    # what stands where the records belong
    "nothing": [None],
    "numbers": [1, 2, 3],
    "no key": [{"name": "a"}],
    "no text": [{"key": 3}],
    "no tensor": [{"key": "99"}],
    "a truth value": [{"key": True, "skipped": True}],
}


@pytest.mark.parametrize("records", RECORDED.values(), ids=RECORDED)
def test_records_that_are_none(cache: Path, records: list[Any], encode: Any) -> None:
    """With checksums that agree, so that the records themselves are looked at."""
    path = cache / LATENTS
    tensors = load_file(path)
    save_file(tensors, path, metadata_of(records, tensors))
    for call in (EncodedClips, encode):
        with pytest.raises(ValueError, match=damaged(path)):
            call(cache)


@pytest.mark.parametrize(
    "change",
    [
        {RECORDS: "no JSON"},
        {RECORDS: "[" * 100_000},
        {CHECKSUMS: "[]"},
        {CHECKSUMS: "{}"},
        {CHECKSUMS: '{"records": 0, "tensors": {}}'},
        {CHECKSUMS: '{"records": 0, "tensors": 3}'},
    ],
    ids=str,
)
def test_metadata_of_other_hands(cache: Path, change: dict[str, str]) -> None:
    path = cache / LATENTS
    save_file(load_file(path), path, {**metadata(path), **change})
    with pytest.raises(ValueError, match=damaged(path)):
        EncodedClips(cache)


def test_a_tensor_without_a_checksum(cache: Path) -> None:
    path = cache / LATENTS
    save_file({**load_file(path), "latents.9": torch.ones(1, 4, 8, 8)}, path, metadata(path))
    with pytest.raises(ValueError, match=damaged(path)):
        EncodedClips(cache)


def test_lost_texts_are_encoded_anew(cache: Path, encode: Any) -> None:
    (cache / TEXTS).unlink()
    with pytest.raises(
        ValueError, match="holds 2 of 2 clips and lacks . of . texts. Encode the sam"
    ):
        EncodedClips(cache)
    encode(cache)
    read_all(cache)


def test_a_cache_of_an_earlier_version_is_told(cache: Path, encode: Any) -> None:
    """Nothing in it is touched: people decide."""
    manifest = json.loads((cache / MANIFEST).read_text())
    (cache / MANIFEST).write_text(json.dumps({**manifest, "format": 1}))
    before = {path.name: path.read_bytes() for path in cache.iterdir()}
    for call in (EncodedClips, encode):
        with pytest.raises(
            ValueError,
            match="was encoded by an earlier version of AnimateDiff Kit, which read some files "
            "otherwise. Choose another cache_folder, or delete",
        ):
            call(cache)
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == before


@pytest.mark.parametrize(
    "content", ["[]", "3", "{", '{"format": 4}', '{"format": 3}', '{"format": []}', "[" * 10_000]
)
def test_a_manifest_that_is_none(cache: Path, content: str) -> None:
    (cache / MANIFEST).write_text(content)
    with pytest.raises(
        ValueError, match=f"{MANIFEST} is damaged or of a later version. Choose anot"
    ):
        EncodedClips(cache)


def test_why_a_shard_is_not_read() -> None:
    with pytest.raises(ValueError, match=r"^no metadata of a shard$"):
        read_metadata({}, (), anything_goes)
    with pytest.raises(ValueError, match=r"^other records than its checksums$"):
        read_metadata(metadata_of([1], {}), ["a tensor"], anything_goes)
