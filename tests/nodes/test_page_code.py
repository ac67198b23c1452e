"""The code that runs in the page, in Node.js: what of it needs no page."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from adk_tests.support.folders import register_folders
from animatediff_kit.launcher.workflow import BEFORE_THE_WIDGET
from animatediff_kit.nodes import NODES
from animatediff_kit.nodes.animate import Animate
from animatediff_kit.nodes.training.camera import MoveCamera
from animatediff_kit.nodes.training.clips import LoadVideoClips
from animatediff_kit.nodes.training.settings import TrainingSettingsNode
from comfy_api.latest import io

WEB = Path(__file__).resolve().parents[2] / "web"
NODE = shutil.which("node")
SEEDS = (TrainingSettingsNode, MoveCamera, LoadVideoClips)

pytestmark = pytest.mark.skipif(NODE is None, reason="no Node.js is installed to run the code")


def page_says(file: str, call: str) -> Any:
    """What an expression with the exports of a file of web/, as `m`, gives."""
    code = (
        f"import * as m from {json.dumps((WEB / file).as_uri())};"
        f"console.log(JSON.stringify({call}));"
    )
    command = [str(NODE), "--input-type=module", "-e", code]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_ours_are_offered_behind_the_reroute() -> None:
    offered = {"MODEL": ["Reroute", "KSampler", "ADK_Animate"]}
    ours = {"MODEL": ["ADK_Animate"], "NEW": ["ADK_Animate"]}
    call = f"(o => (m.offerFirst(o, {json.dumps(ours)}), o))({json.dumps(offered)})"
    assert page_says("node_looks.js", call) == {
        "MODEL": ["Reroute", "ADK_Animate", "KSampler"],
        "NEW": ["ADK_Animate"],
    }


def test_a_new_node_is_coloured_and_a_saved_one_as_it_was() -> None:
    colour = (
        "(saved => {const n = {}; m.colour(n); if (saved) n.onConfigure(saved); return n.color;})"
    )
    assert page_says("node_looks.js", f"{colour}(null)").startswith("#")
    assert page_says("node_looks.js", f"{colour}({{}}) ?? null") is None
    own = "(() => {const n = {}; m.colour(n); n.color = 'red'; n.onConfigure({color: 'red'});"
    assert page_says("node_looks.js", f"{own} return n.color;}})()") == "red"


def test_every_node_that_is_offered_is_there() -> None:
    text = (WEB / "nodes.js").read_text(encoding="utf-8")
    register_folders()
    ids = {node.GET_SCHEMA().node_id for node in NODES}
    named = {part for part in text.split('"') if part.startswith("ADK_") and part != "ADK_"}
    named -= {"ADK_MOTION_MODEL"}
    assert named and {name.removesuffix("_") for name in named} <= ids


def widget_names(node: type[io.ComfyNode]) -> list[str]:
    return [i.id for i in node.GET_SCHEMA().inputs if isinstance(i, io.WidgetInput)]


@pytest.mark.parametrize("node", SEEDS)
def test_no_control_changes_a_seed_that_is_no_samplers(node: type[io.ComfyNode]) -> None:
    required = node.GET_NODE_INFO_V1()["input"]["required"]
    assert required["seed"][1]["control_after_generate"] is False
    assert node.GET_SCHEMA().node_id in page_says("saved_seeds.js", "m.NODES")


@pytest.mark.parametrize("node", SEEDS)
@pytest.mark.parametrize("control", ["fixed", "randomize", "increment"])
def test_a_graph_saved_with_the_control_opens_right(node: type[io.ComfyNode], control: str) -> None:
    names = widget_names(node)
    values = list(range(len(names)))
    place = names.index("seed") + 1
    old = [*values[:place], control, *values[place:]]
    for saved in (old, values):
        call = f"m.withoutControl({json.dumps(saved)}, {json.dumps(names)})"
        assert page_says("saved_seeds.js", call) == values
    named = {name: 1 for name in names}
    call = f"m.withoutControl({json.dumps(named)}, {json.dumps(names)})"
    assert page_says("saved_seeds.js", call) == named


def opened(saved: Any, *, pad: bool = True) -> Any:
    """`widgets_values` of Animate Model as they go to the widgets, which show 0, 1, 2 ... so far;
    `pad`: with widgets before and behind them that are not saved."""
    shown: list[Any] = [{"name": name, "value": i} for i, name in enumerate(widget_names(Animate))]
    if pad:
        unsaved = {"name": "arrows", "value": "", "serialize": False}
        shown = [unsaved, *shown, unsaved]
    given = "undefined" if saved is None else json.dumps(saved)
    call = f"m.withSchedule({given}, {json.dumps(shown)}) ?? null"
    return page_says("saved_schedule.js", call)


OLD = ["a", "none", 1, 1, 16, 4, "automatic"]


def test_a_graph_without_a_schedule_keeps_static_windows() -> None:
    names = widget_names(Animate)
    assert names[-2:] == ["preview", "context_schedule"]
    assert opened([*OLD, False]) == [*OLD, False, "standard_static"]
    assert opened(OLD) == [*OLD, 7, "standard_static"], "0.1.0 had no preview"
    assert opened(OLD, pad=False) == [*OLD, 7, "standard_static"]
    assert opened(None) == [*range(8), "standard_static"]
    assert opened([*OLD, False, None]) == [*OLD, False, "standard_static"]
    assert opened([*OLD, False, "theirs"]) == [*OLD, False, "theirs"], "nobody else's stands there"
    assert opened({"preview": False}) == {"preview": False, "context_schedule": "standard_static"}


def test_a_widget_of_another_pack_keeps_its_value() -> None:
    """It stood behind preview before, and stands behind context_schedule now."""
    schedules = {"values": ["shifted", "standard_static"]}
    ours: list[dict[str, Any]] = [{"name": name, "value": 0} for name in widget_names(Animate)]
    ours[-1]["options"] = schedules
    shown = json.dumps([*ours, {"name": "theirs", "value": "new"}])
    for saved in ([*OLD, True, "theirs"], [*OLD, True, "shifted", "theirs"]):
        expected = saved if "shifted" in saved else [*OLD, True, "standard_static", "theirs"]
        call = f"m.withSchedule({json.dumps(saved)}, {shown})"
        assert page_says("saved_schedule.js", call) == expected


@pytest.mark.parametrize("schedule", ["shifted", "standard_static", "views"])
def test_a_graph_with_a_schedule_opens_as_it_was_saved(schedule: str) -> None:
    saved = [*OLD, True, schedule]
    assert opened(saved) == saved
    assert opened({"context_schedule": schedule}) == {"context_schedule": schedule}


def test_the_page_and_the_launcher_keep_the_same() -> None:
    """And it is what a prompt of the API that does not name it computes with."""
    node, widget, before = page_says("saved_schedule.js", "[m.NODE, m.WIDGET, m.BEFORE]")
    assert BEFORE_THE_WIDGET == {(node, widget): before}
    assert node == Animate.GET_SCHEMA().node_id
    parameters = inspect.signature(Animate.execute).parameters
    assert parameters[widget].default == before


def test_results_are_shown_for_the_graph_that_gave_them() -> None:
    prompt = {"5": {"class_type": "KSampler"}, "9": {"class_type": "SaveVideo"}}
    outputs = {"9": {"images": [{"filename": "a.mp4"}]}}
    entry = {"prompt": [1, "id", prompt], "outputs": outputs}
    nodes = [
        {"id": 5, "type": "KSampler"},
        {"id": 9, "type": "SaveVideo"},
        {"id": 7, "type": "Note"},
    ]

    def shown(nodes: list[dict[str, Any]], entry: dict[str, Any] | None) -> Any:
        call = f"m.resultsFor({json.dumps({'nodes': nodes})}, {json.dumps(entry)} ?? undefined)"
        return page_says("last_results.js", call)

    whole = {"node": "9", "display_node": "9", "output": outputs["9"], "prompt_id": "id"}
    assert shown(nodes, entry) == [whole]
    assert shown(nodes, None) == []
    assert shown([*nodes[1:], {"id": 5, "type": "SaveVideo"}], entry) == []
    assert shown(nodes[1:], entry) == [], "one of its nodes is not there"
    inner = {
        "prompt": [1, "id", {**prompt, "7:2": {"class_type": "VAEDecode"}}],
        "outputs": outputs,
    }
    assert shown(nodes, inner) == [whole]
    assert shown(nodes[:2], inner) == []
