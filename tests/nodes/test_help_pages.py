"""The help pages that ComfyUI shows for each node agree with the nodes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.motion_models.folders import (
    LORAS,
    MOTION_LORAS,
    MOTION_MODELS,
    register_folders,
)
from animatediff_kit.nodes import NODES
from animatediff_kit.nodes.evolved import OLD_NODES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "web" / "docs"
register_folders()
SCHEMAS: dict[str, Any] = {
    schema.node_id: schema for schema in (node.define_schema() for node in NODES)
}
ROW = re.compile(r"^- \*\*(?P<input>\w+)\*\* \((?P<default>.*?)\): ", re.M)

WORDS = {
    # what a page says where the value itself would not help -> whether it is so
    "socket": lambda entry: not hasattr(entry, "default"),
    "first file": lambda entry: entry.default == entry.options[0],
    "two examples": lambda entry: entry.default.count("\n") == 1,
    "empty": lambda entry: entry.default == "",
}
SECTIONS = ["Inputs", "Output", "Example", "Common mistakes", "Source"]


def page(node: str) -> str:
    return (DOCS / f"{node}.md").read_text(encoding="utf-8")


def test_every_node_has_a_page_and_every_page_a_node() -> None:
    """Those of the old ids are in evolved/test_help_pages.py."""
    assert {path.stem for path in DOCS.glob("*.md")} - set(OLD_NODES) == set(SCHEMAS)


def test_comfyui_serves_the_folder() -> None:
    """ComfyUI serves WEB_DIRECTORY under /extensions/<pack>, and asks for docs/<node>.md there."""
    init = (ROOT / "__init__.py").read_text(encoding="utf-8")
    (folder,) = re.findall(r'^WEB_DIRECTORY = "(.+)"$', init, re.M)
    assert (ROOT / folder / "docs").resolve() == DOCS


def test_the_published_pack_has_them() -> None:
    """In .comfyignore, as in .gitignore, a folder's name without a / before it means each folder of
    that name, at any depth."""
    lines = (ROOT / ".comfyignore").read_text(encoding="utf-8").split()
    anywhere = {line.rstrip("/") for line in lines if "/" not in line.rstrip("/")}
    assert "/docs/" in lines
    assert not anywhere & {*DOCS.relative_to(ROOT).parts, "pictures"}


@pytest.mark.parametrize("node", SCHEMAS)
def test_the_inputs_are_those_of_the_node_in_their_order(node: str) -> None:
    rows = [match["input"] for match in ROW.finditer(page(node))]
    assert rows == [entry.id for entry in SCHEMAS[node].inputs]


@pytest.mark.parametrize("node", SCHEMAS)
def test_the_defaults_are_right(node: str) -> None:
    inputs = {entry.id: entry for entry in SCHEMAS[node].inputs}
    for match in ROW.finditer(page(node)):
        entry, told = inputs[match["input"]], match["default"]
        default = getattr(entry, "default", None)
        if told in WORDS:
            right = told == "socket" if default is None else WORDS[told](entry)
            assert right, f"{node}: {entry.id} is {told}"
        else:
            assert told == (str(default).lower() if isinstance(default, bool) else str(default))


@pytest.mark.parametrize("node", SCHEMAS)
def test_the_outputs_and_the_title_are_named(node: str) -> None:
    text, schema = page(node), SCHEMAS[node]
    assert text.splitlines()[0] == f"# {schema.display_name}"
    section = text.split("## Output\n")[1].split("\n## ")[0]
    for output in schema.outputs:
        assert f"`{output.id}`" in section and f"`{output.display_name}`" in section


@pytest.mark.parametrize("node", SCHEMAS)
def test_every_choice_that_the_page_names_exists(node: str) -> None:
    """In backquotes stand inputs, outputs, their choices, and files or inputs of other nodes."""
    schema = SCHEMAS[node]
    known = {entry.id for entry in (*schema.inputs, *schema.outputs)}
    known |= {output.display_name for output in schema.outputs}
    for entry in schema.inputs:
        known |= set(map(str, getattr(entry, "options", None) or ()))
    known |= {"batch_size", "positive", "noise", "sampler", "settings", "debias"}
    known |= {"min_timestep", "snr_gamma", "strength_over_time", "invert", "ease"}  # of other nodes
    known |= {"keep_images", "repeats"}
    known |= {"v2_lora_ZoomIn", "v3_sd15_adapter", MOTION_MODELS, MOTION_LORAS, LORAS}
    named = re.findall(r"`([A-Za-z0-9_-]+)`", page(node))
    assert set(named) <= known


@pytest.mark.parametrize("node", SCHEMAS)
def test_schedules_and_filters_are_all_explained(node: str) -> None:
    for entry in SCHEMAS[node].inputs:
        if entry.id in {"schedule", "fuse", "interpolation", "filter"}:
            missing = [option for option in entry.options if f"`{option}`" not in page(node)]
            assert not missing, entry.id


@pytest.mark.parametrize("node", SCHEMAS)
def test_a_page_has_its_sections_and_its_examples_exist(node: str) -> None:
    text = page(node)
    assert re.findall(r"^## (.+)$", text, re.M) == SECTIONS
    for example in re.findall(r"example_workflows/[\w-]+\.json", text):
        assert (ROOT / example).is_file()
