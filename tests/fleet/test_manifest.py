"""The folder of a fleet: whole files, entries that a later run goes on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from adk_tests.fleet.tables import INFO, prompt
from animatediff_kit.fleet.jobs import Job, make_jobs
from animatediff_kit.fleet.manifest import Manifest
from animatediff_kit.fleet.render import Outcome
from animatediff_kit.fleet.table import Row

from launcher import LauncherError

FILES = (("a_00001_.webp", b"1"), ("b.PNG", b"2"), ("a_00002_.webp", b"3"))


def jobs(seed: int = 1) -> list[Job]:
    cells = ({"name": "one", "3.seed": seed}, {"name": "two"}, {"name": "three"})
    rows = [Row(number, number, row, False) for number, row in enumerate(cells, 1)]
    return make_jobs("rows", rows, prompt(), INFO)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_a_later_run_does_what_is_missing(tmp_path: Path) -> None:
    one, two, three = jobs()
    with Manifest(tmp_path) as manifest:
        entry = manifest.add(one, Outcome("one", "box:1", 1.234, FILES))
        manifest.add(two, Outcome("two", "box:1", 0.5, (), "It failed."))
    assert entry["files"] == ["one.webp", "one.png", "one_2.webp"]
    assert [(tmp_path / name).read_bytes() for name in entry["files"]] == [b"1", b"2", b"3"]
    first, second = lines(tmp_path)
    assert first == entry and "error" not in first and second["error"] == "It failed."
    assert (first["seeds"], first["seconds"], first["server"]) == ({"3.seed": 1}, 1.23, "box:1")
    with Manifest(tmp_path) as manifest:
        assert manifest.missing([one, two, three]) == [two, three]
        assert manifest.missing(jobs(seed=5)) == jobs(seed=5), "other values, another clip"
    assert lines(tmp_path) == [first], "what failed is not kept"
    (tmp_path / "one.png").unlink()
    with Manifest(tmp_path) as manifest:
        assert manifest.missing([one]) == [one], "a file is gone"


def test_a_line_that_was_cut_off_counts_for_nothing(tmp_path: Path) -> None:
    one, two, _ = jobs()
    with Manifest(tmp_path) as manifest:
        manifest.add(one, Outcome("one", "box:1", 1.0, FILES))
        manifest.add(two, Outcome("two", "box:1", 1.0, FILES))
    text = (tmp_path / "manifest.jsonl").read_text()
    (tmp_path / "manifest.jsonl").write_text(text[:-20])
    with Manifest(tmp_path) as manifest:
        assert manifest.missing([one, two]) == [two]
        manifest.add(two, Outcome("two", "box:1", 1.0, FILES))
    assert (tmp_path / "manifest.jsonl").read_text().startswith(text.splitlines()[0])
    assert [entry["name"] for entry in lines(tmp_path)] == ["one", "two"]


@pytest.mark.parametrize("line", ["{", "5", '{"name": "one"}'])
def test_a_damaged_manifest_is_left_alone(line: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text(f"{line}\n")
    with pytest.raises(LauncherError, match=r"line 1 is no entry of a manifest; mend it, or"):
        Manifest(tmp_path).__enter__()
    assert (tmp_path / "manifest.jsonl").read_text() == f"{line}\n"


def test_two_fleets_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with Manifest(tmp_path):
        with pytest.raises(LauncherError, match=r"^Another fleet writes into .*; choose another"):
            Manifest(tmp_path).__enter__()
    with Manifest(tmp_path):
        pass
