"""The nodes that make training data, from files on disk to encoded clips."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import folder_paths
import pytest
import torch
from adk_tests.support import encoders
from adk_tests.support.clip_sets import DrawnClips
from adk_tests.support.videos import as_images, numbered, numbers, write_captioned
from animatediff_kit.nodes.training.camera import MoveCamera
from animatediff_kit.nodes.training.clips import LoadVideoClips
from animatediff_kit.nodes.training.clips_from_images import ClipsFromImages
from animatediff_kit.nodes.training.encode import EncodeClips
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.camera_moves import CameraMove
from animatediff_kit.training.data.fill_cache import encode_clips
from animatediff_kit.training.engine.held_out import parted
from comfy.sd import CLIP, VAE
from PIL import Image


def only(output: Any) -> Any:
    (value,) = output.result
    return value


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ComfyUI's input and output folders, in the test's own."""
    for name in ("input", "output"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(folder_paths, f"{name}_directory", str(tmp_path / name))


@pytest.fixture(scope="module")
def vae() -> VAE:
    return encoders.vae()


@pytest.fixture(scope="module")
def clip() -> CLIP:
    return encoders.text_encoder()


@pytest.mark.parametrize("written", ["cars", ' "cars" ', "{input}/cars"])
def test_videos_below_the_input_folder(tmp_path: Path, written: str) -> None:
    write_captioned(tmp_path / "input" / "cars" / "a.mp4", 9, "a car drives left")
    source = written.format(input=tmp_path / "input")
    clips = only(LoadVideoClips.execute(source, 3, 4, 128, 64, mirror=True))
    assert numbers(clips.source(0).frames) == [0, 4, 8]
    assert clips.read(0).frames.shape == (3, 64, 128, 3)
    assert [clips.caption(i) for i in (0, 1)] == ["a car drives left", "a car drives right"]


def test_every_widget_reaches_the_clips(tmp_path: Path) -> None:
    write_captioned(tmp_path / "input" / "a_car.mp4", 40, "unused")
    clips = only(
        LoadVideoClips.execute(
            *(str(tmp_path / "input"), 3, 2, 128, 192, "fixed caption", "a car", 7, 2, True, True),
            *(4.0, "uniform", "2, 3", False, "zwx", 1),
        )
    )
    assert vars(clips.settings) == dict(
        frames=3,
        stride=2,
        width=128,
        height=192,
        captions="fixed caption",
        caption="a car",
        seed=7,
        clips_per_video=2,
        mirror=True,
        aspect_buckets=True,
        fps=4.0,
        choice="uniform",
        frame_buckets=(2, 3),
        images=False,
        trigger="zwx",
    )
    assert len(clips) == 4 and clips.caption(0) == "zwx, a car"
    for written in ("8;16", "8, sixteen", "-8", "1.5"):
        with pytest.raises(ValueError, match="^frame_buckets has '.*' in it; write whole numbers"):
            LoadVideoClips.execute(str(tmp_path / "input"), frame_buckets=written)


def test_sources_are_chained(tmp_path: Path, vae: VAE, clip: CLIP) -> None:
    """Videos, images and a batch of the workflow in one set, each at its own settings; a camera
    moves over all of them."""
    write_captioned(tmp_path / "input" / "cars" / "a.mp4", 9, "a car drives left")
    picture = tmp_path / "input" / "looks" / "b.png"
    picture.parent.mkdir()
    Image.fromarray(numbered(5, 128, 128)).save(picture)
    picture.with_suffix(".txt").write_text("a look")
    videos = only(LoadVideoClips.execute("cars", 3, 4, 64, 64, fps=6.0))
    both = only(
        LoadVideoClips.execute("looks", width=128, height=64, images=True, repeats=2, clips=videos)
    )
    images = as_images(numbered(i, 96, 96) for i in range(2))
    every = only(ClipsFromImages.execute(images, "a dog", width=64, height=64, clips=both))
    assert [every.caption(i) for i in range(4)] == [
        "a car drives left",
        "a look",
        "a look",
        "a dog",
    ]
    assert [tuple(every.read(i).frames.shape[:3]) for i in (0, 1, 3)] == [
        (3, 64, 64),
        (1, 64, 128),
        (2, 64, 64),
    ]
    with torch.inference_mode():
        cache = only(EncodeClips.execute(every, vae, clip))
    assert sorted(len(group) for group in cache.buckets().values()) == [1, 1, 2]
    assert cache.rates == (6.0,), "of the videos; a picture has none, and the batch's is not known"
    moved = only(MoveCamera.execute(every, "zoom in", 0.2))
    assert len(moved) == 4 and isinstance(moved.parts[1].clips, CameraMove)
    with pytest.raises(ValueError, match="^clips is 3. Connect the node Load Video Clips"):
        LoadVideoClips.execute("cars", 3, clips=3)


def test_lists_as_cores_dataset_nodes_give_them() -> None:
    """A list of batches, each of its own size, with a caption each, or one for all."""
    sizes = ((64, 64), (96, 128), (64, 64))
    lists = [
        as_images(numbered(8 * n + i, *size) for i in range(3)) for n, size in enumerate(sizes)
    ]
    captions = ["a dog", "a cat", "a fish"]
    clips = only(ClipsFromImages.execute(lists, captions, [1], [2], [0], [0], None))
    assert [clips.caption(i) for i in range(3)] == captions
    assert [numbers(clips.read(i).frames) for i in range(3)] == [[0, 1], [8, 9], [16, 17]]
    assert clips.read(1).frames.shape == (2, 96, 128, 3)
    assert [clips.name(i) for i in range(3)] == [f"images 0 to 1 of batch {n}" for n in (1, 2, 3)]
    more = only(ClipsFromImages.execute(lists[0], "a dog", clips=clips))
    assert more.name(3) == "images 0 to 2 of batch 4"
    assert parted(clips, 0.5, seed=2)[1] == [1, 2]
    one = only(ClipsFromImages.execute(lists, ["a pet"], [1], [2], [0], [0], None))
    assert {one.caption(i) for i in range(3)} == {"a pet"}
    with pytest.raises(ValueError, match="^2 captions came with 3 batches of images. Connect a"):
        ClipsFromImages.execute(lists, captions[:2])
    with pytest.raises(ValueError, match="^Batch 2 of 3: The clip has no caption. Write what it"):
        ClipsFromImages.execute(lists, ["a dog", "", "a fish"])


def test_no_source_is_told() -> None:
    with pytest.raises(ValueError, match="^source is empty. Set it to a folder of videos, or to a"):
        LoadVideoClips.execute()
    assert LoadVideoClips.fingerprint_inputs(source="", frames=3) == ""
    assert LoadVideoClips.fingerprint_inputs(source=None) == ""


def test_a_changed_folder_runs_anew(tmp_path: Path) -> None:
    video = write_captioned(tmp_path / "input" / "cars" / "a.mp4", 2, "a car")
    before = LoadVideoClips.fingerprint_inputs(source="cars", frames=3)
    assert LoadVideoClips.fingerprint_inputs(source="cars", frames=3) == before
    os.utime(video, (1, 1))
    after = LoadVideoClips.fingerprint_inputs(source="cars", frames=3)
    video.with_suffix(".txt").write_text("a red car")
    assert len({before, after, LoadVideoClips.fingerprint_inputs(source="cars")}) == 3


def test_clips_from_images() -> None:
    images = as_images(numbered(i) for i in range(8))
    clips = only(ClipsFromImages.execute(images, "a dog", 2, 2, 128, 64))
    assert [numbers(clips.source(i).frames) for i in (0, 1)] == [[0, 2], [4, 6]]
    assert clips.read(0).frames.shape == (2, 64, 128, 3)


def test_a_camera_moves_over_clips_and_over_stills() -> None:
    images = as_images(numbered(i, 128, 128) for i in range(4))
    moved = only(
        MoveCamera.execute(
            ClipsFromImages.execute(images, "a dog", width=64, height=64).result[0], "pan left", 0.5
        )
    )
    assert moved.moves == [("pan left", 0.5)] and len(moved) == 1
    assert moved.read(0).frames.shape == (4, 64, 64, 3)
    stills = only(MoveCamera.execute(images, "zoom in", 0.8, "a dog", 5, 64, 72, 3))
    assert len(stills) == 4 and stills.seed == 3
    assert stills.read(2).frames.shape == (5, 72, 64, 3)
    assert stills.caption(2) == "a dog"


def test_clips_are_encoded_into_a_folder_of_their_own(tmp_path: Path, vae: VAE, clip: CLIP) -> None:
    with torch.inference_mode():
        cache = only(EncodeClips.execute(DrawnClips(), vae, clip))
        again = only(EncodeClips.execute(DrawnClips(), vae, clip))
        other = only(EncodeClips.execute(DrawnClips(note="other"), vae, clip))
    assert cache.folder == again.folder == other.folder
    assert cache.fingerprint == again.fingerprint != other.fingerprint
    assert cache.folder.parent == tmp_path / "output" / "animatediff_kit_cache"
    assert len(cache) == 6 and not cache.latents(0).is_inference()


@pytest.mark.parametrize("written", ["mine", "{root}/mine"])
def test_a_cache_folder_of_ones_own(tmp_path: Path, vae: VAE, clip: CLIP, written: str) -> None:
    folder = written.format(root=tmp_path / "output")
    cache = only(EncodeClips.execute(DrawnClips(1), vae, clip, folder))
    output = tmp_path / "output"
    parent = output if os.path.isabs(folder) else output / "animatediff_kit_cache"
    assert cache.folder == parent / "mine"
    more = DrawnClips(2)
    assert len(only(EncodeClips.execute(more, vae, clip, folder))) == 2 and more.was_read == [1]


@pytest.mark.parametrize("bad", [(), (3,)])
def test_cancel_keeps_what_is_done(
    tmp_path: Path, vae: VAE, clip: CLIP, bad: tuple[int, ...]
) -> None:
    """Pressed after the third of the clips that share a call of the VAE."""
    folder = tmp_path / "output" / "mine"
    clips = DrawnClips(bad=bad)
    done: list[int] = []

    def press(*_: Any) -> None:
        done.append(1)
        memory.interrupt_current_processing(len(done) == 7)
        memory.throw_exception_if_processing_interrupted()

    with pytest.raises(memory.InterruptProcessingException):
        encode_clips(clips, vae, clip, folder, press)
    with pytest.raises(ValueError, match="mine holds 3 of 6 clips"):
        EncodedClips(folder)
    rest = DrawnClips(bad=bad)
    cache = only(EncodeClips.execute(rest, vae, clip, str(folder)))
    assert len(cache) == 6 - len(bad)
    assert sorted(rest.was_read) == sorted([3, 4, 5, *bad]), "a broken one is tried twice"


def test_from_a_folder_to_latents(tmp_path: Path, vae: VAE, clip: CLIP) -> None:
    """All four steps, as a workflow joins them."""
    for name in "ab":
        write_captioned(tmp_path / "input" / "set" / f"{name}.mp4", 8, f"a dog {name}")
    with torch.inference_mode():
        clips = only(LoadVideoClips.execute("set", 4, 2, 64, 64))
        with pytest.raises(ValueError, match="^a.mp4 is 64 x 64, too small for roll clockwise at"):
            EncodeClips.execute(only(MoveCamera.execute(clips, "roll clockwise")), vae, clip)
        cache = only(EncodeClips.execute(clips, vae, clip))
        timed = only(LoadVideoClips.execute("set", 4, width=64, height=64, fps=8.0, clips=clips))
        both = only(EncodeClips.execute(timed, vae, clip, "both"))
    assert cache.rates == (6.0,) and both.rates == (6.0, 8.0)
    assert EncodedClips(both.folder).rates == both.rates
    assert [cache.caption(i) for i in (0, 1)] == ["a dog a", "a dog b"]
    assert cache.buckets() == {(4, 4, 8, 8): [0, 1]}
