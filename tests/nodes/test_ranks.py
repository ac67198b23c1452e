"""A server as one of several ranks; tests/lockstep/test_two_servers.py has two of them."""

from __future__ import annotations

import logging
import re
import socket
import sys

import pytest
from animatediff_kit.nodes.ranks import join_ranks
from animatediff_kit.sampling.crew import crew


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1", "RANK": "0"}])
def test_one_rank_joins_nobody(environment: dict[str, str]) -> None:
    assert join_ranks(environment) is None and crew() is None


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"WORLD_SIZE": "4"}, r"WORLD_SIZE asks for several ranks, but RANK is not set; .*PORT\."),
        ({"WORLD_SIZE": "two"}, r"WORLD_SIZE is 'two', which is no whole number; set one, or .*"),
        ({"WORLD_SIZE": "2", "RANK": "7", "MASTER_PORT": "29500"}, r"RANK is 7, but WORLD_SIZE .*"),
    ],
)
def test_variables_that_make_no_rank_are_told_and_the_server_starts(
    environment: dict[str, str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What a cluster's job leaves about."""
    with caplog.at_level(logging.WARNING):
        assert join_ranks(environment) is None and crew() is None
    (line,) = caplog.messages
    assert re.fullmatch(rf"AnimateDiff Kit: {told} Until then this server samples alone\.", line)


def test_a_port_that_is_taken_does_not_end_the_start(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, caplog.at_level(logging.WARNING):
        port = str(other.getsockname()[1])
        ranks = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        assert join_ranks(ranks) is None and crew() is None
    assert "Rank 0 cannot keep the store at port" in caplog.text
    assert "this server samples alone" in caplog.text


def test_ranks_that_serve_asked_for_are_no_leftovers() -> None:
    with pytest.raises(ValueError, match="^RANK is 7, but WORLD_SIZE is 2: ranks are 0 to 1;"):
        join_ranks({"WORLD_SIZE": "2", "RANK": "7", "MASTER_PORT": "29500", "ADK_RANKS_ASKED": "1"})
    assert crew() is None


def test_a_torch_without_gloo_does_not_end_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "animatediff_kit.lockstep.ranks", None)
    ranks = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    with caplog.at_level(logging.WARNING):
        assert join_ranks(ranks) is None and crew() is None
    told = (
        r"WORLD_SIZE asks for several ranks, which need a torch with Gloo \(.*\); this server sam"
    )
    assert re.search(told, caplog.text)
