"""The table of public model files agrees with README, with the folders and with the templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.graphs.downloads import MODELS
from animatediff_kit.motion_models.folders import CONTROL_NETS, LORAS, MOTION_LORAS, MOTION_MODELS
from animatediff_kit.nodes.published_models import address_of, published_models

ROOT = Path(__file__).resolve().parents[2]
ROWS = published_models()
FOLDERS = {MOTION_MODELS, MOTION_LORAS, LORAS, CONTROL_NETS, "checkpoints", "vae"}


def files() -> Iterator[dict[str, str]]:
    for row in ROWS:
        yield from (file for file in (row, row.get("authors_file")) if file is not None)


def test_every_row_is_whole() -> None:
    names = [file["name"] for file in files()]
    assert len(set(names)) == len(names)
    for row in ROWS:
        assert {*row} - {"authors_file"} == {"name", "directory", "url", "size", "what"}
        assert row["directory"] in FOLDERS and row["what"]
    for file in files():
        assert re.fullmatch(
            r"https://huggingface\.co/[\w.-]+/[\w.-]+/resolve/main/\S+", file["url"]
        )
        assert file["url"].endswith(f"/{file['name']}")


def test_the_readme_lists_every_file() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Models\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if "](https://" in line]
    assert len(lines) == len(ROWS)
    for row, line in zip(ROWS, lines, strict=True):
        assert line.startswith(f"| [{row['name']}]({row['url']})")
        assert f"| {row['size']} | `models/{row['directory']}` | {row['what']} |" in line
        assert row.get("authors_file", row)["url"] in line


def models_of(content: Any) -> Iterator[dict[str, str]]:
    """Every entry of a `properties.models` in a workflow."""
    if isinstance(content, dict):
        found = content.get("properties")
        yield from (found.get("models") or ()) if isinstance(found, dict) else ()
    for value in content.values() if isinstance(content, dict) else content:
        if isinstance(value, dict | list):
            yield from models_of(value)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "example_workflows").glob("*.json")), ids=lambda path: path.stem
)
def test_a_template_offers_files_of_the_table(path: Path) -> None:
    known = [model.saved() for model in MODELS.values()]
    for entry in models_of(json.loads(path.read_text(encoding="utf-8"))):
        assert {key: entry[key] for key in ("name", "url", "directory")} in known


@pytest.mark.parametrize(
    "name", ["mm_sd_v15_v2.ckpt", "sd15\\mm_sd_v15_v2.ckpt", "a/mm_sd_v15_v2.ckpt"]
)
def test_an_address_is_found_by_the_files_name(name: str) -> None:
    address = "https://huggingface.co/guoyww/animatediff/resolve/main/mm_sd_v15_v2.ckpt"
    assert address_of(name) == address


def test_an_unknown_file_has_no_address() -> None:
    assert address_of("mine.safetensors") is None
    assert address_of("") is None
