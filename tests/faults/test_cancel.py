"""Cancel while clips are encoded, motion is measured and weights are loaded, pressed in another
thread as ComfyUI's server does: it ends at once, nothing half is left, and the next run is right.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import comfy.model_management as memory
import pytest
import torch
from adk_tests.fuzz.damage import packed
from adk_tests.fuzz.test_weights_files import KINDS, frames, image_model
from adk_tests.support import by_hand, encoders
from adk_tests.support.clip_sets import DrawnClips
from adk_tests.support.training_folders import own_folders
from animatediff_kit.motion_models.last_loaded import load_or_reuse
from animatediff_kit.nodes.training.encode import EncodeClips
from animatediff_kit.nodes.training.measure import MeasureMotion
from animatediff_kit.training.data.cache import EncodedClips
from animatediff_kit.training.data.read_ahead import THREADS
from animatediff_kit.training.data.shards import ShardReader

SECONDS = 3.0
"""From the press to the end, on a machine with other work. Uncancelled, each run below that is
long takes many times as long."""


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> Iterator[Path]:
    with own_folders(tmp_path) as root, torch.inference_mode():
        yield root
    memory.interrupt_current_processing(False)


def cancelled_at(name: str, call: int, work: Callable[[], Any]) -> float:
    """Seconds until `work` has ended by the Cancel that another thread presses at the n-th call of
    a function of this name."""
    asked, pressed = threading.Event(), threading.Event()
    calls, at = 0, 0.0

    def press() -> None:
        nonlocal at
        asked.wait()
        memory.interrupt_current_processing()
        at = time.monotonic()
        pressed.set()

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        if event == "call" and frame.f_code.co_name == name:
            calls += 1
            if calls == call:
                asked.set()
                pressed.wait()

    thread = threading.Thread(target=press)
    thread.start()
    sys.setprofile(watch)
    try:
        with pytest.raises(memory.InterruptProcessingException):
            work()
    finally:
        sys.setprofile(None)
        asked.set()
        thread.join()
    assert calls >= call, f"{name} was called {calls} times"
    assert not memory.processing_interrupted()
    return time.monotonic() - at


@pytest.mark.parametrize(
    ("name", "call"),
    [("weights_digest", 1), ("weights_digest", 2), ("encode_text", 2), ("add_group", 2)],
)
def test_encoding_clips(name: str, call: int, tmp_path: Path) -> None:
    vae, clip = encoders.vae(), encoders.text_encoder()
    clips, folder = DrawnClips(4000), tmp_path / "output" / "clips"
    folder.parent.mkdir(exist_ok=True)
    took = cancelled_at(name, call, lambda: EncodeClips.execute(clips, vae, clip, str(folder)))
    assert took < SECONDS
    done = len(ShardReader(folder, "latents").records)
    assert (len(clips.was_read) > 0) == (name == "add_group")
    assert 0 <= len(clips.was_read) - done <= 2 * 32 + 2 * THREADS  # a group or two, and ahead
    assert not list(folder.glob(".*"))
    assert folder.exists() == (name != "weights_digest")
    again = DrawnClips(4000)
    cancelled_at("add_group", 2, lambda: EncodeClips.execute(again, vae, clip, str(folder)))
    assert min(again.was_read) == done


def test_encoding_clips_that_cannot_be_read(tmp_path: Path) -> None:
    """No model computes there, whose operations end by themselves: the node alone can."""
    vae, clip = encoders.vae(), encoders.text_encoder()
    clips, folder = DrawnClips(4000, bad=tuple(range(4000))), tmp_path / "output" / "clips"
    took = cancelled_at("add_group", 5, lambda: EncodeClips.execute(clips, vae, clip, str(folder)))
    assert took < SECONDS and len({*clips.was_read}) in (5, 6)  # each of them twice


def test_encoded_clips_after_cancel_are_those_without_it(tmp_path: Path) -> None:
    vae, clip = encoders.vae(), encoders.text_encoder()
    folders = [str(tmp_path / "output" / name) for name in ("stopped", "whole")]
    cancelled_at("step", 7, lambda: EncodeClips.execute(DrawnClips(), vae, clip, folders[0]))
    one, other = (
        EncodeClips.execute(DrawnClips(), vae, clip, folder).result[0] for folder in folders
    )
    assert isinstance(one, EncodedClips) and one.fingerprint == other.fingerprint
    assert all(torch.equal(one.latents(i), other.latents(i)) for i in range(6))


def test_measuring(tmp_path: Path) -> None:
    few = torch.rand((4, 96, 96, 3), generator=torch.Generator().manual_seed(2))
    expected = MeasureMotion.execute(few, 0, 0).result
    for path in (tmp_path / "temp").iterdir():
        path.unlink()
    many = few[torch.arange(1000) % 4]
    assert cancelled_at("each", 3, lambda: MeasureMotion.execute(many, 0, 0)) < SECONDS
    assert not list((tmp_path / "temp").iterdir())
    picture, figures = MeasureMotion.execute(few, 0, 0).result
    assert figures == expected[1] and torch.equal(picture, expected[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["read_weights", "check_finite", "largest_of"])
def test_loading_weights(kind: str, name: str, tmp_path: Path) -> None:
    weights, use = KINDS[kind]
    path = tmp_path / "whole.safetensors"
    path.write_bytes(packed(weights(), ".safetensors"))
    before = by_hand.fingerprint(image_model().model)
    expected = frames(use(path))
    assert cancelled_at(name, 1, lambda: use(path)) < SECONDS
    assert torch.equal(frames(use(path)), expected)
    memory.unload_all_models()
    assert by_hand.fingerprint(image_model().model) == before


def test_a_motion_model_whose_loading_ended_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "whole.safetensors"
    path.write_bytes(packed(KINDS["motion model"][0](), ".safetensors"))
    cancelled_at("largest_of", 9, lambda: load_or_reuse(str(path)))
    assert load_or_reuse(str(path)).model.source == (str(path), "automatic")
