"""Two real servers that encode the same clips into one cache folder at the same time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from adk_tests.stand_in import files as stand_in
from adk_tests.support.videos import write_captioned
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.server import Server
from animatediff_kit.training.data.cache import EncodedClips

CLIPS = 10
IN_USE = "Another process encodes clips into "


@pytest.fixture
def second(comfy: ComfyUI, server: Server) -> Iterator[Server]:
    """It shares models and output with the other, as two that one machine's GPUs have do."""
    with tempfile.TemporaryDirectory(prefix="second-") as user:
        log = Path(user) / "comfyui.log"
        with Server(comfy, server.base, log, ("--user-directory", user)) as running:
            yield running


def graph(source: Path, folder: str) -> dict[str, dict[str, Any]]:
    clips = dict(frames=3, stride=2, width=64, height=64, captions="sidecar", caption="", seed=0)
    more = dict(clips_per_video=1, mirror=False, aspect_buckets=False)
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": stand_in.CHECKPOINT}},
        "2": {"class_type": "ADK_VideoClips", "inputs": {"source": str(source), **clips, **more}},
        "3": {
            "class_type": "ADK_EncodeClips",
            "inputs": {
                "clips": ["2", 0],
                "vae": ["1", 2],
                "clip": ["1", 1],
                "cache_folder": folder,
            },
        },
    }


def told(server: Server, prompt: dict[str, dict[str, Any]]) -> str:
    """The sentence with which a prompt ended; none where all went well."""
    try:
        list(server.client.run(prompt))
    except LauncherError as error:
        return str(error)
    return ""


def test_each_finishes_or_is_told_and_the_cache_is_whole(
    server: Server, second: Server, tmp_path: Path
) -> None:
    for number in range(CLIPS):
        write_captioned(tmp_path / f"{number:02}.mp4", 8, f"a dog {number}")
    prompt, alone = graph(tmp_path, "shared by two"), graph(tmp_path, "of one alone")
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda one: told(one, prompt), (server, second)))
    assert "" in said and all(not one or IN_USE in one for one in said), said
    for one in (server, second):  # what was refused is right once the other is done
        assert told(one, prompt) == ""
    assert told(server, alone) == ""
    caches = server.base / "output" / "animatediff_kit_cache"
    both, one = EncodedClips(caches / "shared by two"), EncodedClips(caches / "of one alone")
    assert len(both) == len(one) == CLIPS
    for index in range(CLIPS):
        assert both.caption(index) == one.caption(index) == f"a dog {index}"
        assert both.latents(index).equal(one.latents(index))
    assert not list((caches / "shared by two").glob(".*"))
    shutil.rmtree(caches / "shared by two")
    shutil.rmtree(caches / "of one alone")
