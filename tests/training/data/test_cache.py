"""Encoded clips are what VAE and text encoder give, are encoded once, and belong to them alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support import encoders
from adk_tests.support.clip_sets import DrawnClips
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.cache_identity import identify, manifest_of
from animatediff_kit.training.data.fill_cache import encode_clips
from animatediff_kit.training.data.records import is_text, literal, text_key, weighed_text_key
from comfy.sd import CLIP, VAE
from torch import Tensor

Encode = Callable[..., EncodedClips]


@pytest.fixture(scope="module")
def vae() -> VAE:
    return encoders.vae()


@pytest.fixture(scope="module")
def clip() -> CLIP:
    return encoders.text_encoder()


@pytest.fixture(scope="module")
def encoded(vae: VAE, clip: CLIP) -> Encode:
    """encode_clips as a node calls it: in ComfyUI's inference mode."""

    def run(folder: Path, clips: DrawnClips | None = None, **more: Any) -> EncodedClips:
        models = more.pop("vae", vae), more.pop("clip", clip)
        with torch.inference_mode():
            return encode_clips(clips or DrawnClips(), *models, folder, **more)

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_latents_are_the_vaes(tmp_path: Path, encoded: Encode, vae: VAE) -> None:
    clips = DrawnClips(length=3)
    cache = encoded(tmp_path, clips)
    assert len(cache) == 6
    for i in range(6):
        exact = vae.encode(clips.read(i).frames)
        latents = cache.latents(i)
        assert latents.shape == cache.shape(i) == (3, 4, 8, 8)
        assert latents.dtype is torch.float32 and not latents.is_inference()
        assert torch.allclose(latents, exact, atol=1e-3, rtol=1e-3)
        assert cache.name(i) == f"clip {i}"
        assert cache.caption(i) == f"a caption {i % 3}"
    assert not torch.allclose(cache.latents(0), cache.latents(1), atol=0.1)


@pytest.mark.parametrize("base", ["SD1.5", "SDXL"])
def test_texts_are_the_text_encoders(tmp_path: Path, base: str, encoded: Encode) -> None:
    clip = encoders.text_encoder(base)
    cache = encoded(tmp_path, clip=clip)
    for caption in ("", "a caption 0", "a caption 2"):
        exact, pooled = clip.encode_from_tokens(clip.tokenize(caption), return_pooled=True)
        text = cache.text(caption)
        assert torch.allclose(text.embedding, exact[0], atol=1e-2, rtol=1e-3)
        if base == "SDXL":
            assert text.pooled is not None and torch.allclose(text.pooled, pooled[0], atol=1e-2)
            assert text.pooled.dtype is torch.float32
        else:
            assert text.pooled is None
        assert text.embedding.shape == (77, 32 if base == "SD1.5" else 96)
        assert text.embedding.dtype is torch.float32
        assert not text.embedding.is_inference()
    assert not torch.allclose(cache.text("").embedding, cache.text("a caption 0").embedding)


def test_what_sd15_files_leave_out_of_the_text_encoder_has_no_effect(
    tmp_path: Path, encoded: Encode
) -> None:
    """ComfyUI leaves the text projection of such a file as the memory was."""
    cache = encoded(tmp_path)
    clip = encoders.text_encoder()
    with torch.no_grad():
        clip.cond_stage_model.clip_l.transformer.text_projection.weight.fill_(float("nan"))
    again = encoded(tmp_path, clip=clip)
    assert again.fingerprint == cache.fingerprint
    assert torch.equal(again.text("").embedding, cache.text("").embedding)


def test_each_caption_is_kept_once(tmp_path: Path, encoded: Encode) -> None:
    cache = encoded(tmp_path)
    assert [r["caption"] for r in cache._texts.records] == [
        "",
        *(f"a caption {i}" for i in range(3)),
    ]


def test_clips_of_one_shape_share_a_bucket(tmp_path: Path, encoded: Encode) -> None:
    class TwoShapes(DrawnClips):
        def training_size(self, height: int, width: int) -> tuple[int, int]:
            return height, width

        def frames(self, index: int) -> Iterator[Tensor]:
            for frame in super().frames(index):
                yield frame if index % 3 else torch.cat([frame, frame], 1)

    cache = encoded(tmp_path, TwoShapes())
    assert cache.buckets() == {(2, 4, 8, 16): [0, 3], (2, 4, 8, 8): [1, 2, 4, 5]}


def test_what_is_there_is_not_encoded_again(tmp_path: Path, encoded: Encode) -> None:
    seen: list[tuple[int, int]] = []
    first = encoded(tmp_path, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 10) for i in range(1, 11)]
    before, clips = contents(tmp_path), DrawnClips()
    again = encoded(tmp_path, clips)
    assert clips.was_read == [] and contents(tmp_path) == before
    assert again.fingerprint == first.fingerprint == EncodedClips(tmp_path).fingerprint


def test_an_interruption_loses_nothing(tmp_path: Path, encoded: Encode) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(done: int, total: int) -> None:
        if done == 7:
            raise Interrupted

    with pytest.raises(Interrupted):
        encoded(tmp_path / "a", on_progress=interrupt)
    with pytest.raises(ValueError, match="holds 3 of 6 clips. Encode the same clips into it again"):
        EncodedClips(tmp_path / "a")
    clips = DrawnClips()
    assert_same(encoded(tmp_path / "a", clips), encoded(tmp_path / "b"))
    assert sorted(clips.was_read) == [3, 4, 5]


def assert_same(one: EncodedClips, other: EncodedClips) -> None:
    """Bit for bit."""
    assert len(one) == len(other) and one.fingerprint == other.fingerprint
    for i in range(len(one)):
        assert (one.name(i), one.caption(i)) == (other.name(i), other.caption(i))
        assert torch.equal(one.latents(i), other.latents(i))
        texts = one.text(one.caption(i)), other.text(other.caption(i))
        assert torch.equal(texts[0].embedding, texts[1].embedding)


def test_latents_drawn_at_random_are_the_clips_own(tmp_path: Path, encoded: Encode) -> None:
    """Also where the VAE samples; neither the order nor ComfyUI's own generator matters."""
    vae = encoders.vae()
    vae.first_stage_model.regularization.sample = True
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    one = encoded(tmp_path / "a", vae=vae)
    assert torch.equal(torch.rand(1), expected)
    assert not torch.equal(one.latents(0), encoded(tmp_path / "plain").latents(0))
    torch.manual_seed(2)
    assert_same(one, encoded(tmp_path / "b", vae=vae))


def test_an_unreadable_clip_is_named_once_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, encoded: Encode
) -> None:
    clips = DrawnClips(bad=(1, 4))
    cache = encoded(tmp_path, clips)
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [
        "clip 1 cannot be decoded (torn). The clip is left out.",
        "clip 4 cannot be decoded (torn). The clip is left out.",
    ]
    assert [cache.name(i) for i in range(len(cache))] == ["clip 0", "clip 2", "clip 3", "clip 5"]
    assert torch.equal(cache.latents(1), encoded(tmp_path / "whole").latents(2))
    assert sorted(clips.was_read) == [0, 1, 1, 2, 3, 4, 4, 5], "one is tried twice, for it is kept"
    caplog.clear()
    encoded(tmp_path, clips)
    assert len(clips.was_read) == 8, "an unreadable clip was tried again"
    assert caplog.messages == [
        "2 of 6 clips could not be decoded when they were encoded, and are left out: clip 1, clip "
        "4. A file that is replaced is read again; another cache_folder tries all of them."
    ]


def test_no_readable_clip_is_an_error(tmp_path: Path, encoded: Encode) -> None:
    sentence = "^None of the 2 clips can be read: clip 0 cannot be decoded"
    with pytest.raises(ValueError, match=sentence):
        encoded(tmp_path, DrawnClips(2, bad=(0, 1)))


class Captioned(DrawnClips):
    """Clip 4 has another caption than in its parent."""

    def caption(self, index: int) -> str:
        return "corrected" if index == 4 else super().caption(index)


OTHERS: dict[str, tuple[dict[str, Any], list[int], list[str]]] = {
    # what differs, which clips are read, and which captions' texts are made
    "the VAE": ({"vae": lambda: encoders.vae(seed=1)}, [0, 1, 2, 3, 4, 5], []),
    "the text encoder": (
        {"clip": lambda: encoders.text_encoder(seed=1)},
        [],
        ["", "a caption 0", "a caption 1", "a caption 2"],
    ),
    "pixels": ({"clips": lambda: DrawnClips(note="other")}, [0, 1, 2, 3, 4, 5], []),
    "size": ({"clips": lambda: DrawnClips(width=128)}, [0, 1, 2, 3, 4, 5], []),
    "one more": ({"clips": lambda: DrawnClips(7)}, [6], []),
    "one less": ({"clips": lambda: DrawnClips(5)}, [], []),
    "a caption": ({"clips": Captioned}, [], ["corrected"]),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_new_alone_is_encoded(tmp_path: Path, case: str, encoded: Encode) -> None:
    """And what was there stays for the set that it belongs to."""
    changes, read, texts = OTHERS[case]
    first = encoded(tmp_path)
    before = contents(tmp_path)
    other = {name: make() for name, make in changes.items()}
    clips = other.setdefault("clips", DrawnClips())
    cache = encoded(tmp_path, **other)
    assert sorted(clips.was_read) == read
    assert [r["caption"] for r in cache._texts.records[len(first._texts.records) :]] == texts
    assert cache.fingerprint != first.fingerprint
    assert (cache.pixels_fingerprint == first.pixels_fingerprint) == (case == "a caption")
    kept = contents(tmp_path)
    assert all(kept[n] == c for n, c in before.items() if n != "manifest.json")
    assert len(cache) == len(clips)
    if case == "a caption":
        assert [cache.caption(i) for i in (3, 4, 5)] == ["a caption 0", "corrected", "a caption 2"]
    again = DrawnClips()
    assert_same(encoded(tmp_path, again), first)
    assert not again.was_read


def test_a_few_clips_without_numbers_are_named_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, encoded: Encode
) -> None:
    class OneIsNone(DrawnClips):
        def frames(self, index: int) -> Iterator[Tensor]:
            for frame in super().frames(index):
                yield frame * float("nan") if index == 7 else frame

    cache = encoded(tmp_path, OneIsNone(20))
    assert len(cache) == 19 and "clip 7" not in [cache.name(i) for i in range(19)]
    assert caplog.messages[-1] == (
        "The VAE gives NaN or infinite numbers for 1 of 20 clips, which are left out: clip 7. "
        "Started with --fp32-vae, ComfyUI can encode them; it counts as another VAE, for which all "
        "clips are encoded anew and runs begin anew."
    )
    assert len(EncodedClips(tmp_path)) == 19
    clips = DrawnClips(20)
    assert len(encoded(tmp_path, clips)) == 20 and clips.was_read == [7]


def test_many_clips_without_numbers_end_it(tmp_path: Path, encoded: Encode) -> None:
    """One of 20 may lack them; the second of 39 is more than 5 %, and what is done stays."""

    class TwoAreNone(DrawnClips):
        def frames(self, index: int) -> Iterator[Tensor]:
            for frame in super().frames(index):
                yield frame * float("nan") if index in (7, 30) else frame

    assert len(encoded(tmp_path / "a", TwoAreNone(40))) == 38
    sentence = "^The VAE gives NaN or infinite numbers for 'clip 30'. Start ComfyUI with --fp32-vae"
    with pytest.raises(ValueError, match=sentence):
        encoded(tmp_path / "b", TwoAreNone(39))
    with pytest.raises(ValueError, match="b holds 29 of 39 clips"):
        EncodedClips(tmp_path / "b")


def test_captions_are_taken_literally(tmp_path: Path, encoded: Encode, clip: CLIP) -> None:
    """No weights, no textual inversions, no characters that are lost: CLIP's own tokens."""
    captions = (
        "hatsune miku (vocaloid)",
        "(man:1.8) and a dog",
        "a smile :)",
        r"an escaped \(name\) with a \\ slash",
        "an embedding:nothing of words",
        "embedding:first (of all)",
    )

    class Written(DrawnClips):
        def caption(self, index: int) -> str:
            return captions[index]

    cache = encoded(tmp_path, Written())
    tokenizer = clip.tokenizer.clip_l.tokenizer
    for caption in captions:
        tokens = clip.tokenize(literal(caption))["l"]
        words = [(int(token), weight) for token, weight in tokens[0]]
        own = tokenizer(caption)["input_ids"]
        assert words[: len(own)] == [(token, 1.0) for token in own]
        text = clip.encode_from_tokens(clip.tokenize(literal(caption)))
        assert torch.allclose(cache.text(caption).embedding, text[0], atol=1e-2, rtol=1e-3)
    weighed = clip.tokenize(captions[1])
    assert weighed != clip.tokenize(literal(captions[1]))


def test_a_caption_with_weights_of_before_is_encoded_again(tmp_path: Path, encoded: Encode) -> None:
    """A shard that holds one is whole; plain captions keep their texts."""
    caption, clip = "a dog (small)", "digest"
    old = {"caption": caption, "clip": clip}
    assert is_text(old, {weighed_text_key(caption, clip, "embedding")})
    assert is_text(old, {text_key(caption, clip, "embedding")})
    assert not is_text(old, {text_key("a dog", clip, "embedding")})
    assert text_key(caption, clip, "embedding") != weighed_text_key(caption, clip, "embedding")
    assert text_key("a dog", clip, "pooled") == weighed_text_key("a dog", clip, "pooled")


def test_a_clip_of_several_captions(tmp_path: Path, encoded: Encode) -> None:
    """All of them are encoded, and told; a clip of one is written as it always was."""

    class Several(DrawnClips):
        def captions(self, index: int) -> tuple[str, ...]:
            return ("a dog", f"a dog of {index}") if index % 2 else (self.caption(index),)

    cache = encoded(tmp_path, Several())
    assert cache.captions(1) == ("a dog", "a dog of 1") and cache.caption(1) == "a dog"
    assert cache.captions(2) == ("a caption 2",)
    assert not torch.equal(cache.text("a dog").embedding, cache.text("a dog of 1").embedding)
    assert EncodedClips(tmp_path).captions(3) == ("a dog", "a dog of 3")
    written = json.loads((tmp_path / "manifest.json").read_text())["clips"]
    assert [len(entry) for entry in written] == [3, 4, 3, 4, 3, 4]
    assert encoded(tmp_path).pixels_fingerprint == cache.pixels_fingerprint
    assert encoded(tmp_path).fingerprint != cache.fingerprint


def test_clip_skip_is_another_text_encoder(vae: VAE, clip: CLIP) -> None:
    skipped = clip.clone()
    skipped.clip_layer(-2)
    one, other = (identify(DrawnClips(), vae, clip) for clip in (clip, skipped))
    assert one.clip != other.clip and one.clips == other.clips
    assert manifest_of(one).fingerprint() != manifest_of(other).fingerprint()
    assert one == identify(DrawnClips(), vae, clip.clone())


def test_models_that_a_checkpoint_lacks(vae: VAE, clip: CLIP) -> None:
    with pytest.raises(ValueError, match="^There is no VAE: the checkpoint has none."):
        identify(DrawnClips(), None, clip)
    with pytest.raises(ValueError, match="^There is no text encoder: the checkpoint has none."):
        identify(DrawnClips(), vae, None)


def test_a_vae_of_another_family_is_refused(tmp_path: Path, encoded: Encode) -> None:
    with pytest.raises(ValueError, match=r"^The VAE makes latents of shape \(12, 16, 8, 8\) of"):
        encoded(tmp_path, vae=encoders.vae(channels=16))


def test_nan_is_told(tmp_path: Path, encoded: Encode) -> None:
    vae = encoders.vae()
    with torch.no_grad():
        next(vae.first_stage_model.encoder.parameters()).fill_(float("nan"))
    text = (
        "^The VAE gives NaN or infinite numbers for 'clip 0'. Start ComfyUI with --fp32-vae or "
        "--fp32-text-enc, or use another checkpoint; what that model encodes is then encoded "
        "anew, and runs begin anew.$"
    )
    with pytest.raises(ValueError, match=text):
        encoded(tmp_path, vae=vae)


def test_a_folder_that_is_no_cache(tmp_path: Path, encoded: Encode) -> None:
    with pytest.raises(ValueError, match="gone holds no encoded clips. Encode clips in"):
        EncodedClips(tmp_path / "gone")
    encoded(tmp_path)
    manifest = tmp_path / "manifest.json"
    content = json.loads(manifest.read_text())
    for text in ("{", json.dumps({**content, "format": 99})):
        manifest.write_text(text)
        with pytest.raises(ValueError, match="manifest.json is damaged or of a later ver"):
            encoded(tmp_path)
    manifest.unlink()
    with pytest.raises(ValueError, match="has lost its manifest.json, so nobody knows what its cl"):
        encoded(tmp_path)


def test_a_lost_shard_is_encoded_again(tmp_path: Path, encoded: Encode) -> None:
    first = encoded(tmp_path / "a", shard_bytes=1100)
    (tmp_path / "a" / "latents-00001.safetensors").unlink()
    clips = DrawnClips()
    assert_same(encoded(tmp_path / "a", clips), encoded(tmp_path / "b"))
    assert sorted(clips.was_read) == [2, 3] and len(first) == 6
