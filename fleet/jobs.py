"""Rows become prompts: each names inputs of the workflow's nodes and gives their values."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from launcher import LauncherError
from launcher.client import Prompt

from .faults import Faults
from .names import fault_of, folded
from .table import Row
from .values import Spec, fitting, inputs_of

NAME = "name"
"""The column that names the files of a row; without it, they are named by the row's number."""

SEEDS = ("seed", "noise_seed")


@dataclass(frozen=True)
class Job:
    """A row and the prompt that renders it. digest: of the name and all that the prompt holds."""

    name: str
    number: int
    row: dict[str, Any]
    prompt: Prompt
    digest: str

    @property
    def seeds(self) -> dict[str, int]:
        """Every seed of the prompt, by node and input."""
        return {
            f"{key}.{name}": value
            for key, node in self.prompt.items()
            for name, value in node["inputs"].items()
            if name in SEEDS and isinstance(value, int)
        }


@dataclass(frozen=True)
class Place:
    """An input that columns may name. specs: what it takes; more than one below a choice."""

    node: str
    name: str
    specs: tuple[Spec, ...]


def make_jobs(
    file: str, rows: Sequence[Row], prompt: Prompt, object_info: dict[str, Any]
) -> list[Job]:
    """A job a row. file: the table's name, for what is told.

    Raises LauncherError for columns that name no input, values of the wrong type or out of bounds,
    and names that cannot be or stand there twice, each with its line and column.
    """
    faults, known, names = Faults(file), places(prompt, object_info), {}
    jobs = []
    for row in rows:
        changed = copy.deepcopy(prompt)
        for column, value in row.cells.items():
            if column != NAME:
                place(changed, column, value, row, known.get(column, []), faults)
        name = name_of(row, names, faults)
        jobs.append(Job(name, row.number, dict(row.cells), changed, digest(name, changed)))
    faults.tell()
    return jobs


def places(prompt: Prompt, object_info: dict[str, Any]) -> dict[str, list[Place]]:
    """What columns `ID.INPUT` and `TITLE.INPUT` name. Raises LauncherError for an unknown class."""
    found: dict[str, list[Place]] = {}
    for key, node in prompt.items():
        info = object_info.get(node["class_type"])
        if info is None:
            raise LauncherError(
                f"This ComfyUI has no class for node {key} ({node['class_type']}); install the "
                "pack that brings it, or choose another workflow."
            )
        specs: dict[str, list[Spec]] = {}
        for name, spec in inputs_of(info):
            specs.setdefault(name, []).append(spec)
        for title in {key, node.get("_meta", {}).get("title") or key}:
            for name, listed in specs.items():
                found.setdefault(f"{title}.{name}", []).append(Place(key, name, tuple(listed)))
    return found


def place(
    prompt: Prompt, column: str, value: Any, row: Row, found: list[Place], faults: Faults
) -> None:
    """Puts a value into the one input that its column names."""
    if len(found) != 1:
        nodes = ", ".join(each.node for each in found)
        faults.add(row.line, column, f"nodes {nodes} have this title; take the id." if found else
                   "no node of this id or title has this input; write NODE.INPUT.")  # fmt: skip
        return
    (named,) = found
    inputs = prompt[named.node]["inputs"]
    if isinstance(inputs.get(named.name), list):
        faults.add(row.line, column, "it comes through a link, so a row cannot set it.")
        return
    try:
        inputs[named.name] = first_that_fits(named.specs, value, row.texts)
    except ValueError as error:
        faults.add(row.line, column, f"the value is {value!r}; {error}.")


def first_that_fits(specs: tuple[Spec, ...], value: Any, text: bool) -> Any:
    for spec in specs[:-1]:
        try:
            return fitting(spec, value, text)
        except ValueError:
            continue
    return fitting(specs[-1], value, text)


def name_of(row: Row, names: dict[str, int], faults: Faults) -> str:
    """What the files of a row are called. names: those of the rows before, with their lines."""
    name = row.cells.get(NAME, f"{row.number:05d}")
    if told := fault_of(name):
        faults.add(row.line, NAME, f"the value is {name!r}; {told}")
        return str(row.number)
    before = names.setdefault(folded(name), row.line)
    if before != row.line:
        faults.add(row.line, NAME, f"line {before} has the name {name!r} too.")
    return name


def digest(name: str, prompt: Prompt) -> str:
    """Tells whether a clip is the one that a row asks for now. Titles do not count."""
    nodes = {key: (node["class_type"], node["inputs"]) for key, node in prompt.items()}
    text = json.dumps([name, nodes], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
