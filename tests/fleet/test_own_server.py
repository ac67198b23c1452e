"""A server of the fleet's own: its output folder holds what the next row may be given again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.fleet.jobs import Job
from animatediff_kit.fleet.own_server import OwnServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    made = OwnServer(ROOT)
    yield made
    made.stop()


def job(name: str, colour: int, size: int = 8) -> Job:
    """Saves a picture that is the same in each row, and one of the row's own."""
    prompt: dict[str, Any] = {}
    for node, shade, place in (("1", 255, "same/fixed"), ("3", colour, "own")):
        blank = {"width": size, "height": 8, "batch_size": 1, "color": shade}
        prompt[node] = {"class_type": "EmptyImage", "inputs": blank}
        saved = {"images": [node, 0], "filename_prefix": place}
        prompt[str(int(node) + 1)] = {"class_type": "SaveImage", "inputs": saved}
    return Job(name, 1, {}, prompt, name)


def test_a_picture_that_does_not_depend_on_the_row_comes_with_each(own: OwnServer) -> None:
    outcomes = [own.render(job(f"row-{n}", n)) for n in range(4)]
    assert [outcome.error for outcome in outcomes] == [""] * 4
    places = [[place for place, _ in outcome.files] for outcome in outcomes]
    assert places == [["same/fixed_00001_.png", f"own_0000{n}_.png"] for n in (1, 2, 3, 4)]
    assert len({outcome.files[0][1] for outcome in outcomes}) == 1
    assert len({outcome.files[1][1] for outcome in outcomes}) == 4


def test_rows_that_are_alike_and_one_that_fails_between_them(own: OwnServer) -> None:
    fails = job("fails", 5)
    fails.prompt["6"] = {"class_type": "LoadImage", "inputs": {"image": "none.png"}}
    fails.prompt["7"] = {"class_type": "SaveImage", "inputs": {"images": ["6", 0]}}
    fails.prompt["7"]["inputs"]["filename_prefix"] = "none"
    outcomes = [own.render(each) for each in (job("a", 5), fails, job("b", 5), job("c", 5))]
    assert [bool(outcome.error) for outcome in outcomes] == [False, True, False, False]
    assert outcomes[0].files == outcomes[2].files == outcomes[3].files
    last = own.render(job("d", 6, size=16))
    left = {path for path in own.outputs.rglob("*") if path.is_file()}
    assert left == {own.outputs / place for place, _ in last.files}, "the others are gone"
