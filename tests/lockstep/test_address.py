"""At which address ranks wait for each other."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from animatediff_kit.launcher.server import free_port
from animatediff_kit.lockstep.address import CHOSEN, group_at, offered, towards, towards_all
from animatediff_kit.lockstep.settings import Settings
from animatediff_kit.lockstep.store import RankError, Store
from torch.distributed import PrefixStore  # pyright: ignore[reportPrivateImportUsage]

WAIT = timedelta(seconds=20)
ELSEWHERE = "192.0.2.1"
"""Of RFC 5737: no machine has it."""


@pytest.fixture
def stores() -> list[Any]:
    """The same keys, by a connection for each rank."""
    port = free_port()
    settings = [Settings(rank, 2, "127.0.0.1", port, rank == 0, 20) for rank in (0, 1)]
    return [PrefixStore("x", Store(each).base) for each in settings]


def test_the_way_to_a_host_decides() -> None:
    assert towards("127.0.0.1", 9) == "127.0.0.1"
    assert towards("localhost.invalid", 9) is None


def test_what_reaches_rank_0_inside_its_machine_is_reached_as_rank_0_is() -> None:
    """Of box, whose name is 127.0.1.1 at box itself, and of another machine."""
    assert offered("127.0.0.1", "10.0.0.1") == "10.0.0.1"
    assert offered("::1", "10.0.0.1") == "10.0.0.1"
    assert offered("10.0.0.2", "10.0.0.1") == "10.0.0.2"
    assert offered(None, "10.0.0.1") == "10.0.0.1"
    assert offered("127.0.0.1", None) is None
    assert offered("fe80::1%eth0", "10.0.0.1") == "fe80::1%eth0"


def test_rank_0_is_reached_from_other_machines_where_there_are_any() -> None:
    assert towards_all([], 9) is None and towards_all([None], 9) is None
    assert towards_all(["127.0.0.1"], 9) == "127.0.0.1"
    assert towards_all(["127.0.0.1", ELSEWHERE], 9) == towards(ELSEWHERE, 9) != "127.0.0.1"


def test_ranks_meet_at_the_address_that_is_offered(stores: list[Any]) -> None:
    groups: dict[int, Any] = {}

    def meet(rank: int) -> None:
        groups[rank] = group_at("127.0.0.1", stores[rank], rank, 2, WAIT)

    threads = [threading.Thread(target=meet, args=(rank,)) for rank in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [groups[rank].size() for rank in (0, 1)] == [2, 2]


def test_an_address_that_the_machine_lacks_is_told(stores: list[Any]) -> None:
    sentence = rf"^This rank cannot be reached at 192\.0\.2\.1 \(.*\); set {CHOSEN} to the name of"
    with pytest.raises(RankError, match=sentence):
        group_at(ELSEWHERE, stores[0], 0, 2, WAIT)


def test_gloos_own_variable_decides(stores: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOSEN, "no-such-device")
    with pytest.raises(RuntimeError, match="no-such-device"):
        group_at("127.0.0.1", stores[0], 0, 2, WAIT)
