"""Runs that are stopped go on where they were, and measure anew what other code has measured."""

from __future__ import annotations

from pathlib import Path

from animatediff_kit.benchmarks.claims.lasting import Job, Ledger, go_on, plan_of
from animatediff_kit.sampling.windows import WindowSettings


def job(name: str, done: list[str], made_by: str = "code") -> Job:
    def make() -> dict[str, str]:
        done.append(name)
        return {"of": name}

    return Job(name, [made_by], make)


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    path, done = tmp_path / "clips" / "figures.json", list[str]()
    go_on([job("a", done), job("b", done)], Ledger(path), hours=1)
    go_on([job("a", done), job("b", done), job("c", done)], Ledger(path), hours=1)
    assert done == ["a", "b", "c"]
    assert Ledger(path).get("c", ["code"]) == {"of": "c"}
    go_on([job("d", done)], Ledger(path), hours=0)
    assert done == ["a", "b", "c"], "the time was over"
    go_on([job("b", done, "other code")], Ledger(path), hours=1)
    assert done == ["a", "b", "c", "b"] and Ledger(path).get("b", ["code"]) is None


def test_figures_that_others_kept_are_not_made_again(tmp_path: Path) -> None:
    mine, docs, done = tmp_path / "figures.json", tmp_path / "docs.json", list[str]()
    go_on([job("a", done), job("b", done, "older code")], Ledger(docs), hours=1)
    before = docs.read_text()
    go_on([job("a", done), job("b", done), job("c", done)], Ledger(mine, docs), hours=1)
    assert done == ["a", "b", "b", "c"]
    assert docs.read_text() == before, "they are only read"
    assert Ledger(mine, docs).get("b", ["code"]) == {"of": "b"}, "the newer row counts"


def test_clips_are_kept_under_their_windows() -> None:
    plans = [
        plan_of(WindowSettings(16, overlap, schedule=schedule, fuse=fuse), 64, steps)
        for schedule, overlap, fuse, steps in (
            ("standard_static", 4, "pyramid", 4),
            ("standard_static", 4, "relative", 4),
            ("shifted", 4, "pyramid", 4),
            ("shifted", 4, "pyramid", 8),
            ("shifted", 0, "pyramid", 4),
        )
    ]
    assert all(a != b for i, a in enumerate(plans) for b in plans[:i])
