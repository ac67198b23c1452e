"""Where the public model files are: published_models.json, for messages, README and templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_suffix(".json")


def published_models() -> list[dict[str, Any]]:
    """name, directory (below models/), url, size, what; authors_file where the authors' own file
    has another name."""
    return json.loads(TABLE.read_text(encoding="utf-8"))


def address_of(name: str) -> str | None:
    """Where a file of this name can be downloaded; None for one that we do not know."""
    wanted = name.replace("\\", "/").rsplit("/", 1)[-1]
    for row in published_models():
        for file in (row, row.get("authors_file", {})):
            if file.get("name") == wanted:
                return file["url"]
    return None
