"""A server as one of several ranks; tests/lockstep/test_two_servers.py has two of them."""

from __future__ import annotations

import pytest
from animatediff_kit.nodes.ranks import join_ranks
from animatediff_kit.sampling.crew import crew


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1", "RANK": "0"}])
def test_one_rank_joins_nobody(environment: dict[str, str]) -> None:
    assert join_ranks(environment) is None and crew() is None
