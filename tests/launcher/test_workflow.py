"""The page's saved format to the API format, on small graphs whose answer is plain to see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.launcher import LauncherError, workflow

INFO: dict[str, Any] = {
    "Loader": {"input": {"required": {"name": [["a.ckpt", "b.ckpt"]]}}},
    "Encode": {
        "input": {"required": {"text": ["STRING", {"multiline": True}], "clip": ["CLIP"]}},
        "input_order": {"required": ["text", "clip"]},
    },
    "Sampler": {
        "input": {
            "required": {
                "model": ["MODEL", {}],
                "seed": ["INT", {"default": 0, "control_after_generate": True}],
                "steps": ["INT", {"default": 20}],
                "kind": ["COMBO", {"options": ["euler", "heun"]}],
                "cond": ["COND"],
            },
            "optional": {"shift": ["FLOAT", {"default": 1.5}], "mask": ["MASK"]},
        },
    },
    "Tune": {"input": {"required": {"model": ["MODEL"], "amount": ["FLOAT", {"default": 1.0}]}}},
    "LoadImage": {
        "input": {
            "required": {"image": [["x.png"], {"image_upload": True}]},
            "optional": {"scale": ["INT", {"default": 1}]},
        }
    },
    "Forced": {"input": {"required": {"value": ["INT", {"forceInput": True}], "n": ["INT"]}}},
}


def node(
    key: int, kind: str, values: Any = None, inputs: Any = (), outputs: Any = (), mode: int = 0
) -> dict[str, Any]:
    """A saved node; `inputs`: (name, type, link id), `outputs`: types."""
    return {
        "id": key,
        "type": kind,
        "mode": mode,
        "inputs": [{"name": name, "type": type_, "link": link} for name, type_, link in inputs],
        "outputs": [{"name": type_.lower(), "type": type_} for type_ in outputs],
        "widgets_values": values if values is not None else [],
    }


def saved(*nodes: dict[str, Any], links: Any = (), subgraphs: Any = ()) -> dict[str, Any]:
    """`links`: (id, origin, slot, target, slot, type)."""
    graph = {"nodes": list(nodes), "links": [list(link) for link in links], "version": 0.4}
    return {**graph, "definitions": {"subgraphs": list(subgraphs)}} if subgraphs else graph


def convert(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    prompt = workflow.to_prompt(content, INFO)
    return {key: entry["inputs"] for key, entry in prompt.items()}


def test_widget_values_go_by_position_past_links_and_seed_controls() -> None:
    sampler = node(2, "Sampler", [7, "randomize", 12, "heun", 2.5], [("model", "MODEL", 1)])
    content = saved(
        node(1, "Loader", ["b.ckpt"], outputs=["MODEL"]), sampler, links=[(1, 1, 0, 2, 0, "MODEL")]
    )
    assert convert(content) == {
        "1": {"name": "b.ckpt"},
        "2": {"model": ["1", 0], "seed": 7, "steps": 12, "kind": "heun", "shift": 2.5},
    }
    assert workflow.to_prompt(content, INFO)["2"]["class_type"] == "Sampler"


def test_a_file_from_before_seed_controls_and_newer_widgets_takes_defaults() -> None:
    inputs = convert(saved(node(2, "Sampler", [7, 12])))["2"]
    assert inputs == {"seed": 7, "steps": 12, "kind": "euler", "shift": 1.5}


@pytest.mark.parametrize("values", [["m", 16, True], ["m", 16], []])
def test_a_file_from_before_schedules_keeps_static_windows(values: list[Any]) -> None:
    told = {"options": ["standard_static", "shifted"], "default": "shifted"}
    animate = {
        "required": {"motion_model": [["m"]], "context_length": ["INT", {"default": 16}]},
        "optional": {
            "preview": ["BOOLEAN", {"default": True}],
            "context_schedule": ["COMBO", told],
        },
    }
    info = {**INFO, "ADK_Animate": {"input": animate}}
    old = workflow.to_prompt(saved(node(2, "ADK_Animate", values)), info)["2"]["inputs"]
    named = {"motion_model": "m", "context_length": 16, "preview": True}
    assert old == {**named, "context_schedule": "standard_static"}
    new = saved(node(2, "ADK_Animate", ["m", 16, True, "shifted"]))
    assert workflow.to_prompt(new, info)["2"]["inputs"] == {**named, "context_schedule": "shifted"}
    by_name = saved(node(2, "ADK_Animate", {"motion_model": "m"}))
    assert "context_schedule" not in workflow.to_prompt(by_name, info)["2"]["inputs"]


def test_values_by_name_an_upload_button_and_forced_sockets() -> None:
    named = node(1, "Sampler", {"seed": 3, "steps": 4, "videopreview": {"hidden": False}})
    image = node(2, "LoadImage", ["x.png", "image", 8])
    forced = node(3, "Forced", [5], [("value", "INT", None)])
    found = convert(saved(named, image, forced))
    assert found["1"] == {"seed": 3, "steps": 4}
    assert found["2"] == {"image": "x.png", "scale": 8}
    assert found["3"] == {"n": 5}


def test_a_linked_widget_takes_the_link_and_keeps_the_places_of_the_others() -> None:
    primitive = node(9, "PrimitiveNode", [30, "fixed"], outputs=["INT"])
    sampler = node(2, "Sampler", [7, "fixed", 12, "heun", 2.5], [("steps", "INT", 4)])
    found = convert(saved(primitive, sampler, links=[(4, 9, 0, 2, 0, "INT")]))
    assert found == {"2": {"seed": 7, "steps": 30, "kind": "heun", "shift": 2.5}}


def test_reroutes_notes_and_bypassed_nodes_are_followed_through() -> None:
    content = saved(
        node(1, "Loader", ["a.ckpt"], outputs=["MODEL"]),
        node(2, "Reroute", inputs=[("", "*", 1)], outputs=["MODEL"]),
        node(3, "Tune", [0.5], [("model", "MODEL", 2)], ["MODEL"], mode=4),
        node(4, "Tune", [2.0], [("model", "MODEL", 3)], ["MODEL"]),
        node(5, "Note", ["read me"]),
        node(6, "MarkdownNote", ["# read me"]),
        links=[(1, 1, 0, 2, 0, "*"), (2, 2, 0, 3, 0, "MODEL"), (3, 3, 0, 4, 0, "MODEL")],
    )
    assert convert(content) == {
        "1": {"name": "a.ckpt"},
        "4": {"model": ["1", 0], "amount": 2.0},
    }


def test_a_bypassed_node_hands_on_by_place_and_then_by_type() -> None:
    merge = node(3, "Merge", [], [("mask", "MASK", 5), ("b", "MODEL", 2)], ["MODEL"], mode=4)
    content = saved(
        node(1, "Loader", ["a.ckpt"], outputs=["MODEL"]),
        merge,
        node(4, "Tune", [2.0], [("model", "MODEL", 3)]),
        links=[(2, 1, 0, 3, 1, "MODEL"), (3, 3, 0, 4, 0, "MODEL"), (5, 1, 1, 3, 0, "MASK")],
    )
    assert convert(content)["4"] == {"model": ["1", 0], "amount": 2.0}


def test_a_muted_node_goes_with_the_links_from_it() -> None:
    content = saved(
        node(1, "Loader", ["a.ckpt"], outputs=["MODEL"], mode=2),
        node(4, "Tune", [2.0], [("model", "MODEL", 1)]),
        links=[(1, 1, 0, 4, 0, "MODEL")],
    )
    assert convert(content) == {"4": {"amount": 2.0}}


def test_a_link_from_a_deleted_node_is_none() -> None:
    tune = node(4, "Tune", [2.0], [("model", "MODEL", 1)])
    assert convert(saved(tune, links=[(1, 99, 0, 4, 0, "MODEL")])) == {"4": {"amount": 2.0}}


def subgraph(key: str, nodes: list[Any], links: list[Any], inputs: list[Any]) -> dict[str, Any]:
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return {
        "id": key,
        "nodes": nodes,
        "links": [dict(zip(names, link, strict=True)) for link in links],
        "inputs": [{"name": name, "type": type_} for name, type_ in inputs],
        "outputs": [{"name": "out", "type": "MODEL"}],
    }


def test_subgraphs_are_opened_at_any_depth_with_their_promoted_widgets() -> None:
    inner = subgraph(
        "inner",
        [node(3, "Tune", [1.0], [("model", "MODEL", 1), ("amount", "FLOAT", 3)], ["MODEL"])],
        [(1, -10, 0, 3, 0, "MODEL"), (2, 3, 0, -20, 0, "MODEL"), (3, -10, 1, 3, 1, "FLOAT")],
        [("model", "MODEL"), ("amount", "FLOAT")],
    )
    use = node(5, "inner", [9.0], [("model", "MODEL", 1), ("amount", "FLOAT", None)], ["MODEL"])
    use["properties"] = {"proxyWidgets": [["-1", "amount"]]}
    plain = node(6, "Tune", [1.0], [("model", "MODEL", 2)], ["MODEL"])
    outer = subgraph(
        "outer",
        [use, plain],
        [(1, -10, 0, 5, 0, "MODEL"), (2, 5, 0, 6, 0, "MODEL"), (3, 6, 0, -20, 0, "MODEL")],
        [("model", "MODEL")],
    )
    top = node(7, "outer", [4.0], [("model", "MODEL", 1)], ["MODEL"])
    top["properties"] = {"proxyWidgets": [["6", "amount"]]}
    content = saved(
        node(1, "Loader", ["a.ckpt"], outputs=["MODEL"]),
        top,
        node(8, "Tune", [2.0], [("model", "MODEL", 2)]),
        links=[(1, 1, 0, 7, 0, "MODEL"), (2, 7, 0, 8, 0, "MODEL")],
        subgraphs=[inner, outer],
    )
    assert convert(content) == {
        "1": {"name": "a.ckpt"},
        "7:5:3": {"model": ["1", 0], "amount": 9.0},
        "7:6": {"model": ["7:5:3", 0], "amount": 4.0},
        "8": {"model": ["7:6", 0], "amount": 2.0},
    }


def test_a_subgraph_may_stand_before_the_one_that_feeds_it() -> None:
    definition = subgraph(
        "sub",
        [node(3, "Tune", [1.0], [("model", "MODEL", 1)], ["MODEL"])],
        [(1, -10, 0, 3, 0, "MODEL"), (2, 3, 0, -20, 0, "MODEL")],
        [("model", "MODEL")],
    )
    content = saved(
        node(9, "sub", [], [("model", "MODEL", 2)], ["MODEL"]),
        node(7, "sub", [], [("model", "MODEL", 1)], ["MODEL"]),
        node(1, "Loader", ["a.ckpt"], outputs=["MODEL"]),
        links=[(1, 1, 0, 7, 0, "MODEL"), (2, 7, 0, 9, 0, "MODEL")],
        subgraphs=[definition],
    )
    found = convert(content)
    assert found["9:3"]["model"] == ["7:3", 0] and found["7:3"]["model"] == ["1", 0]


def test_a_bypassed_subgraph_hands_its_input_on() -> None:
    definition = subgraph("sub", [node(3, "Tune", [1.0])], [], [("model", "MODEL")])
    content = saved(
        node(1, "Loader", ["a.ckpt"], outputs=["MODEL"]),
        node(7, "sub", [], [("model", "MODEL", 1)], ["MODEL"], mode=4),
        node(8, "Tune", [2.0], [("model", "MODEL", 2)]),
        links=[(1, 1, 0, 7, 0, "MODEL"), (2, 7, 0, 8, 0, "MODEL")],
        subgraphs=[definition],
    )
    assert convert(content)["8"] == {"model": ["1", 0], "amount": 2.0}
    assert set(convert(content)) == {"1", "8"}


def test_promoted_values_of_a_newer_page_are_those_of_the_inputs_with_a_widget() -> None:
    definition = subgraph(
        "sub",
        [node(3, "Tune", [1.0], [("model", "MODEL", 1), ("amount", "FLOAT", 2)], ["MODEL"])],
        [(1, -10, 0, 3, 0, "MODEL"), (2, -10, 1, 3, 1, "FLOAT")],
        [("model", "MODEL"), ("how much", "FLOAT")],
    )
    use = node(7, "sub", [9.0], [("model", "MODEL", None), ("how much", "FLOAT", None)])
    use["inputs"][1]["widget"] = {"name": "how much"}
    assert convert(saved(use, subgraphs=[definition])) == {"7:3": {"amount": 9.0}}


def test_promoted_values_without_names_are_refused() -> None:
    definition = subgraph("sub", [node(3, "Tune", [1.0])], [], [])
    content = saved(node(7, "sub", [1, 2]), subgraphs=[definition])
    with pytest.raises(LauncherError, match="7 carries 2 widget values and names 0.*API format"):
        convert(content)


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(LauncherError, match=r"no class for node 3 \(Elsewhere\); install the pack"):
        convert(saved(node(3, "Elsewhere")))


def test_a_choice_brings_its_own_widgets_under_its_name() -> None:
    codec = {
        "options": [
            {"key": "auto", "inputs": {"required": {}}},
            {"key": "h264", "inputs": {"optional": {"crf": ["FLOAT", {"default": 23.0}]}}},
        ]
    }
    mp4 = {"required": {"codec": ["COMFY_DYNAMICCOMBO_V3", codec]}}
    formats = [{"key": "gif", "inputs": {"required": {}}}, {"key": "mp4", "inputs": mp4}]
    required = {
        "format": ["COMFY_DYNAMICCOMBO_V3", {"options": formats}],
        "name": ["STRING", {"default": "video"}],
    }
    info = {"Save": {"input": {"required": required}}}

    def inputs(*values: Any) -> dict[str, Any]:
        return workflow.to_prompt(saved(node(2, "Save", list(values))), info)["2"]["inputs"]

    assert inputs("mp4", "h264", 30.0, "mine") == {
        "format": "mp4",
        "format.codec": "h264",
        "format.codec.crf": 30.0,
        "name": "mine",
    }
    assert inputs("gif", "mine") == {"format": "gif", "name": "mine"}
    assert inputs() == {"format": "gif", "name": "video"}


def test_growing_sockets_are_linked_by_name_and_growing_widgets_refused() -> None:
    def info(kind: str) -> dict[str, Any]:
        grown = {"template": {"input": {"required": {"item": [kind, {}]}}, "prefix": "item"}}
        return {"Grow": {"input": {"required": {"items": ["COMFY_AUTOGROW_V3", grown]}}}}

    loader = node(1, "Loader", ["a.ckpt"], outputs=["MODEL"])
    grow = node(2, "Grow", [], [("items.item0", "MODEL", 1)])
    content = saved(loader, grow, links=[(1, 1, 0, 2, 0, "MODEL")])
    prompt = workflow.to_prompt(content, {**INFO, **info("MODEL")})
    assert prompt["2"]["inputs"] == {"items.item0": ["1", 0]}
    with pytest.raises(LauncherError, match=r"Node 2 \(Grow\) has widgets that grow in number"):
        workflow.to_prompt(content, {**INFO, **info("STRING")})


def test_the_api_format_is_taken_as_it_is() -> None:
    prompt = {"1": {"class_type": "Loader", "inputs": {"name": "a.ckpt"}}}
    assert workflow.to_prompt(prompt, {}) == prompt


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not JSON"), ("[]", "holds no workflow"), ('{"a": {}}', "holds no workflow")],
)
def test_a_file_that_is_no_workflow_is_told(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "graph.json"
    file.write_text(text)
    with pytest.raises(LauncherError, match=message):
        workflow.load(file)
    with pytest.raises(LauncherError, match="cannot be read"):
        workflow.load(tmp_path / "absent.json")


EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "example_workflows").glob("*.json"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_workflows_are_whole_graphs(example: Path) -> None:
    content = workflow.load(example)
    nodes = {entry["id"]: entry for entry in content["nodes"]}
    for key, origin, out, target, into, kind in json.loads(json.dumps(content["links"])):
        assert nodes[origin]["outputs"][out]["type"] == kind
        assert key in nodes[origin]["outputs"][out]["links"]
        assert nodes[target]["inputs"][into]["link"] == key


def test_nodes_of_the_page_alone_are_left_out_where_nothing_hangs_on_them() -> None:
    """Labels and switches of other packs, whose classes no server has."""
    content = saved(
        node(1, "Loader", ["a.ckpt"], outputs=["MODEL"]),
        node(2, "Tune", [0.5], [("model", "MODEL", 1)], ["MODEL"]),
        node(3, "Label (rgthree)", []),
        node(4, "Fast Groups Bypasser (rgthree)", None, [("", "*", None)], ["*"]),
        links=[(1, 1, 0, 2, 0, "MODEL")],
    )
    assert set(convert(content)) == {"1", "2"}


@pytest.mark.parametrize(
    ("links", "kind"),
    [
        ([(1, 1, 0, 3, 0, "MODEL")], "SaveAll"),  # something comes to it
        ([(1, 3, 0, 2, 0, "MODEL")], "GetNode"),  # something hangs on it
    ],
)
def test_an_unknown_node_at_an_end_of_a_link_is_told_by_name(links: Any, kind: str) -> None:
    ends = [None, 1] if links[0][3] == 2 else [1, None]
    content = saved(
        node(1, "Loader", ["a.ckpt"], outputs=["MODEL"]),
        node(2, "Tune", [0.5], [("model", "MODEL", ends[1])], ["MODEL"]),
        node(3, kind, None, [("model", "MODEL", ends[0])], ["MODEL"]),
        links=links,
    )
    told = rf"^This ComfyUI has no class for node 3 \({kind}\); install the pack that brings it, or"
    with pytest.raises(LauncherError, match=told):
        convert(content)
