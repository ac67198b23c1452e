"""Which rank this process is, by the environment variables of torchrun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TIMEOUT = 60.0
"""Seconds that a rank waits for another which gives no sign of life."""

TIMEOUT_VARIABLE = "ADK_RANK_TIMEOUT"


@dataclass(frozen=True)
class Settings:
    """rank: of this process, 0 leads; ranks: how many there are; host, port: where rank 0 keeps the
    store that all meet in; hosts: whether this process keeps it; timeout: seconds."""

    rank: int
    ranks: int
    host: str
    port: int
    hosts: bool
    timeout: float = TIMEOUT


def settings_of(environment: Mapping[str, str]) -> Settings | None:
    """What torchrun, or `run.py serve --ranks`, has set; None where there is one rank. Raises
    ValueError for values that cannot be."""
    ranks = number(environment, "WORLD_SIZE", "1")
    if ranks < 2:
        return None
    rank, port = number(environment, "RANK"), number(environment, "MASTER_PORT")
    if not 0 <= rank < ranks:
        raise ValueError(
            f"RANK is {rank}, but WORLD_SIZE is {ranks}: ranks are 0 to {ranks - 1}; start each "
            "process with its own."
        )
    if not 0 < port < 65536:
        raise ValueError(f"MASTER_PORT is {port}; ports are 1 to 65535; set a free one of rank 0.")
    timeout = number(environment, TIMEOUT_VARIABLE, str(int(TIMEOUT)))
    # torchrun's agent keeps a store at that address itself
    hosts = rank == 0 and environment.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    return Settings(rank, ranks, word(environment, "MASTER_ADDR"), port, hosts, float(timeout))


def word(environment: Mapping[str, str], name: str, default: str | None = None) -> str:
    found = environment.get(name) or default
    if not found:
        raise ValueError(
            f"WORLD_SIZE asks for several ranks, but {name} is not set; start ComfyUI with "
            "torchrun, or with run.py serve --ranks R --rank r --master HOST:PORT."
        )
    return found


def number(environment: Mapping[str, str], name: str, default: str | None = None) -> int:
    found = word(environment, name, default)
    if not found.isdecimal():
        raise ValueError(f"{name} is {found!r}, which is no whole number; set one, or unset it.")
    return int(found)
