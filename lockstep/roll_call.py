"""How ranks begin a run together.

Each rank writes that it has arrived, and what it was given. Rank 0 waits for all, compares, and
tells each its verdict. A rank that gives no sign of life is told of once; from then on, runs go on
without it until its heart beats again.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from comfy.model_management import throw_exception_if_processing_interrupted

from .address import offered, towards, towards_all
from .digest import Parts, differences
from .settings import Settings
from .store import PAUSE, RankError, Signs, Store, beats

log = logging.getLogger(__name__)

PATIENCE = 10
"""How many times the timeout a rank that lives may take to come: it loads its models first."""

AGAIN = "Start it again if it ended; the next prompt runs without it, or with it once it is back."


@dataclass(frozen=True)
class Members:
    """Who takes part in a run.   run: its number;   ranks: in the order in which windows are
    dealt;   address: at which this rank waits for the others; None: where Gloo has it wait"""

    run: int
    ranks: tuple[int, ...]
    address: str | None = field(default=None, compare=False)


@dataclass
class Presence:
    """Who came to a run.   arrived: tickets by rank;   missing: why, by rank;   absent: those of
    whom it is known"""

    arrived: dict[int, Any] = field(default_factory=dict)
    missing: dict[int, str] = field(default_factory=dict)
    absent: set[int] = field(default_factory=set)

    def known(self, rank: int) -> bool:
        return rank in self.arrived or rank in self.missing or rank in self.absent


class RollCall:
    """The meetings of one process, one for each run.   prompt: the identity of what rank 0 has
    handed on, or "" where nothing is handed (scripts)"""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings = store, settings
        self.prompt = ""
        self.lost: dict[int, int] = {}  # rank -> its beats when it was lost

    def __call__(self, parts: Parts) -> Members:
        """Wait for the others. Raises ValueError where ranks were given different things, and
        RankError where one is missing."""
        return self.lead(parts) if self.settings.rank == 0 else self.follow(parts)

    def lose(self, ranks: Iterable[int]) -> None:
        """These are not waited for again until they live."""
        self.lost.update({rank: beats(self.store, rank) for rank in ranks})

    def lead(self, parts: Parts) -> Members:
        present = self.waited()
        told = self.verdict(parts, present)
        for rank, ticket in present.arrived.items():
            self.store.remove(f"arrived/{rank}")
            self.store.write(f"verdict/{ticket['ticket']}", told)
        return members_of(told, None)

    def waited(self) -> Presence:
        others = range(1, self.settings.ranks)
        present, signs, began = Presence(), Signs(), time.monotonic()
        while not all(map(present.known, others)):
            throw_exception_if_processing_interrupted()
            late = time.monotonic() - began > PATIENCE * self.settings.timeout
            for rank in others:
                if not present.known(rank):
                    self.look_for(rank, present, signs, late)
            time.sleep(PAUSE)
        return present

    def look_for(self, rank: int, present: Presence, signs: Signs, late: bool) -> None:
        ticket = self.store.read(f"arrived/{rank}")
        if ticket is not None and ticket["prompt"] == self.prompt:
            present.arrived[rank] = ticket
            self.lost.pop(rank, None)
        elif rank in self.lost and self.lost[rank] == beats(self.store, rank):
            present.absent.add(rank)
        elif (why := self.failed(rank)) is not None:
            present.missing[rank] = f"could not run the prompt: {why}"
        elif (silence := signs.silence(self.store, rank)) > self.settings.timeout:
            present.missing[rank] = f"gave no sign of life for {silence:.0f} s. {AGAIN}"
            self.lose([rank])
        elif late:
            seconds = PATIENCE * self.settings.timeout
            present.missing[rank] = f"did not begin this video within {seconds:.0f} s. {AGAIN}"

    def failed(self, rank: int) -> str | None:
        """Why a rank cannot run what it was handed. What it says of an earlier run is no answer:
        it ends, and says so, after rank 0 has."""
        told = self.store.read(f"failed/{rank}")
        return told["why"] if told is not None and told["prompt"] == self.prompt else None

    def verdict(self, parts: Parts, present: Presence) -> dict[str, Any]:
        if present.missing:
            told = (f"Rank {rank} {why}" for rank, why in sorted(present.missing.items()))
            return {"missing": " ".join(told)}
        for rank, ticket in sorted(present.arrived.items()):
            different = differences(parts, ticket["parts"])
            if different:
                return {"different": differing(rank, different)}
        if present.absent:
            log.warning(
                "Rank %s is still missing, so this video is sampled on %d of %d ranks. Start it "
                "again to have all.",
                ", ".join(map(str, sorted(present.absent))),
                len(present.arrived) + 1,
                self.settings.ranks,
            )
        addresses = (present.arrived[rank]["address"] for rank in sorted(present.arrived))
        return {
            "run": self.store.count("runs"),
            "ranks": [0, *sorted(present.arrived)],
            "address": towards_all(addresses, self.settings.port),
        }

    def follow(self, parts: Parts) -> Members:
        ticket, place = uuid.uuid4().hex, f"arrived/{self.settings.rank}"
        own = towards(self.settings.host, self.settings.port)
        said = {"ticket": ticket, "parts": parts, "prompt": self.prompt, "address": own}
        self.store.write(place, said)
        try:
            told = self.told(f"verdict/{ticket}")
        except BaseException:
            with suppress(RankError):  # rank 0 may be gone, which the error says
                self.store.remove(place)
            raise
        return members_of(told, own)

    def told(self, key: str) -> dict[str, Any]:
        """What rank 0 says, once it does."""
        signs, began = Signs(), time.monotonic()
        while (told := self.store.read(key)) is None:
            throw_exception_if_processing_interrupted()
            silence = signs.silence(self.store, 0)
            if silence > self.settings.timeout:
                raise RankError(f"Rank 0 gave no sign of life for {silence:.0f} s. {AGAIN}")
            if time.monotonic() - began > PATIENCE * self.settings.timeout:
                seconds = PATIENCE * self.settings.timeout
                raise RankError(
                    f"Rank 0 did not begin this video within {seconds:.0f} s. Queue prompts at "
                    "rank 0; it hands them on."
                )
            time.sleep(PAUSE)
        self.store.remove(key)
        return told


def members_of(told: dict[str, Any], own: str | None) -> Members:
    """A verdict as every rank takes it.   own: the address from which it reaches rank 0"""
    if "different" in told:
        raise ValueError(told["different"])
    if "missing" in told:
        raise RankError(told["missing"])
    return Members(told["run"], tuple(told["ranks"]), offered(own, told["address"]))


def differing(rank: int, different: list[str]) -> str:
    names = " and ".join(different)
    return (
        f"Ranks 0 and {rank} do not sample the same: {names} differ between them. Give all ranks "
        "the same prompt, and install the same versions on each."
    )
