"""The table of nodes that come is that of the nodes themselves. tests/integration has ComfyUI's."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

import pytest
from animatediff_kit.conversion.betas import AUTOMATIC, SCHEDULES
from animatediff_kit.conversion.limits import LIMITS
from animatediff_kit.conversion.new_nodes import NEW_NODES
from animatediff_kit.conversion.sample_settings import GENERATORS, NOISES
from animatediff_kit.conversion.windows import FUSE
from animatediff_kit.conversion.windows import SCHEDULES as WINDOWS
from animatediff_kit.nodes import AnimateDiffKit
from comfy_api.latest import io


@cache
def schemas() -> dict[str, io.Schema]:
    listed = asyncio.run(AnimateDiffKit().get_node_list())
    return {node.GET_SCHEMA().node_id: node.GET_SCHEMA() for node in listed}


MADE = {"ADK_LoadMotionModel": "motion_model", "ADK_LoadMotionLoRA": "lora"}
"""Widgets whose default is a file, which is always given."""

TEXT_OF_ITS_OWN = {("ADK_PromptTravel", "prompts")}


@pytest.mark.parametrize("kind", [kind for kind in NEW_NODES if kind.startswith("ADK_")])
def test_a_node_of_ours(kind: str) -> None:
    """It may have more sockets, which nothing old goes into, if they may stay empty."""
    schema, new = schemas()[kind], NEW_NODES[kind]
    told = {entry.id: entry for entry in schema.inputs}
    assert new.title == schema.display_name
    assert {name: told[name].get_io_type() for name in new.types} == new.types
    widgets = [name for name, entry in told.items() if is_widget(entry)]
    assert widgets == list(new.widgets), "widgets are saved by their order"
    for name in set(told) - set(new.types):
        assert told[name].optional
    for name, default in new.widgets.items():
        if MADE.get(kind) != name and (kind, name) not in TEXT_OF_ITS_OWN:
            assert default == told[name].default
    assert [entry.get_io_type() for entry in schema.outputs] == [kind for _, kind in new.outputs]


@pytest.mark.parametrize("kind", [kind for kind in NEW_NODES if kind.startswith("ADK_")])
def test_the_limits_of_a_node_of_ours(kind: str) -> None:
    told = {entry.id: entry.as_dict() for entry in schemas()[kind].inputs}
    numbers = [n for n in NEW_NODES[kind].widgets if told[n].get("min") is not None]
    found = {name: (told[name]["min"], told[name]["max"]) for name in numbers}
    assert LIMITS.get(kind, {}) == found


def is_widget(entry: Any) -> bool:
    return isinstance(entry, io.WidgetInput) and not entry.as_dict().get("forceInput")


def options(kind: str, name: str) -> set[str]:
    (entry,) = (entry for entry in schemas()[kind].inputs if entry.id == name)
    return set(entry.options)


def test_every_name_that_a_rule_gives_is_one_of_the_widgets() -> None:
    assert set(SCHEDULES.values()) <= options("ADK_NoiseSchedule", "beta_schedule")
    assert {*SCHEDULES.values(), AUTOMATIC} <= options("ADK_ApplyMotionModel", "beta_schedule")
    assert {"everywhere", "automatic"} <= options("ADK_ApplyMotionModel", "norms")
    assert set(WINDOWS.values()) <= options("ADK_ContextWindows", "schedule")
    assert set(FUSE.values()) <= options("ADK_ContextWindows", "fuse")
    assert set(NOISES.values()) <= options("ADK_ModelNoise", "noise")
    assert set(GENERATORS.values()) <= options("ADK_ModelNoise", "generator")
    assert {"spaces"} <= options("ADK_PromptTravel", "join")
