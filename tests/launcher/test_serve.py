"""What `run.py serve` tells a server of its rank."""

from __future__ import annotations

import pytest
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.command_line import chosen, options_of
from animatediff_kit.launcher.serve import Options, variables


def options(*line: str) -> Options:
    return Options(**chosen(options_of(["serve", *line]), Options))


def test_one_rank_needs_no_variables() -> None:
    assert variables(options()) == {}
    assert variables(options("--ranks", "1", "--rank", "0", "--master", "box:29500")) == {}


def test_torchruns_variables() -> None:
    given = options("--ranks", "3", "--rank", "2", "--master", "box:29500")
    assert variables(given) == {
        "WORLD_SIZE": "3",
        "RANK": "2",
        "MASTER_ADDR": "box",
        "MASTER_PORT": "29500",
        "ADK_RANKS_ASKED": "1",
    }


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["--rank", "2"], r"^--rank is 2, but --ranks is 2: ranks are 0 to 1\.$"),
        ([], r"^--master is not given; name the machine of rank 0 and a free port there as"),
        (["--master", "box"], r"^--master is box; name the machine of rank 0 and a free port"),
    ],
)
def test_what_cannot_be_is_refused(line: list[str], sentence: str) -> None:
    with pytest.raises(LauncherError, match=sentence):
        variables(options("--ranks", "2", *line))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            ["--rank", "1"],
            r"^--rank 1 is for one of several machines, but --ranks is not given; ad",
        ),
        (["--master", "box:1"], r"^--master box:1 is for one of several machines, but --ranks is"),
        (["--rank", "1", "--master", "box:1"], r"^--rank 1 --master box:1 is for one of several"),
        (["--ranks", "0"], r"^--ranks is 0; give the number of machines, 1 or more\.$"),
        (["--ranks", "1", "--rank", "1"], r"^--rank is 1, but --ranks is 1: ranks are 0 to 0\.$"),
    ],
)
def test_one_of_several_names_how_many_there_are(line: list[str], sentence: str) -> None:
    with pytest.raises(LauncherError, match=sentence):
        variables(options(*line))
