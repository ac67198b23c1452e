"""The nodes' public contract, which shared workflow files hold for years, and their manners."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import re
from types import SimpleNamespace
from typing import Any

import pytest
from adk_tests.nodes.contract import (
    COMBO,
    FILE,
    FLOAT,
    FOLDED,
    INPUTS,
    LEFT_OUT,
    OPTIONAL,
    OUTPUTS,
)
from adk_tests.support.folders import register_folders
from animatediff_kit.motion_models.specs import BETA_SCHEDULES, FAMILIES
from animatediff_kit.nodes import NODES, AnimateDiffKit
from animatediff_kit.nodes import schema as schemas
from animatediff_kit.nodes.evolved import OLD_NODES
from animatediff_kit.nodes.training.settings import TrainingSettingsNode
from animatediff_kit.nodes.windows import ContextWindows, PreviewWindows
from animatediff_kit.sampling.windows import WindowSettings
from animatediff_kit.training.engine.config import BY_STAGE, TrainingSettings
from comfy_api.latest import io

register_folders()  # schemas list the files in them
EVERY_NODE = pytest.mark.parametrize("node", NODES, ids=lambda node: node.__name__)


HANDED_ON: dict[Any, Any] = {
    # nodes that hand inputs on by name -> the settings that have them, with their defaults
    TrainingSettingsNode: TrainingSettings,
    ContextWindows: WindowSettings,
    PreviewWindows: WindowSettings,
}


def is_widget(given: Any) -> bool:
    return isinstance(given, io.WidgetInput)


def test_comfyui_is_given_every_node_once() -> None:
    listed = asyncio.run(AnimateDiffKit().get_node_list())
    ids = [node.GET_SCHEMA().node_id for node in listed]
    own = [name for name in ids if name not in OLD_NODES]
    assert sorted(own) == sorted(INPUTS) == sorted(OUTPUTS)
    assert sorted(ids) == sorted((*INPUTS, *OLD_NODES))


@EVERY_NODE
def test_inputs_and_outputs_are_the_contracts(node: type[io.ComfyNode]) -> None:
    """Inputs may follow those named here; none may come before or between them."""
    schema = node.GET_SCHEMA()
    contract = INPUTS[schema.node_id]
    given = schema.inputs[: len(contract)]
    assert [(i.id, i.get_io_type()) for i in given] == [(name, kind) for name, kind, _ in contract]
    for widget, (name, _, default) in zip(given, contract, strict=True):
        if default is FILE:
            assert widget.default == widget.options[0], name
        elif default is not None:
            assert widget.default == default and type(widget.default) is type(default), name
        assert is_widget(widget) is (default is not None), name
        assert widget.optional is (name in OPTIONAL.get(schema.node_id, ())), name
    assert [output.get_io_type() for output in schema.outputs] == OUTPUTS[schema.node_id]


@EVERY_NODE
def test_a_node_that_reads_files_tells_of_their_state(node: type[io.ComfyNode]) -> None:
    """Else ComfyUI gives what it kept where another file has the name."""
    reads = any(default is FILE for _, _, default in INPUTS[node.GET_SCHEMA().node_id])
    assert not reads or "fingerprint_inputs" in vars(node)


@EVERY_NODE
def test_the_schema_is_valid_here(node: type[io.ComfyNode]) -> None:
    """What ComfyUI asks of a node before it lists it, and what it sends to the page."""
    schema = node.GET_SCHEMA()
    schema.validate()
    info = node.GET_NODE_INFO_V1()
    assert info["name"] == schema.node_id
    shown = {kind: names for kind, names in info["input"].items() if kind != "hidden"}
    assert [name for names in shown.values() for name in names] == [
        given.id for given in schema.inputs
    ]


@EVERY_NODE
def test_every_input_is_explained(node: type[io.ComfyNode]) -> None:
    for given in node.GET_SCHEMA().inputs:
        assert given.tooltip and given.tooltip.endswith("."), given.id
        if is_widget(given):
            assert given.default is not None, given.id


@EVERY_NODE
def test_every_output_is_explained(node: type[io.ComfyNode]) -> None:
    """Both in the schema and in what ComfyUI sends to the page."""
    tooltips = node.GET_NODE_INFO_V1()["output_tooltips"]
    for output, shown in zip(node.GET_SCHEMA().outputs, tooltips, strict=True):
        assert output.tooltip == shown and shown.endswith("."), output.id


@EVERY_NODE
def test_ids_are_unique(node: type[io.ComfyNode]) -> None:
    schema = node.GET_SCHEMA()
    ids = [part.id for part in (*schema.inputs, *schema.outputs)]
    assert all(ids) and len(set(ids)) == len(ids), ids


@EVERY_NODE
def test_names(node: type[io.ComfyNode]) -> None:
    schema = node.GET_SCHEMA()
    assert re.fullmatch(r"ADK_[A-Za-z]+", schema.node_id)
    words = r"[A-Za-z]+( [A-Za-z]+){1,3}"
    assert re.fullmatch(
        rf"{words}( \((AnimateDiff|FreeNoise|FreeInit|CFG|CameraCtrl)\))?", schema.display_name
    )
    assert schema.category.split("/")[0] == "AnimateDiff Kit"
    assert schema.category.count("/") <= 1
    assert schema.description and schema.description.endswith(".")


@dataclasses.dataclass
class SchemaWithAliases(io.Schema):
    """That of ComfyUI 0.11 and newer, on any."""

    search_aliases: list[str] = dataclasses.field(default_factory=list)


PEOPLE_LOOK_FOR = {
    "ADK_Animate",
    "ADK_LoadMotionModel",
    "ADK_ApplyMotionModel",
    "ADK_LoadMotionLoRA",
}


@EVERY_NODE
def test_a_search_for_animatediff_finds_it(
    node: type[io.ComfyNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its alias; the nodes that a graph begins with by their names, since a ComfyUI before 0.11
    has no aliases."""
    newer = SimpleNamespace(**vars(io) | {"Schema": SchemaWithAliases})
    monkeypatch.setattr(schemas, "io", newer)
    schema = node.define_schema()
    assert isinstance(schema, SchemaWithAliases) and "animatediff" in schema.search_aliases
    assert schema.node_id not in PEOPLE_LOOK_FOR or "(AnimateDiff)" in schema.display_name


@EVERY_NODE
def test_defaults_can_be_chosen(node: type[io.ComfyNode]) -> None:
    for given in node.GET_SCHEMA().inputs:
        if given.get_io_type() == COMBO:
            assert given.default in given.options, given.id
            assert len(set(given.options)) == len(given.options), given.id
        elif given.get_io_type() == FLOAT and is_widget(given):
            assert given.min <= given.default <= given.max and given.step > 0, given.id


@EVERY_NODE
def test_execute_takes_the_inputs_with_their_defaults(node: type[io.ComfyNode]) -> None:
    """A prompt sent over the API may leave out a widget that the schema gives a default."""
    known = {
        name: parameter.default
        for name, parameter in inspect.signature(node.execute).parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    handed_on = HANDED_ON.get(node)
    if handed_on is not None:
        known |= {field.name: field.default for field in dataclasses.fields(handed_on)}
    schema = node.GET_SCHEMA()
    given = {given.id: getattr(given, "default", None) for given in schema.inputs}
    if handed_on is TrainingSettings:  # a new node's; as it is required, no prompt leaves it out
        assert not next(i for i in schema.inputs if i.id == "ema").optional
        assert given.pop("ema") == BY_STAGE
        known.pop("ema")
    assert given.keys() <= known.keys()
    if handed_on is not TrainingSettings:
        assert given.keys() == known.keys()
    given |= LEFT_OUT.get(schema.node_id, {})
    for name, default in given.items():
        if known[name] is not inspect.Parameter.empty:
            assert default == known[name], name


def test_choices_come_from_the_tables() -> None:
    choices = {
        (node.GET_SCHEMA().node_id, given.id): given.options
        for node in NODES
        for given in node.GET_SCHEMA().inputs
        if given.get_io_type() == COMBO
    }
    assert choices["ADK_LoadMotionModel", "family"] == ["automatic", *FAMILIES]
    assert choices["ADK_ApplyMotionModel", "beta_schedule"] == ["automatic", *BETA_SCHEDULES]


@EVERY_NODE
def test_what_people_seldom_need_is_folded_away(node: type[io.ComfyNode]) -> None:
    schema = node.GET_SCHEMA()
    rare = FOLDED.get(schema.node_id, set())
    for given in schema.inputs:
        if hasattr(given, "advanced"):
            assert bool(given.advanced) is (given.id in rare), given.id
