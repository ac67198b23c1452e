"""Encodes training clips to disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.utils import ProgressBar
from comfy_api.latest import io

from ...training.data.cache_identity import identify
from ...training.data.clips import ClipSet
from ...training.data.fill_cache import encode_clips
from ..places import check_writable
from ..schema import CATEGORY, ClipsSocket, EncodedClipsSocket, schema
from ..texts import check_text, unquoted, written_path
from .clip_inputs import CACHE, caches, check_clips


class EncodeClips(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_EncodeClips",
            display_name="Encode Clips",
            category=f"{CATEGORY}/training",
            description="Encodes training clips once to latents and text embeddings on disk, so "
            "that training needs neither VAE nor text encoder. Goes on where it was stopped.",
            search_aliases=["cache latents", "encode videos", "training cache", "vae encode"],
            inputs=[
                ClipsSocket.Input("clips", tooltip="The clips to encode."),
                io.Vae.Input("vae", tooltip="The VAE of the checkpoint that will be trained on."),
                io.Clip.Input(
                    "clip", tooltip="The text encoder of the checkpoint that will be trained on."
                ),
                io.String.Input(
                    "cache_folder",
                    default="",
                    tooltip="Where the encoded clips are kept. Empty: a folder for all "
                    f"clips of this VAE in {CACHE} in ComfyUI's output folder, where relative "
                    "paths begin, too. Whole paths lead into the output folder or the models "
                    "folder.",
                ),
            ],
            outputs=[
                EncodedClipsSocket.Output(
                    "encoded_clips",
                    display_name="encoded clips",
                    tooltip="Latents and texts on disk: for a training node.",
                )
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, clips: ClipSet, vae: Any, clip: Any, cache_folder: str = "") -> io.NodeOutput:
        check_clips(clips)
        chosen = cache_path(cache_folder)
        identity = identify(clips, vae, clip)
        folder = chosen or caches() / identity.vae[:16]
        return io.NodeOutput(encode_clips(clips, vae, clip, folder, progress(), identity))


def cache_path(cache_folder: str) -> Path | None:
    """Where a cache is to lie, or None where nothing is written. Raises ValueError for a place that
    workflows do not write to."""
    if not unquoted(check_text("cache_folder", cache_folder)):
        return None
    folder = written_path("cache_folder", cache_folder, str(caches()))
    check_writable("cache_folder", folder)
    return folder


def progress() -> Callable[[int, int], None]:
    """Moves the node's bar, and ends the encoding where people have pressed Cancel."""
    bars: list[ProgressBar] = []

    def report(done: int, total: int) -> None:
        bars[:] = bars or [ProgressBar(total)]
        bars[0].update_absolute(done, total)
        throw_exception_if_processing_interrupted()

    return report
