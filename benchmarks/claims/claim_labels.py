"""Claim 7: what a prompt says comes about, in combinations that were never trained too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .estimates import Estimate, share
from .findings import Figure, Line, Part, at_least, figure, interval_above, interval_below
from .judges import LABEL_JUDGE, JudgingNetwork, named, trained, truth
from .pictures import animation, bars
from .scenes import CHECKED, NETWORKS, REPORT, Case, cases, frozen
from .studio import FULL, Studio

REAL, GENERATED, BY_CHANCE = 0.98, 0.5, 0.3
"""What the network has to reach on real clips; what the interval of generated clips has to be
above; what it has to be below where prompts tell nothing, which is twice the chance of a motion."""

Answers = dict[str, list[str]]


def parts(studio: Studio) -> Iterator[Part]:
    network = trained(LABEL_JUDGE, studio.folder, NETWORKS)
    yield from checked(network, studio)
    held = cases(studio.scaled(FULL), REPORT, held=True)
    known = cases(studio.scaled(FULL // 4), REPORT)
    clips = studio.shoot(held)
    answers, of_known = named(network, clips), named(network, studio.shoot(known))
    right, swapped = accuracies(answers, held), accuracies(answers, [*held[1:], held[0]])
    trained_too = accuracies(of_known, known)
    yield from figures("held-out", right, interval_above(GENERATED))
    yield from figures("swapped prompts", swapped, interval_below(BY_CHANCE), control=True)
    yield figure("held-out: all three", all_three(answers, held), unit="%")
    yield from figures("trained combinations", trained_too)
    groups = {"held-out": right, "trained": trained_too, "swapped prompts": swapped}
    values = {name: list(group.values()) for name, group in groups.items()}
    path, shows = studio.pictures / "labels.png", "Share of clips that show what was asked for"
    yield bars(path, values, list(right), "share of right names", GENERATED, shows)
    rows = [clips[i : i + 8] for i in range(0, min(len(clips), 24) - 7, 8)] or [clips]
    shows = "The first clips of held-out combinations, not chosen"
    yield animation(studio.pictures / "held_out.webp", rows, shows)


def checked(network: JudgingNetwork, studio: Studio) -> Iterator[Figure]:
    """Of real clips of other seeds, half of them held out."""
    count = studio.scaled(FULL)
    found = [*cases(count, CHECKED), *cases(count, CHECKED, held=True)]
    answers = named(network, [case.real for case in found])
    yield from figures("real clips", accuracies(answers, found), at_least(REAL))
    still = accuracies(named(network, [frozen(case.real) for case in found]), found)["motion"]
    line = interval_below(BY_CHANCE)
    yield figure("real clips, frozen: motion", still, line, "%", control=True)
    some = found[:: max(1, len(found) // 64)]
    decoded = accuracies(named(network, studio.decoded(some)), some)
    yield from figures("real clips through the autoencoder", decoded)


def figures(
    name: str, values: dict[str, Estimate], line: Line | None = None, control: bool = False
) -> Iterator[Figure]:
    for kind, estimate in values.items():
        yield figure(f"{name}: {kind}", estimate, line, "%", control)


def hits(answers: Answers, found: Sequence[Case]) -> dict[str, np.ndarray]:
    """Of each kind, whether the answers are what the scenes show."""
    right = truth([case.scene for case in found])
    return {kind: np.array(answers[kind]) == np.array(right[kind]) for kind in right}


def accuracies(answers: Answers, found: Sequence[Case]) -> dict[str, Estimate]:
    return {kind: share(part) for kind, part in hits(answers, found).items()}


def all_three(answers: Answers, found: Sequence[Case]) -> Estimate:
    return share(np.all(list(hits(answers, found).values()), axis=0))
