"""Rows become prompts; what does not fit is told with its line and column."""

from __future__ import annotations

from typing import Any

import pytest
from adk_tests.fleet.tables import INFO, prompt
from animatediff_kit.fleet.jobs import Job, make_jobs
from animatediff_kit.fleet.table import Row
from animatediff_kit.fleet.workflow_file import prompt_of

from launcher import LauncherError


def jobs(*rows: dict[str, Any], texts: bool = False) -> list[Job]:
    listed = [Row(n, n + 1, row, texts) for n, row in enumerate(rows, 1)]
    return make_jobs("rows.csv", listed, prompt(), INFO)


def faults(*rows: dict[str, Any], texts: bool = False) -> list[str]:
    with pytest.raises(LauncherError) as caught:
        jobs(*rows, texts=texts)
    return str(caught.value).splitlines()[1:]


def test_values_go_where_their_columns_say() -> None:
    row = {"Draw. It.seed": 7, "3.cfg": 3, "4.text": "x", "3.loop": True, "3.file": "f"}
    one, other = jobs({**row, "name": "one", "3.format": "webm", "3.format.codec": 5}, {})
    assert one.prompt["3"]["inputs"] == {
        **{"model": ["9", 0], "seed": 7, "cfg": 3, "sampler": "euler", "loop": True, "file": "f"},
        **{"format": "webm", "format.codec": 5},
    }
    assert one.prompt["4"]["inputs"] == {"text": "x"} and one.seeds == {"3.seed": 7}
    assert (one.name, other.name, other.number) == ("one", "00002", 2)
    assert {key: node["inputs"] for key, node in other.prompt.items()} == {
        key: node["inputs"] for key, node in prompt().items()
    }


def test_a_cell_of_csv_stands_for_what_the_input_takes() -> None:
    row = {"3.seed": " 7", "3.cfg": "1e1", "3.loop": "TRUE", "4.text": "8", "3.sampler": "lcm"}
    (job,) = jobs({**row, "3.format.codec": "1"}, texts=True)
    inputs = job.prompt["3"]["inputs"]
    assert (inputs["seed"], inputs["cfg"], inputs["loop"]) == (7, 10.0, True)
    assert (inputs["sampler"], inputs["format.codec"]) == ("lcm", 1)
    assert job.prompt["4"]["inputs"]["text"] == "8"


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("3.sed", 1, "no node of this id or title has this input; write NODE.INPUT."),
        ("Prompt.text", "a", "nodes 4, 5 have this title; take the id."),
        ("3.model", "m", "it comes through a link, so a row cannot set it."),
        ("3.seed", "x", "the value is 'x'; it must be a whole number."),
        ("3.seed", 1.5, "the value is 1.5; it must be a whole number."),
        ("3.seed", True, "the value is True; it must be a whole number."),
        ("3.seed", 100, "the value is 100; it must be from 0 to 99."),
        ("3.cfg", "2", "the value is '2'; it must be a number."),
        ("3.cfg", -0.5, "the value is -0.5; it must be from 0.0 to 30.0."),
        ("3.loop", 1, "the value is 1; it must be true or false."),
        ("4.text", 5, "the value is 5; it must be a text."),
        ("3.sampler", "ddim", "the value is 'ddim'; it must be one of 'euler', 'lcm'."),
        ("3.format", "gif", "the value is 'gif'; it must be one of 'mp4', 'webm'."),
        ("3.only_linked", 1.0, "the value is 1.0; it takes a link alone, no value."),
    ],
)
def test_what_does_not_fit(column: str, value: Any, told: str) -> None:
    assert faults({column: value}) == [f"  rows.csv, line 2, column {column!r}: {told}"]


def test_a_socket_takes_no_value() -> None:
    graph = prompt()
    del graph["3"]["inputs"]["model"]
    row = Row(1, 2, {"3.model": "m"}, False)
    with pytest.raises(LauncherError, match="it is a socket for MODEL, which takes no value but a"):
        make_jobs("rows.csv", [row], graph, INFO)


def test_a_cell_that_is_no_number() -> None:
    (told,) = faults({"3.seed": "seven"}, texts=True)
    assert told.endswith("column '3.seed': the value is 'seven'; it must be a whole number.")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "x ", "x" * 101, 5, "a:b", "\ud800"])
def test_names_that_no_file_has(name: Any) -> None:
    (told,) = faults({"name": name})
    assert told.startswith(f"  rows.csv, line 2, column 'name': the value is {name!r}; a name of")


@pytest.mark.parametrize("name", ["CON", "nul.x", "com1", "LPT\u00b9 .a.b", "conout$"])
def test_names_of_devices(name: str) -> None:
    (told,) = faults({"name": name})
    stem = name.partition(".")[0].rstrip()
    assert told.endswith(f"; {stem} is a device on Windows; choose another name.")
    assert jobs({"name": f"{stem}_"}, {"name": f"a.{stem}"})


def test_names_of_too_many_bytes() -> None:
    (told,) = faults({"name": "\u3042" * 74})
    assert told.endswith("; it has 222 bytes in UTF-8, and 220 is the most; shorten it.")
    assert jobs({"name": "\u3042" * 73})


def test_names_that_a_mac_takes_for_one() -> None:
    (told,) = faults({"name": "\u00e9"}, {"name": "E\u0301"})
    assert told.endswith("line 2 has the name 'E\u0301' too.")


def test_names_that_stand_there_twice_in_any_case() -> None:
    assert faults({"name": "One"}, {"name": "two"}, {"name": "one"}) == [
        "  rows.csv, line 4, column 'name': line 2 has the name 'one' too."
    ]


def test_a_digest_is_of_name_and_values_and_not_of_titles() -> None:
    first, other = jobs({"name": "one", "3.seed": 1}, {"name": "two", "3.seed": 2})
    graph = prompt()
    graph["3"]["_meta"]["title"] = "Sampler"
    (same,) = make_jobs("rows.csv", [Row(1, 2, {"name": "one"}, False)], graph, INFO)
    assert same.digest == first.digest != other.digest
    assert len({job.digest for job in (*jobs({"name": "a"}, {"name": "b"}), first)}) == 3
    assert jobs({"name": "one", "3.seed": 2})[0].digest != first.digest


def test_a_class_that_the_server_lacks() -> None:
    with pytest.raises(LauncherError, match=r"has no class for node 3 \(Sampler\); install the"):
        make_jobs("rows.csv", [], prompt(), {"Text": INFO["Text"]})


def test_a_saved_workflow_has_titles_or_display_names() -> None:
    nodes = [{"id": 4, "type": "Text", "title": "Words", "widgets_values": ["a"], "mode": 0}]
    nodes += [{"id": 5, "type": "Text", "widgets_values": ["b"], "mode": 0}]
    saved = {"nodes": [{**node, "inputs": [], "outputs": []} for node in nodes], "links": []}
    titles = {key: node["_meta"]["title"] for key, node in prompt_of(saved, INFO).items()}
    assert titles == {"4": "Words", "5": "CLIP"}
    assert prompt_of(prompt(), INFO) == prompt()
