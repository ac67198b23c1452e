"""Ids that ComfyUI replaces by nodes of this pack: the table, and what prompts get before."""

from __future__ import annotations

from typing import Any

import pytest
from adk_tests.nodes.evolved.facts import FACTS
from animatediff_kit.nodes.evolved.replacements import (
    REPLACEMENTS,
    Replacement,
    as_core_has_it,
    can_replace,
    completed,
)

EVERY_ONE = pytest.mark.parametrize("one", REPLACEMENTS, ids=lambda one: one.old)


@EVERY_ONE
def test_inputs_are_those_of_the_new_node(one: Replacement) -> None:
    required, optional, _ = FACTS[one.new]
    known = {name for name, _, _ in (*required, *optional)}
    assert one.old not in FACTS, "a node with a class is never replaced"
    assert {new for new, _ in one.inputs.values()} <= known
    assert set(one.widgets) <= set(one.inputs)


@EVERY_ONE
def test_a_prompt_gets_all_that_comfyui_reads_without_asking(one: Replacement) -> None:
    for node in ({"class_type": one.old}, {"class_type": one.old, "inputs": {}}):
        posted = {"prompt": {"1": node, "2": {"class_type": "KSampler"}}, "client_id": "me"}
        before = repr(posted)
        given: Any = completed(posted)
        assert set(given["prompt"]["1"]["inputs"]) == set(one.inputs)
        assert given["prompt"]["1"]["_meta"] == {}
        assert given["prompt"]["2"] == {"class_type": "KSampler"} and given["client_id"] == "me"
        assert repr(posted) == before


def test_what_a_prompt_gives_stays() -> None:
    kind = "ADE_MultivalDynamicFloatInput"
    node = {"class_type": kind, "inputs": {"float_val": ["3", 0]}, "_meta": {"title": "mine"}}
    given: Any = completed({"prompt": {"1": node}})
    assert given["prompt"]["1"]["inputs"] == {"float_val": ["3", 0], "mask_optional": None}
    assert given["prompt"]["1"]["_meta"] == {"title": "mine"}


def test_an_input_of_an_old_name_gets_that_of_today() -> None:
    """As prompts of 2023 have it; a prompt that has both names keeps both."""
    kind = "ADE_AnimateDiffLoRALoader"
    posted = {"prompt": {"1": {"class_type": kind, "inputs": {"lora_name": "a", "strength": 1}}}}
    given: Any = completed(posted)
    assert given["prompt"]["1"]["inputs"] == {"name": "a", "strength": 1}
    both = {"prompt": {"1": {"class_type": kind, "inputs": {"lora_name": "a", "name": "b"}}}}
    assert completed(both) is both


@pytest.mark.parametrize("posted", [{}, {"prompt": None}, {"prompt": [1]}, {"prompt": {"1": 2}}])
def test_other_things_that_are_posted_are_left_alone(posted: dict[str, Any]) -> None:
    assert completed(posted) is posted


@EVERY_ONE
@pytest.mark.skipif(not can_replace(), reason="this ComfyUI replaces no nodes")
def test_core_takes_it(one: Replacement) -> None:
    told = as_core_has_it(one).as_dict()
    assert told["old_node_id"] == one.old and told["new_node_id"] == one.new
    assert {entry["old_id"] for entry in told["input_mapping"]} == set(one.inputs)
