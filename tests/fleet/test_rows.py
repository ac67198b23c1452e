"""Rows that fail are tried on another server, and servers that fail what others do are known."""

from __future__ import annotations

import pytest
from animatediff_kit.fleet.engine import TRIES
from animatediff_kit.fleet.jobs import Job
from animatediff_kit.fleet.render import Outcome
from animatediff_kit.fleet.rows import SICK, Rows, second_try

JOBS = [Job(name, n, {}, {}, name) for n, name in enumerate("abcdef")]


def end(rows: Rows, server: str, error: str, others: bool = True) -> tuple[str, Outcome | None]:
    job = rows.take(server)
    assert job is not None
    return job.name, rows.ended(server, job, Outcome(job.name, server, 0.0, (), error), others)


def test_a_row_that_fails_goes_to_another_server_and_fails_there_for_good() -> None:
    rows = Rows(JOBS[:2])
    assert end(rows, "x", "No.") == ("a", None)
    assert end(rows, "x", "") == ("b", Outcome("b", "x", 0.0))
    assert rows.take("x") is None and len(rows) == 1
    assert end(rows, "y", "No!") == ("a", Outcome("a", "y", 0.0, (), "No!"))
    assert len(rows) == 0


def test_without_another_server_a_failure_is_the_row_s() -> None:
    rows = Rows(JOBS[:2])
    assert end(rows, "x", "No.", others=False) == ("a", Outcome("a", "x", 0.0, (), "No."))
    assert end(rows, "x", "Nor.") == ("b", None)
    assert rows.failures() == [Outcome("b", "x", 0.0, (), "Nor.")] and len(rows) == 0


def test_a_server_is_sick_when_others_render_what_it_failed() -> None:
    rows = Rows(JOBS)
    for n in range(SICK):
        assert not rows.is_sick("x")
        assert end(rows, "x", "CUDA error") == ("abc"[n], None)
        assert end(rows, "y", "")[0] == "abc"[n], "what failed comes first"
    assert rows.is_sick("x") and not rows.is_sick("y")
    rows.is_new("x")
    assert not rows.is_sick("x")


def test_rows_that_fail_everywhere_or_between_others_make_no_server_sick() -> None:
    rows = Rows(JOBS)
    for _ in range(4):
        end(rows, "x", "No.")
        end(rows, "y", "No.")
    assert not rows.is_sick("x") and not rows.is_sick("y")
    end(rows, "x", "No.")
    end(rows, "y", "")
    end(rows, "x", "")
    assert not rows.is_sick("x")


@pytest.mark.parametrize("failed", [False, True])
def test_a_row_that_loses_its_servers_is_given_up(failed: bool) -> None:
    rows = Rows(JOBS[:1])
    if failed:
        end(rows, "x", "No.")
    for n in range(TRIES):
        job = rows.take("y")
        assert job is JOBS[0]
        outcome = rows.lost(job, "y")
        assert (outcome is None) == (n < TRIES - 1)
    assert outcome and outcome.error.startswith(f"{TRIES} servers were lost while they rendered th")


def test_what_is_said_of_a_second_try() -> None:
    assert second_try(Outcome("a", "x", 0.0, (), "No.")) == "a failed on x and goes to another: No."
