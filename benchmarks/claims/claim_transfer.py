"""Claim 2: the motion module moves personalised models that it never saw."""

from __future__ import annotations

from collections.abc import Iterator

from ...small_world.files import BASE, IMAGE_MODELS, NEON, OUTLINED
from .estimates import Estimate, mean
from .findings import Part, at_least, figure, interval_below
from .judges import STYLE_JUDGE, share_of_style, trained
from .pictures import animation, bars
from .quality import CONTROL, Shown, identity_figures, motion_figures, track_figures
from .scenes import CHECKED, NETWORKS, REPORT, STRAIGHT, cases, shuffled
from .studio import FULL, STILL, Studio

OWN, REAL, OTHERS = 0.9, 0.98, 0.2


def parts(studio: Studio) -> Iterator[Part]:
    network, count = trained(STYLE_JUDGE, studio.folder, NETWORKS), studio.scaled(FULL // 4)
    for style in IMAGE_MODELS:
        checked = [case.real for case in cases(count, CHECKED, style=style)]
        right = mean(share_of_style(network, checked, style))
        yield figure(f"real {style} clips: style", right, at_least(REAL), "%")
    made, still, real = {}, {}, {}
    for name in IMAGE_MODELS:
        found = cases(count, REPORT, STRAIGHT, style=name)
        made[name] = Shown(studio.shoot(found, model=name), found)
        still[name] = Shown(studio.shoot(found, model=name, motion=STILL), found)
        real[name] = Shown(studio.decoded(found), found)
    shown: dict[str, list[Estimate]] = {"animated": [], "single pictures": [], "base, animated": []}
    for style in (OUTLINED, NEON):
        own, most, alone, base = (
            mean(share_of_style(network, one.clips, style))
            for one in (made[style], real[style], still[style], made[BASE])
        )
        yield figure(f"{style} model, animated: own style", own, at_least(OWN), "%")
        yield figure(f"real {style} clips through the autoencoder: style", most, unit="%")
        yield figure(f"{style} model, single pictures: own style", alone, unit="%")
        name, line = f"base model, animated: {style} style", interval_below(OTHERS)
        yield figure(name, base, line, "%", control=True)
        for group, estimate in zip(shown.values(), (own, alone, base), strict=True):
            group.append(estimate)
    path, label = studio.pictures / "transfer.png", "share of frames in the style"
    shows = "Frames in the personalised model's style"
    yield bars(path, shown, (OUTLINED, NEON), label, OWN, shows)
    for name in IMAGE_MODELS:
        yield from motion_parts(name, made[name], still[name], real[name])
    rows = [shown.clips[:6] for shown in made.values()]
    shows = "Base, outlined and neon model with the same motion module, prompts and noise"
    yield animation(studio.pictures / "transfer.webp", rows, shows)


def motion_parts(name: str, made: Shown, still: Shown, real: Shown) -> Iterator[Part]:
    for figures in (motion_figures, track_figures, identity_figures):
        yield from figures(f"{name} model", made, real)
    if name != BASE:
        mixed = made.spoiled(shuffled)
        yield from track_figures(f"{name} model, shuffled", mixed, real, CONTROL)
        for figures in (motion_figures, track_figures):
            yield from figures(f"{name} model without the module", still, real, CONTROL)
