"""Model files that templates name, and where they are: what the page's "Missing Models" offers.

Most stand in `nodes/published_models.json`. The page downloads `.safetensors` only, so such a file
is named where a public one exists.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

PUBLISHED = Path(__file__).resolve().parent.parent / "nodes" / "published_models.json"


@dataclass(frozen=True)
class Model:
    """A file: its name, its address, and the folder of `models` that it belongs into."""

    name: str
    url: str
    directory: str

    def saved(self) -> dict[str, str]:
        return asdict(self)


def published() -> dict[str, Model]:
    """The files that the pack's own loaders read."""
    rows = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return {row["name"]: Model(row["name"], row["url"], row["directory"]) for row in rows}


OTHERS = (
    # files of core's nodes alone
    Model(
        "svd.safetensors",
        "https://huggingface.co/stabilityai/stable-video-diffusion-img2vid/resolve/main/svd.safetensors",
        "checkpoints",
    ),
    Model(
        "film_net_fp16.safetensors",
        "https://huggingface.co/Comfy-Org/frame_interpolation/resolve/main/frame_interpolation/"
        "film_net_fp16.safetensors",
        "frame_interpolation",
    ),
)

MODELS: dict[str, Model] = {**published(), **{model.name: model for model in OTHERS}}
"""By the name of the file."""
