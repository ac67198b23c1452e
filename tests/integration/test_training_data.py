"""Training clips on a real server: encoded once, again when the folder changes, errors told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from adk_tests.stand_in import files as stand_in
from adk_tests.support.videos import write_captioned, write_video
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.server import Server
from animatediff_kit.training.data.cache import EncodedClips


def graph(source: Path, **settings: Any) -> dict[str, dict[str, Any]]:
    clips = dict(
        source=str(source),
        frames=3,
        stride=2,
        width=64,
        height=64,
        captions="sidecar",
        caption="",
        seed=0,
        clips_per_video=1,
        mirror=False,
        aspect_buckets=False,
    )
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": stand_in.CHECKPOINT}},
        "2": {"class_type": "ADK_VideoClips", "inputs": {**clips, **settings}},
        "3": {
            "class_type": "ADK_EncodeClips",
            "inputs": {"clips": ["2", 0], "vae": ["1", 2], "clip": ["1", 1], "cache_folder": ""},
        },
    }


def folders(server: Server) -> set[Path]:
    """Where caches lie in the server's output folder."""
    found = (server.base / "output" / "animatediff_kit_cache").glob("*")
    return {place for place in found if place.is_dir()}  # a file is what is known of videos


def captions_in(folder: Path) -> list[str]:
    """Of the set that it was filled with last: all sets of one VAE share a folder. None where a
    cancelled prompt left it."""
    try:
        cache = EncodedClips(folder)
    except ValueError:
        return []
    return [cache.caption(index) for index in range(len(cache))]


def run(server: Server, prompt: dict[str, dict[str, Any]]) -> set[str]:
    """The nodes that were executed."""
    events = list(server.client.run(prompt))
    return {event.data["node"] for event in events if event.kind == "executing"} - {None}


def test_a_folder_is_encoded_once_and_again_when_it_changes(server: Server, tmp_path: Path) -> None:
    for name in "ab":
        write_captioned(tmp_path / f"{name}.mp4", 8, f"a dog {name}")
    assert {"2", "3"} <= run(server, graph(tmp_path))
    captions = {folder: captions_in(folder) for folder in folders(server)}
    (folder,) = [one for one, found in captions.items() if found == ["a dog a", "a dog b"]]
    cache = EncodedClips(folder)
    assert cache.latents(0).shape == (3, 4, 8, 8) and cache.latents(0).std() > 0.01
    assert cache.text("a dog a").embedding.shape == cache.text("").embedding.shape == (77, 768)

    assert not run(server, graph(tmp_path)) & {"2", "3"}
    (tmp_path / "b.txt").write_text("a red dog")
    assert {"2", "3"} <= run(server, graph(tmp_path))
    other = EncodedClips(folder)
    assert other.caption(1) == "a red dog"
    assert other.latents(0).equal(cache.latents(0))


def test_what_is_wrong_with_the_folder_is_told(server: Server, tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", 8)
    with pytest.raises(LauncherError, match="a.mp4 has no caption: a.txt is missing or empty"):
        run(server, graph(tmp_path))
    with pytest.raises(
        LauncherError, match="a.mp4 has 8 frames, but 16 frames at stride 2 need 31"
    ):
        run(server, graph(tmp_path, frames=16, captions="file name"))
