"""The world as sets of clips: what the training engine expects of one, and what each kind shows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adk_tests.support import encoders
from animatediff_kit.small_world.draw import camera_clip, clip_frames, picture, video
from animatediff_kit.small_world.motions import FRAMES, MOVES, SIDE
from animatediff_kit.small_world.styles import spoil
from animatediff_kit.small_world.world_clips import DRAWING, WorldClips
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.fill_cache import encode_clips
from comfy.sd import VAE

Encode = Callable[[WorldClips, Path], EncodedClips]
SOME = ("video", "clean", "stills", "zoom in", "roll anticlockwise")
EVERY_KIND = pytest.mark.parametrize("kind", SOME)


@EVERY_KIND
def test_clips_are_read_as_the_engine_reads_them(kind: str) -> None:
    clips = WorldClips(kind, 3, seed=4)
    assert len(clips) == 3
    length = 1 if kind == "stills" else FRAMES
    for index in range(3):
        read = clips.read(index)
        assert (read.name, read.caption) == (f"{kind} {index}", clips.caption(index))
        assert read.frames.shape == (length, SIDE, SIDE, 3) and read.frames.dtype is torch.float32
        assert read.frames.min() >= 0 and read.frames.max() <= 1
        assert read.caption == clips.scene(index).caption
        frames = torch.stack(list(clips.frames(index)))
        assert torch.equal(frames, read.frames) and torch.equal(frames, clips.source(index).frames)
    assert not torch.equal(clips.read(0).frames, clips.read(1).frames)
    assert clips.training_size(SIDE, SIDE) == (SIDE, SIDE)


@EVERY_KIND
@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_clip_beyond_the_last(kind: str, index: int) -> None:
    clips = WorldClips(kind, 3)
    for read in (clips.read, clips.caption, clips.scene, clips.source):
        with pytest.raises(IndexError):
            read(index)
    with pytest.raises(IndexError):
        list(clips.frames(index))


def test_each_kind_shows_its_set() -> None:
    for index in (0, 2):
        clean = clip_frames(video(5, index))
        assert np.array_equal(WorldClips("clean", 3, 5).read(index).frames, clean)
        assert np.array_equal(WorldClips("video", 3, 5).read(index).frames, spoil(clean))
        still = WorldClips("stills", 3, 5).read(index).frames
        assert np.array_equal(still[0], picture(5, index)[1])
        zoom = WorldClips("zoom out", 3, 5)
        assert zoom.scene(index) == camera_clip(5, index, "zoom out")
        assert np.array_equal(zoom.read(index).frames, clip_frames(zoom.scene(index)))


@EVERY_KIND
def test_a_style_changes_how_the_same_clips_look(kind: str) -> None:
    base, neon = (WorldClips(kind, 2, style=style) for style in ("base", "neon"))
    assert base.caption(1) == neon.caption(1)
    assert (base.scene(1).style, neon.scene(1).style) == ("base", "neon")
    assert base.scene(1).thing == neon.scene(1).thing
    assert (base.read(1).frames - neon.read(1).frames).abs().max() > 0.2


def test_equal_descriptions_have_equal_pixels() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"kind": "clean"},
        {"kind": "stills"},
        {"kind": "pan left"},
        {"count": 3},
        {"seed": 1},
        {"style": "outlined"},
    ]
    sets = [WorldClips(**{"kind": "video", "count": 2, **change}) for change in changes]
    told = [clips.description() for clips in sets]
    assert all(told.count(one) == 1 for one in told)
    assert json.loads(json.dumps(told)) == told
    again = WorldClips("video", 2)
    assert again.description() == told[0]
    assert torch.equal(again.read(1).frames, sets[0].read(1).frames)


SUMS = {
    # DRAWING -> set -> of each of two clips: all pixels, weighed by their place
    5: {
        "video": (0.285401, 0.256892),
        "stills": (0.276204, 0.228701),
        "tilt up": (0.314726, 0.310319),
    },
}


def test_other_pictures_are_counted_as_another_drawing() -> None:
    """Else a cache of the old ones would be taken for the new."""
    weights = torch.linspace(0, 1, SIDE * SIDE * 3).view(SIDE, SIDE, 3)
    for kind, sums in SUMS[DRAWING].items():
        clips = WorldClips(kind, 2)
        found = [float((clips.read(i).frames * weights).mean()) for i in range(2)]
        assert found == pytest.approx(sums, abs=1e-5), "count DRAWING up and note the new sums"


def test_misspelt_sets_are_told() -> None:
    with pytest.raises(
        ValueError, match="^'zoom-in' is no set of the small world; choose one of v"
    ):
        WorldClips("zoom-in", 2)
    with pytest.raises(ValueError, match="^'none' is no set of the small world"):
        WorldClips("none", 2)
    with pytest.raises(ValueError, match="^'noen' is no style; choose one of base, outlined, neon"):
        WorldClips("video", 2, style="noen")
    for move in set(MOVES) - {"none"}:
        assert WorldClips(move, 1).scene(0).camera == move


@pytest.fixture(scope="module")
def vae() -> VAE:
    return encoders.vae()


@pytest.fixture(scope="module")
def encoded(vae: VAE) -> Encode:
    """encode_clips as the engine calls it: in ComfyUI's inference mode."""
    clip = encoders.text_encoder()

    def run(clips: WorldClips, folder: Path) -> EncodedClips:
        with torch.inference_mode():
            return encode_clips(clips, vae, clip, folder)

    return run


@pytest.mark.parametrize("kind", ["video", "stills", "pan right"])
def test_clips_can_be_encoded(kind: str, tmp_path: Path, encoded: Encode, vae: VAE) -> None:
    clips = WorldClips(kind, 3, seed=2)
    cache = encoded(clips, tmp_path)
    assert len(cache) == 3
    for index in range(3):
        assert (cache.name(index), cache.caption(index)) == (
            f"{kind} {index}",
            clips.caption(index),
        )
        exact = vae.encode(clips.read(index).frames)
        assert cache.latents(index).shape == (1 if kind == "stills" else FRAMES, 4, 8, 8)
        assert torch.allclose(cache.latents(index), exact, atol=1e-3, rtol=1e-3)
        text = cache.text(clips.caption(index)).embedding
        assert text.shape[0] == 77 and not torch.equal(text, cache.text("").embedding)
    assert all(
        not torch.allclose(cache.latents(a), cache.latents(b), atol=0.05)
        for a, b in itertools.combinations(range(3), 2)
    )


def test_a_cache_holds_several_sets(tmp_path: Path, encoded: Encode) -> None:
    stills = encoded(WorldClips("stills", 2), tmp_path)
    other = encoded(WorldClips("stills", 2, seed=1), tmp_path)
    assert other.fingerprint != stills.fingerprint
    again = encoded(WorldClips("stills", 2), tmp_path)
    assert again.fingerprint == stills.fingerprint
    assert all(torch.equal(again.latents(i), stills.latents(i)) for i in (0, 1))
    assert not torch.equal(again.latents(0), other.latents(0))
