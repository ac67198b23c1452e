"""What each server takes of a cluster's machines: a place for all, and no more than one has."""

from __future__ import annotations

import random

import pytest
from animatediff_kit.fleet.shares import Share, largest_part, places, share_of


@pytest.mark.parametrize(
    ("machines", "count", "servers", "share", "threads"),
    [
        ([{"CPU": 16.0, "GPU": 4.0}], None, 4, {"num_gpus": 1, "num_cpus": 1}, "4"),
        ([{"CPU": 8.0}], None, 1, {"num_cpus": 8}, "8"),
        ([{"CPU": 2.0}], 2, 2, {"num_cpus": 1}, "1"),
        ([{"CPU": 2.0}], 4, 4, {"num_cpus": 0.5}, "1"),
        ([{"CPU": 8.0}, {"CPU": 8.0}], None, 1, {"num_cpus": 8}, "8"),
        ([{"CPU": 4.0}] * 3, 2, 2, {"num_cpus": 4}, "4"),
        ([{"CPU": 8.0}, {"CPU": 8.0}], 5, 5, {"num_cpus": 2}, "2"),
        ([{"CPU": 1.0}, {"CPU": 2.0}], 4, 4, {"num_cpus": 0.6666}, "1"),
        ([{"memory": 1.0}, {"CPU": 8.0, "GPU": 1.0}], None, 1, {"num_gpus": 1, "num_cpus": 1}, "8"),
        ([{"memory": 1.0}], None, 1, {"num_cpus": 1}, "1"),
    ],
)
def test_what_a_server_takes(
    machines: list[dict[str, float]],
    count: int | None,
    servers: int,
    share: dict[str, float],
    threads: str,
) -> None:
    told: list[str] = []
    made = share_of(machines, count, told.append)
    environment = {"env_vars": {"OMP_NUM_THREADS": threads}}
    assert made == Share(servers, {**share, "runtime_env": environment}) and told == []


def test_there_is_a_place_for_every_server_and_none_is_much_smaller_than_need_be() -> None:
    draw = random.Random(1)
    for _ in range(200):
        cpus = [float(draw.randint(1, 64)) for _ in range(draw.randint(1, 5))]
        servers = draw.randint(1, 40)
        part = largest_part(cpus, servers)
        assert 0 < part <= max(cpus) and places(cpus, part) >= servers
        assert places(cpus, part + 0.001) < servers


def test_fewer_gpus_than_servers_is_told() -> None:
    told: list[str] = []
    assert share_of([{"CPU": 8, "GPU": 1}], 2, told.append).servers == 2
    assert told == ["2 servers need 2 GPUs, and Ray has 1: the others wait for more."]
