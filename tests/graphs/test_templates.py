"""The templates and blueprints that ship, as files: names, geometry, colours, notes, models.
That they are what `graphs` lays out and run is tested in tests/integration."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.graphs.blueprints import BLUEPRINTS
from animatediff_kit.graphs.templates import TEMPLATES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "example_workflows"
FILES = sorted(FOLDER.glob("*.json"))
FOLDED = sorted((ROOT / "subgraphs").glob("*.json"))
TITLE, TALLER = 30, 80  # pixels: of a title, and of what Nodes 2.0 adds to a node
WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth")
INSIDE = -10

template = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
folded = pytest.mark.parametrize("path", FOLDED, ids=[path.stem for path in FOLDED])
graph = pytest.mark.parametrize("path", [*FILES, *FOLDED], ids=lambda path: path.stem)


def saved(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return content if path in FILES else content["definitions"]["subgraphs"][0]


def links(content: dict[str, Any]) -> Iterator[tuple[int, int, int, int]]:
    """(from, slot, to, slot)"""
    for link in content["links"]:
        if isinstance(link, dict):
            yield link["origin_id"], link["origin_slot"], link["target_id"], link["target_slot"]
        else:
            yield tuple(link[1:5])


def test_every_template_and_blueprint_ships() -> None:
    assert [path.stem for path in FILES] == sorted(TEMPLATES)
    assert [path.stem for path in FOLDED] == sorted(BLUEPRINTS)


def test_their_names_are_in_order_and_open_by_an_address() -> None:
    """The page opens `?template=NAME` for these letters alone."""
    assert list(TEMPLATES) == sorted(TEMPLATES)
    assert [name for name in TEMPLATES if not re.fullmatch(r"\d\d-[A-Za-z0-9-]+", name)] == []


@graph
def test_no_node_covers_another_in_either_renderer(path: Path) -> None:
    boxes = [(n["id"], *n["pos"], *n["size"]) for n in saved(path)["nodes"]]
    for one, other in itertools.combinations(boxes, 2):
        (_, left, top, wide, tall), (_, x, y, w, h) = one, other
        beside = left + wide <= x or x + w <= left
        apart = top + tall + TALLER <= y - TITLE if top < y else y + h + TALLER <= top - TITLE
        assert beside or apart, (one, other)


@graph
def test_links_run_forwards(path: Path) -> None:
    """From left to right, or down in a column; those of a group below its source apart."""
    content = saved(path)
    left = {node["id"]: node["pos"][0] for node in content["nodes"]}
    runs = [left[b] >= left[a] for a, _, b, _ in links(content) if a in left and b in left]
    assert sum(runs) >= 0.9 * len(runs)


@template
def test_groups_hold_their_nodes_and_nothing_is_half_in_one(path: Path) -> None:
    content = saved(path)
    held = set()
    for group in content["groups"]:
        x, y, w, h = group["bounding"]
        for node in content["nodes"]:
            left, top = node["pos"][0], node["pos"][1] - TITLE
            right, bottom = left + node["size"][0], top + TITLE + node["size"][1]
            inside = x <= left and right <= x + w and y <= top and bottom <= y + h
            outside = right <= x or left >= x + w or bottom <= y or top >= y + h
            assert inside or outside, (group["title"], node["id"])
            held |= {node["id"]} if inside else set()
    free = [node["type"] for node in content["nodes"] if node["id"] not in held]
    assert free == ["MarkdownNote"]


@template
def test_it_opens_at_a_size_that_can_be_read_with_its_first_node_in_sight(path: Path) -> None:
    content = saved(path)
    scale, (right, down) = content["extra"]["ds"]["scale"], content["extra"]["ds"]["offset"]
    assert 0.6 <= scale <= 1
    left, top = content["nodes"][0]["pos"]
    assert 60 < (left + right) * scale < 300 and 100 < (top - TITLE + down) * scale < 400


@graph
def test_prompts_are_green_and_red_and_titled(path: Path) -> None:
    content = saved(path)
    nodes = {node["id"]: node for node in content["nodes"]}
    sides: dict[int, set[str]] = {}
    for origin, _, target, slot in links(content):
        if origin in nodes and target in nodes and nodes[origin]["type"] == "CLIPTextEncode":
            name = nodes[target]["inputs"][slot]["name"]
            sides.setdefault(origin, set()).add(name)
    assert sides or "ravel" in path.stem
    for key, names in sides.items():
        (side,) = names
        color, title = {"positive": ("#232", "Prompt"), "negative": ("#322", "Negative")}[side]
        assert nodes[key]["color"] == color and nodes[key]["title"].startswith(title)


@graph
def test_every_file_to_download_has_its_address(path: Path) -> None:
    for node in saved(path)["nodes"]:
        values = [v for v in node.get("widgets_values", []) if isinstance(v, str)]
        named = {v for v in values if v.endswith(WEIGHTS) and not v.startswith("small_world")}
        models = {model["name"]: model for model in node["properties"].get("models", [])}
        assert set(models) == named, node["type"]
        for name, model in models.items():
            assert re.fullmatch(r"https://huggingface\.co/[\w./-]+", model["url"])
            assert model["url"].endswith(f"/{name}") and "/resolve/main/" in model["url"]


@template
def test_a_template_says_what_it_is_for(path: Path) -> None:
    (note,) = [node for node in saved(path)["nodes"] if node["type"] == "MarkdownNote"]
    (text,) = note["widgets_values"]
    begin = "**Nothing to download:**" if "Small-world" in path.stem else "**Missing models?**"
    assert text.startswith(begin) and len(text) > 150
    assert "`" not in text  # Nodes 2.0 writes code in blue on blue


@folded
def test_what_a_blueprint_shows_feeds_widgets_inside(path: Path) -> None:
    whole = json.loads(path.read_text(encoding="utf-8"))
    content, (use,) = saved(path), whole["nodes"]
    nodes = {node["id"]: node for node in content["nodes"]}
    assert use["type"] == content["id"] and use["title"] == path.stem == content["name"]
    assert [slot["name"] for slot in use["inputs"]] == [s["name"] for s in content["inputs"]]
    for slot, entry in enumerate(content["inputs"]):
        fed = [(to, at) for start, n, to, at in links(content) if (start, n) == (INSIDE, slot)]
        assert len(fed) == len(entry["linkIds"]) > 0
        for node, at in fed:
            into = nodes[node]["inputs"][at]
            assert into["widget"]["name"] == into["name"] and into["link"] in entry["linkIds"]
            assert into["type"] == entry["type"]
