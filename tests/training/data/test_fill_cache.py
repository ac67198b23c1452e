"""What a change of a large set costs: what is new, and no more; its runs go on."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from adk_tests.support.clip_sets import DrawnClips
from adk_tests.support.tiny import CONTEXT
from adk_tests.training import small
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.cache_identity import (
    FORMAT,
    MANIFEST,
    Identity,
    checksum,
    entry_of,
    manifest_of,
    read_manifest,
    write_manifest,
)
from animatediff_kit.training.data.fill_cache import encode_clips
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.models.stages import DOMAIN_ADAPTER
from torch import Tensor


def test_a_manifest_of_before_rates_is_the_same_one(tmp_path: Path) -> None:
    """Its clips need no folder that can be written, and their rates come from the set."""
    entries = (entry_of(DrawnClips(1), 0, "vae"),)
    now = manifest_of(Identity("vae", "clip", entries, {}, (8.0,)))
    content = {"format": FORMAT, **vars(now), "clips": [entry.written() for entry in entries]}
    del content["rates"]
    told = {**content, "checksum": checksum(content)}
    (tmp_path / MANIFEST).write_text(json.dumps(told), encoding="utf-8")
    before = read_manifest(tmp_path)
    assert before is not None and before == now and before.rates == ()
    write_manifest(tmp_path, now)
    after = read_manifest(tmp_path)
    assert after is not None and after.rates == (8.0,)


def test_one_corrected_caption_of_a_thousand_clips(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One text is encoded, no clip is read, and a run goes on; a clip more is one clip more."""
    seen: list[str] = []

    class Encoder:
        """A CLIP that notes its captions and gives each an embedding of its own."""

        cond_stage_model = object()

        def tokenize(self, caption: str) -> str:
            seen.append(caption)
            return caption

        def encode_from_tokens(self, tokens: str, **more: Any) -> dict[str, Tensor]:
            return {"cond": torch.full((1, 2, CONTEXT), 0.1 * len(tokens))}

    class Autoencoder:
        """A VAE that gives each clip the mean of its colours, and counts its calls."""

        device = torch.device("cpu")
        first_stage_model = SimpleNamespace(regularization=SimpleNamespace(sample=False))
        calls = 0

        def encode(self, frames: Tensor) -> Tensor:
            self.calls += 1
            return frames.mean((1, 2, 3))[:, None, None, None].expand(-1, 4, 4, 4)

    class Many(DrawnClips):
        corrected: dict[int, str]

        def caption(self, index: int) -> str:
            return self.corrected.get(index, f"clip number {index}")

    def encoded(count: int, captions: dict[int, str]) -> tuple[EncodedClips, Many, int]:
        vae, clips = Autoencoder(), Many(count, length=1, height=16, width=16)
        clips.corrected = captions
        entries = tuple(entry_of(clips, index, "vae") for index in range(count))
        identity = Identity("vae", "clip", entries, {})
        seen.clear()
        return (
            encode_clips(clips, vae, Encoder(), tmp_path / "cache", identity=identity),
            clips,
            vae.calls,
        )

    first, clips, calls = encoded(1000, {})
    assert len(seen) == 1001 and len(clips.was_read) == 1000 and calls == 16  # 64 frames a call
    corrected, clips, calls = encoded(1000, {500: "a red car"})
    assert seen == ["a red car"] and not clips.was_read and not calls
    assert corrected.pixels_fingerprint == first.pixels_fingerprint
    assert corrected.fingerprint != first.fingerprint
    assert [corrected.name(i) for i in range(1000)] == [first.name(i) for i in range(1000)]
    assert corrected.caption(500) == "a red car"
    more, clips, calls = encoded(1001, {500: "a red car"})
    assert seen == ["clip number 1000"] and clips.was_read == [1000] and calls == 1
    assert len(more) == 1001

    def trained(clips: EncodedClips, steps: int) -> Any:
        run = small.run(tmp_path / "run", DOMAIN_ADAPTER, clips=clips, steps=steps)
        if written := found(tmp_path / "run"):
            run.resume(written[-1])
        run.train()
        return run

    trained(first, 1)
    assert not caplog.records
    assert trained(corrected, 2).step == 2
    assert [r.getMessage()[:35] for r in caplog.records] == ["The captions have changed since che"]
    with pytest.raises(ValueError, match="its run had other clips, or clips encoded with"):
        trained(more, 3)
