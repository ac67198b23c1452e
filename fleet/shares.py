"""What each server takes of a cluster's machines, so that all of them have a place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

STEP = 10_000
"""Ray counts in parts of so many."""


@dataclass(frozen=True)
class Share:
    """What each of a number of servers takes of the cluster, as options of an actor."""

    servers: int
    options: dict[str, Any]


def share_of(
    machines: Sequence[dict[str, float]], count: int | None, say: Callable[[str], None]
) -> Share:
    """machines: what each of the cluster has. A server has a GPU where there is one, and a part of
    a machine's CPUs, for so many of which its threads are."""
    gpus = int(sum(machine.get("GPU", 0) for machine in machines))
    cpus = [machine["CPU"] for machine in machines if machine.get("CPU")] or [1.0]
    servers = count or gpus or 1
    if gpus and servers > gpus:
        say(f"{servers} servers need {servers} GPUs, and Ray has {gpus}: the others wait for more.")
    part = largest_part(cpus, servers)
    threads = max(1, int(part))
    share = {"num_gpus": 1, "num_cpus": 1} if gpus else {"num_cpus": min(threads, part)}
    environment = {"env_vars": {"OMP_NUM_THREADS": str(threads)}}
    return Share(servers, {**share, "runtime_env": environment})


def largest_part(cpus: Sequence[float], servers: int) -> float:
    """The most CPUs of one machine that each server can have with a place for all."""
    parts = {math.floor(have / n * STEP) / STEP for have in cpus for n in range(1, servers + 1)}
    fit = (part for part in parts if part and places(cpus, part) >= servers)
    return max(fit, default=1 / STEP)


def places(cpus: Sequence[float], part: float) -> int:
    return sum(round(have * STEP) // round(part * STEP) for have in cpus)
