"""The folder of a fleet: whole files, entries that a later run goes on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from adk_tests.fleet.tables import INFO, prompt
from adk_tests.support.full_disk import NEEDS_LIMITS, files_of_at_most
from animatediff_kit.fleet import command_line
from animatediff_kit.fleet.jobs import Job, make_jobs
from animatediff_kit.fleet.manifest import Manifest
from animatediff_kit.fleet.render import Outcome
from animatediff_kit.fleet.table import Row

from launcher import LauncherError

FILES = (("a_00001_.webp", b"1"), ("b.PNG", b"2"), ("a_00002_.webp", b"3"))


def jobs(seed: int = 1) -> list[Job]:
    return named({"name": "one", "3.seed": seed}, {"name": "two"}, {"name": "three"})


def named(*cells: dict[str, Any]) -> list[Job]:
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


def picture(manifest: Manifest, job: Job, *contents: bytes) -> list[str]:
    """Adds a row of so many PNGs; what they are called."""
    files = tuple((f"sub/{n}.png", content) for n, content in enumerate(contents))
    return manifest.add(job, Outcome(job.name, "box:1", 1.0, files))["files"]


def test_no_file_of_a_row_takes_the_name_of_another_row(tmp_path: Path) -> None:
    a, a_2, other = named({"name": "a"}, {"name": "A_2"}, {"name": "b"})
    with Manifest(tmp_path) as manifest:
        assert manifest.missing([a, a_2, other]) == [a, a_2, other]
        assert picture(manifest, a, b"1", b"2", b"3") == ["a.png", "a_3.png", "a_4.png"]
        assert picture(manifest, a_2, b"4", b"5") == ["A_2.png", "A_2_2.png"]
        assert picture(manifest, a, b"6", b"7") == ["a.png", "a_3.png"], "its own again"
    with Manifest(tmp_path) as manifest:
        assert manifest.missing([a, a_2, other]) == [other]
    assert (tmp_path / "A_2.png").read_bytes() == b"4"


def test_a_row_that_is_new_leaves_the_files_of_earlier_ones(tmp_path: Path) -> None:
    a, a_2 = named({"name": "a"}, {"name": "a_2"})
    with Manifest(tmp_path) as manifest:
        manifest.missing([a])
        assert picture(manifest, a, b"1", b"2") == ["a.png", "a_2.png"]
    with Manifest(tmp_path) as manifest:
        assert manifest.missing([a_2]) == [a_2]
        assert picture(manifest, a_2, b"3") == ["a_2_2.png"]
        assert manifest.missing([a, a_2]) == []
    assert (tmp_path / "a_2.png").read_bytes() == b"2"


def test_rows_of_which_an_earlier_version_lost_a_file_are_rendered_again(tmp_path: Path) -> None:
    a, a_2, b = named({"name": "a"}, {"name": "a_2"}, {"name": "b"})
    with Manifest(tmp_path) as manifest:
        for job in (a, a_2, b):
            picture(manifest, job, b"1")
    text = (tmp_path / "manifest.jsonl").read_text()
    damaged = text.replace('["a.png"]', '["a.png", "a_2.png"]')
    (tmp_path / "manifest.jsonl").write_text(damaged)
    with Manifest(tmp_path) as manifest:
        assert manifest.missing([a, a_2, b]) == [a, a_2]


def test_no_row_writes_over_the_manifest(tmp_path: Path) -> None:
    (job,) = named({"name": "manifest"})
    with Manifest(tmp_path) as manifest:
        manifest.missing([job])
        entry = manifest.add(job, Outcome(job.name, "box:1", 1.0, (("a.jsonl", b"{}"),)))
    assert entry["files"] == ["manifest_2.jsonl"] and lines(tmp_path) == [entry]


@NEEDS_LIMITS
def test_a_full_disk_is_told_and_what_is_done_is_kept(tmp_path: Path) -> None:
    one, two, _ = jobs()
    with Manifest(tmp_path) as manifest:
        picture(manifest, one, b"1")
    size = (tmp_path / "manifest.jsonl").stat().st_size
    told = r"cannot be written \(File too large\); what the manifest names is kept\. Make room "
    with pytest.raises(LauncherError, match=told):
        with files_of_at_most(size + 40), Manifest(tmp_path) as manifest:
            picture(manifest, two, b"2")
    with Manifest(tmp_path) as manifest:
        assert manifest.missing([one, two]) == [two]


def test_a_place_that_is_no_folder_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = json.dumps(prompt())
    for name, content in (("rows.jsonl", "{}"), ("graph.json", graph), ("out", "")):
        (tmp_path / name).write_text(content)
    line = [str(tmp_path / "rows.jsonl"), "--workflow", str(tmp_path / "graph.json")]
    assert command_line.main([*line, "--out", str(tmp_path / "out"), "--server", "a"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"Error: {tmp_path / 'out'} cannot be written (File exists); what the ")


def test_two_fleets_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with Manifest(tmp_path):
        with pytest.raises(LauncherError, match=r"^Another fleet writes into .*; choose another"):
            Manifest(tmp_path).__enter__()
    with Manifest(tmp_path):
        pass
