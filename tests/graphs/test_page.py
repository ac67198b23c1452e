"""Nodes of a page: their sockets, values, links and models, and what is told of mistakes."""

from __future__ import annotations

from typing import Any

import pytest
from animatediff_kit.graphs.kinds import kind_of
from animatediff_kit.graphs.layout import Group, height
from animatediff_kit.graphs.page import Page
from animatediff_kit.graphs.saved import workflow

INFO: dict[str, Any] = {
    "Load": {
        "input": {"required": {"file": [["a.safetensors", "b.safetensors"]]}},
        "output": ["MODEL", "VAE"],
        "output_name": ["model", "vae"],
    },
    "Sample": {
        "input": {
            "required": {
                "model": ["MODEL"],
                "seed": ["INT", {"default": 3, "control_after_generate": True}],
                "text": ["STRING", {"default": "", "multiline": True}],
                "noise_seed": ["INT", {"default": 4, "control_after_generate": False}],
            },
            "optional": {"vae": ["VAE"], "scale": ["FLOAT", {"default": 1.5, "forceInput": True}]},
        },
        "output": ["IMAGE"],
        "output_name": ["IMAGE"],
    },
    "Pick": {
        "input": {"required": {"video": ["COMBO", {"options": ["x.mp4"], "video_upload": True}]}},
        "output": ["FLOAT"],
        "output_name": ["number"],
    },
}
FILE = "mm_sd15_v2.safetensors"


def small_page() -> tuple[Page, dict[str, Any]]:
    page = Page(INFO)
    load = page.add("Load", file=FILE)
    pick = page.add("Pick")
    sample = page.add("Sample", "Draw", model=load.out("model"), scale=pick.out(), text="hello")
    return page, workflow("test", page, [[Group("All", [[load, pick], [sample]])]])


def test_widgets_are_saved_in_the_order_of_the_page() -> None:
    _, content = small_page()
    values = [node["widgets_values"] for node in content["nodes"]]
    assert values == [[FILE], ["x.mp4", "image"], [3, "fixed", "hello", 4]]


def test_links_join_what_was_given() -> None:
    _, content = small_page()
    load, pick, sample = content["nodes"]
    assert content["links"] == [[1, 1, 0, 3, 0, "MODEL"], [2, 2, 0, 3, 2, "FLOAT"]]
    assert [output["links"] for output in load["outputs"]] == [[1], []]
    assert pick["outputs"][0]["links"] == [2]
    assert [(i["name"], i["link"], i.get("shape")) for i in sample["inputs"]] == [
        ("model", 1, None),
        ("vae", None, 7),
        ("scale", 2, 7),
        ("seed", None, None),
        ("text", None, None),
        ("noise_seed", None, None),
    ]
    assert content["last_node_id"] == 3 and content["last_link_id"] == 2


def test_a_widget_takes_a_link_at_its_place_among_all_inputs() -> None:
    page = Page({**INFO, "Count": {"input": {}, "output": ["INT"], "output_name": ["n"]}})
    count, load = page.add("Count"), page.add("Load")
    sample = page.add("Sample", model=load.out(), noise_seed=count.out())
    content = workflow("test", page, [[Group("", [[count, load, sample]])]])
    fed = content["nodes"][2]["inputs"][5]
    assert fed == {"name": "noise_seed", "type": "INT", "widget": {"name": "noise_seed"}, "link": 2}
    assert content["links"][1] == [2, 1, 0, 3, 5, "INT"]
    assert content["nodes"][2]["widgets_values"][:2] == [3, "fixed"]


def test_a_node_that_names_a_published_model_says_where_it_is() -> None:
    _, content = small_page()
    (model,) = content["nodes"][0]["properties"]["models"]
    assert model["name"] == FILE and model["url"].endswith("/" + FILE)
    assert model["directory"] == "animatediff_models"
    assert "models" not in content["nodes"][2]["properties"]


def test_mistakes_are_told() -> None:
    page = Page(INFO)
    load = page.add("Load")
    with pytest.raises(ValueError, match=r"Sample has no input \['modle'\]; it has \['model', "):
        page.add("Sample", modle=load.out())
    with pytest.raises(ValueError, match=r"Load has no output clip, it has \['model', 'vae'\]\."):
        load.out("clip")
    with pytest.raises(ValueError, match="has no node Nothing; write it into graphs/newer.py"):
        kind_of("Nothing", INFO)
    with pytest.raises(ValueError, match=r"nowhere, or twice: \['Load'\]"):
        workflow("test", page, [])


def test_a_longer_note_is_taller() -> None:
    page = Page(INFO)
    short, long = page.note("one line"), page.note("a line of words " * 40)
    assert height(long) > height(short) + 100
