"""Claim 7: what a prompt says comes about, in combinations that were never trained too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from .animations import grid, save_animation
from .charts import bars
from .controls import frozen
from .estimates import Estimate, share
from .findings import Finding, Picture
from .measures.classifier import Classifier
from .measures.label_network import named, trained_labels, truth
from .scenes import CHECKED, NETWORKS, REPORT, Case, cases
from .sitting import FULL, Sitting
from .studio import Shot

REAL, GENERATED, BY_CHANCE = 0.98, 0.5, 0.3
"""What the network has to reach on real clips; what the interval of generated clips has to be
above; what it has to be below where prompts tell nothing, which is twice the chance of a motion."""

KINDS = ("colour", "shape", "motion")

METHOD = """\
One in eight combinations of colour, shape and motion is in no training set, neither of pictures nor
of clips. Clips of such combinations are generated from their captions (base model, motion module,
no adapter), and a 3-D network names what they show. It was trained on real, drawn clips of other
seeds, among them frozen, reversed and shuffled ones, so that it answers by what moves and not by
the trail that a moving thing has in a still picture. Chance is 17 % for colours, 20 % for shapes
and 14 % for motions. Swapped prompts: the answers are held against another clip's caption."""


def measure(sitting: Sitting) -> Finding:
    finding = Finding(7, "Combinations that were never trained", METHOD)
    network = trained_labels(sitting.folder, NETWORKS)
    check_network(finding, network, sitting)
    held = cases(sitting.scaled(FULL), REPORT, held=True)
    trained = cases(sitting.scaled(FULL // 4), REPORT)
    clips = sitting.render(finding, [Shot(case.caption, case.seed) for case in held])
    known = sitting.render(finding, [Shot(case.caption, case.seed) for case in trained])
    answers = named(network, clips)
    right = accuracies(answers, truth([case.scene for case in held]))
    for kind, estimate in right.items():
        line = f"interval above {GENERATED:.0%}"
        finding.add(f"held-out: {kind}", estimate, line, estimate.low > GENERATED, "%")
    swapped = accuracies(answers, truth([case.scene for case in [*held[1:], held[0]]]))
    for kind, estimate in swapped.items():
        refused, line = estimate.high < BY_CHANCE, f"interval below {BY_CHANCE:.0%}"
        finding.add(f"swapped prompts: {kind}", estimate, line, refused, "%", control=True)
    both = all_three(answers, truth([case.scene for case in held]))
    finding.add("held-out: all three", both, unit="%")
    of_trained = accuracies(named(network, known), truth([case.scene for case in trained]))
    for kind, estimate in of_trained.items():
        finding.add(f"trained combinations: {kind}", estimate, unit="%")
    groups = {"held-out": right, "trained": of_trained, "swapped prompts": swapped}
    draw_pictures(finding, sitting, {k: list(v.values()) for k, v in groups.items()}, clips)
    return finding


def check_network(finding: Finding, network: Classifier, sitting: Sitting) -> None:
    """Of real clips of other seeds, half of them held out."""
    count = sitting.scaled(FULL)
    real = [*cases(count, CHECKED), *cases(count, CHECKED, held=True)]
    right = truth([case.scene for case in real])
    for kind, estimate in accuracies(named(network, [c.real for c in real]), right).items():
        line = f"at least {REAL:.0%}"
        finding.add(f"real clips: {kind}", estimate, line, estimate.value >= REAL, "%")
    still = accuracies(named(network, [frozen(c.real) for c in real]), right)["motion"]
    refused, line = still.high < BY_CHANCE, f"interval below {BY_CHANCE:.0%}"
    finding.add("real clips, frozen: motion", still, line, refused, "%", control=True)
    decoded = [sitting.studio.through_autoencoder(case.real) for case in subset(real)]
    right = truth([case.scene for case in subset(real)])
    for kind, estimate in accuracies(named(network, decoded), right).items():
        finding.add(f"real clips through the autoencoder: {kind}", estimate, unit="%")


def subset(real: Sequence[Case]) -> Sequence[Case]:
    return real[:: max(1, len(real) // 64)]


def accuracies(answers: dict[str, list[str]], right: dict[str, list[str]]) -> dict[str, Estimate]:
    return {
        kind: share([a == b for a, b in zip(answers[kind], right[kind], strict=True)])
        for kind in KINDS
    }


def all_three(answers: dict[str, list[str]], right: dict[str, list[str]]) -> Estimate:
    hits = [[a == b for a, b in zip(answers[kind], right[kind], strict=True)] for kind in KINDS]
    return share(np.all(hits, axis=0))


def draw_pictures(
    finding: Finding, sitting: Sitting, groups: dict[str, list[Estimate]], clips: Sequence[Tensor]
) -> None:
    bars(sitting.pictures / "labels.png", groups, KINDS, "share of right names", GENERATED)
    finding.pictures.append(Picture("labels.png", "Share of clips that show what was asked for"))
    some = list(clips[:24])
    rows = [some[i : i + 8] for i in range(0, len(some) - len(some) % 8, 8)] or [some]
    save_animation(sitting.pictures / "held_out.webp", grid(rows))
    shows = "The first clips of held-out combinations, not chosen"
    finding.pictures.append(Picture("held_out.webp", shows))
