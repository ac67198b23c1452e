"""The old ids, against what AnimateDiff-Evolved says of them."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from adk_tests.nodes.evolved.facts import BETAS, FACTS, FILE, FIRST, LIST, SOCKET
from animatediff_kit.motion_models.folders import register_folders
from animatediff_kit.motion_models.specs import BETA_SCHEDULES
from animatediff_kit.nodes.evolved import OLD_NODES
from animatediff_kit.nodes.evolved import inputs as old_inputs
from animatediff_kit.nodes.evolved.old_node import node_of

register_folders()
INFO = {name: node_of(old).GET_NODE_INFO_V1() for name, old in OLD_NODES.items()}


def test_every_id_that_occurs_in_public_graphs() -> None:
    assert set(OLD_NODES) == set(FACTS) and len(FACTS) == 32


def described(entry: Any) -> tuple[str, Any]:
    """(type, options of the input) as /object_info has them, in the old way or the new."""
    kind, *more = entry
    extra = more[0] if more else {}
    return ("COMBO", {"options": kind, **extra}) if isinstance(kind, list) else (kind, extra)


@pytest.mark.parametrize("name", FACTS)
def test_names_order_types_and_defaults(name: str) -> None:
    for group, facts in zip(("required", "optional"), FACTS[name], strict=False):
        shown = INFO[name]["input"].get(group, {})
        assert list(shown) == [fact[0] for fact in facts]
        assert INFO[name]["input_order"].get(group, []) == list(shown)
        for input_name, kind, default in facts:
            is_kind, extra = described(shown[input_name])
            assert is_kind == kind, input_name
            if default is SOCKET:
                assert "default" not in extra, input_name
            elif default is LIST:
                assert extra["options"][0] == FIRST[input_name] and "default" not in extra
            elif default is not FILE:
                assert extra["default"] == default, input_name
                assert type(extra["default"]) is type(default), input_name
    outputs = FACTS[name][2]
    assert INFO[name]["output"] == [kind for kind, _ in outputs]
    assert INFO[name]["output_name"] == [shown for _, shown in outputs]


@pytest.mark.parametrize("name", FACTS)
def test_it_is_offered_nowhere(name: str) -> None:
    assert INFO[name]["deprecated"] is True
    assert INFO[name]["category"].startswith("AnimateDiff Kit/")


def test_seed_override_is_a_socket_alone() -> None:
    extra = INFO["ADE_AnimateDiffSamplingSettings"]["input"]["optional"]["seed_override"][1]
    assert extra["forceInput"] is True


def test_the_noise_schedules() -> None:
    assert list(old_inputs.BETAS) == ["autoselect", "use existing", *BETAS]
    assert old_inputs.ACTIVE == BETAS
    ours = {name for name in old_inputs.BETAS.values() if name is not None}
    assert ours <= set(BETA_SCHEDULES)


FUNCTION_DEFAULTS = {
    # where what a prompt leaves out is another than the widget's default
    ("ADE_AnimateDiffLoaderWithContext", "apply_v2_models_properly"): False,
    ("ADE_LoopedUniformContextOptions", "fuse_method"): "flat",
    ("ADE_StandardStaticViewOptions", "fuse_method"): "flat",
    ("ADE_AnimateDiffSamplingSettings", "seed_override"): None,
}


@pytest.mark.parametrize("name", FACTS)
def test_what_a_prompt_may_leave_out(name: str) -> None:
    """Each optional input has the default of the old function, and unknown ones are taken."""
    parameters = inspect.signature(OLD_NODES[name].run).parameters
    assert list(parameters.values())[-1].kind is inspect.Parameter.VAR_KEYWORD
    for input_name, _, default in FACTS[name][1]:
        expected = FUNCTION_DEFAULTS.get((name, input_name), FIRST.get(input_name, default))
        if default is not LIST and (name, input_name) not in FUNCTION_DEFAULTS:
            expected = default
        if input_name in parameters and default is not SOCKET:
            assert parameters[input_name].default == expected, input_name
