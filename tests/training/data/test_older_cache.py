"""Caches of the format before go on: nothing of them is encoded again, and nothing is lost."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import encoders
from adk_tests.support.clip_sets import DrawnClips
from animatediff_kit.training.data import older_cache
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.cache_identity import identify
from animatediff_kit.training.data.fill_cache import encode_clips
from animatediff_kit.training.data.records import checksum
from safetensors.torch import save_file
from torch import Tensor


@pytest.fixture(scope="module")
def models() -> tuple[Any, Any]:
    return encoders.vae(), encoders.text_encoder()


def write_shard(path: Path, records: list[Any], tensors: dict[str, Tensor]) -> None:
    """As the format before had them: one checksum a tensor."""
    written = json.dumps(records)
    sums = {
        "records": zlib.crc32(written.encode()),
        "tensors": {key: checksum(tensor) for key, tensor in tensors.items()},
    }
    names = ("animatediff_kit_records", "animatediff_kit_checksums")
    save_file(tensors, path, dict(zip(names, (written, json.dumps(sums)), strict=True)))


def write_older(folder: Path, clips: DrawnClips, models: tuple[Any, Any]) -> None:
    """A cache of format 2, with two clips a shard; of clip 1 the file was unreadable."""
    new = encode_clips(DrawnClips(clips.count), *models, folder.with_name("new"))
    identity = identify(clips, *models)
    folder.mkdir()
    manifest = {"format": 2, "vae": identity.vae, "clip": identity.clip, "clips": clips.count}
    description = {**identity.description, "source": "/mnt/elsewhere"}
    files = [{**file, "caption": "as it was"} for file in description["files"]]
    manifest["description"] = {**description, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    for shard in range(clips.count // 2):
        records: list[Any] = []
        tensors: dict[str, Tensor] = {}
        for i in (2 * shard, 2 * shard + 1):
            if i == 1:
                records.append({"clip": i, "skipped": "clip 1 cannot be decoded (torn)."})
                continue
            records.append({"clip": i, "name": f"clip {i}", "caption": clips.caption(i)})
            tensors[f"latents.{i}"] = new.latents(i).half()
        write_shard(folder / f"latents-{shard:05d}.safetensors", records, tensors)
    captions = ["", *(f"a caption {i}" for i in range(3))]
    hashes = [hashlib.sha256(c.encode()).hexdigest()[:32] for c in captions]
    texts = {
        f"{h}.embedding": new.text(c).embedding.half()
        for h, c in zip(hashes, captions, strict=True)
    }
    write_shard(folder / "texts-00000.safetensors", [{"caption": c} for c in captions], texts)


def test_an_older_cache_goes_on(
    tmp_path: Path, models: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was stopped on the way, and with a caption that was corrected since."""

    class Corrected(DrawnClips):
        def caption(self, index: int) -> str:
            return "corrected" if index == 4 else super().caption(index)

    folder, clips = tmp_path / "older", Corrected()
    write_older(folder, DrawnClips(), models)
    with pytest.raises(ValueError, match=r"earlier version of AnimateDiff Kit\. Encode the cl"):
        EncodedClips(folder)

    class Stopped(Exception):
        pass

    def stop(*unused: Any) -> None:
        raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr(older_cache, "write_manifest", stop)
        with pytest.raises(Stopped):
            encode_clips(clips, *models, folder)
    cache = encode_clips(clips, *models, folder)
    assert not clips.was_read
    new = EncodedClips(tmp_path / "new")
    assert [cache.name(i) for i in range(5)] == [f"clip {i}" for i in (0, 2, 3, 4, 5)]
    assert cache.caption(3) == "corrected"
    for here, there in enumerate((0, 2, 3, 4, 5)):
        assert torch.equal(cache.latents(here), new.latents(there))
        assert torch.equal(cache.frame(here, 1), new.latents(there)[1:2])
    assert torch.equal(cache.text("a caption 1").embedding, new.text("a caption 1").embedding)
    assert [r["caption"] for r in cache._texts.records][4:] == ["corrected"]


@pytest.mark.parametrize(
    ("clips", "words"),
    [(DrawnClips(note="other"), "note"), (DrawnClips(7), r"clips \(6 then, 7 now\), files")],
)
def test_an_older_cache_of_other_clips_is_refused(
    tmp_path: Path, models: tuple[Any, Any], clips: DrawnClips, words: str
) -> None:
    folder = tmp_path / "older"
    write_older(folder, DrawnClips(), models)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    sentence = f"was encoded by an earlier version of .* from other clips; what differs: {words}"
    with pytest.raises(ValueError, match=sentence):
        encode_clips(clips, *models, folder)
    assert not clips.was_read
    after = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "writer.lock"}
    assert after == before


def test_a_damaged_older_shard_is_named(tmp_path: Path, models: tuple[Any, Any]) -> None:
    folder = tmp_path / "older"
    write_older(folder, DrawnClips(), models)
    path = folder / "latents-00001.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="latents-00001.safetensors is damaged or gone. Delete it"):
        encode_clips(DrawnClips(), *models, folder)
    path.unlink()
    clips = DrawnClips()
    encode_clips(clips, *models, folder)
    assert sorted(clips.was_read) == [2, 3]
