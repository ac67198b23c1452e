"""Claim 2: the motion module moves personalised models that it never saw."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ...small_world.files import BASE, IMAGE_MODELS, NEON, OUTLINED
from .animations import grid, save_animation
from .charts import bars
from .controls import shuffled
from .estimates import Estimate, mean
from .findings import Finding, Picture
from .measures.classifier import Classifier
from .measures.style_network import share_of_style, trained_styles
from .quality import CONTROL, add_identity, add_range, add_tracks, decoded, tracks_of
from .scenes import CHECKED, NETWORKS, REPORT, STRAIGHT, Case, cases
from .sitting import FULL, Sitting
from .studio import STILL, TRANSFORMER, Shot

OWN, REAL, OTHERS = 0.9, 0.98, 0.2

METHOD = """\
The motion module, which stage 2 trained on the base model, is put on two others as it is: one
trained on with outlined shapes alone, as DreamBooth does (all of its UNet but the layers of 2 x 2
latents and below), one with a LoRA of a neon palette. A small network that was trained on drawn
pictures names the style of every frame; the base model's clips are its control. Smoothness is that
of things that move along a line: how far their track is from a constant velocity, and how much
moves, as a share of real clips drawn in the same style. The personalised models without the module
are the control, pictures in a row, and so are the animated clips with their frames shuffled.
Identity: whether the thing is there in every frame, and how much its area and colour vary."""


def measure(sitting: Sitting) -> Finding:
    finding = Finding(2, "It moves personalised models untouched", METHOD)
    network = trained_styles(sitting.folder, NETWORKS)
    scenes = {
        name: cases(sitting.scaled(FULL // 4), REPORT, STRAIGHT, style=name)
        for name in IMAGE_MODELS
    }
    check_network(finding, network, sitting)
    clips = {
        (name, kind): sitting.render(
            finding, [Shot(c.caption, c.seed, model=name, motion=kind) for c in scenes[name]]
        )
        for name in IMAGE_MODELS
        for kind in (TRANSFORMER, STILL)
    }
    measure_styles(finding, network, sitting, scenes, clips)
    for name in IMAGE_MODELS:
        measure_motion(finding, sitting, name, scenes[name], clips)
    rows = [clips[name, TRANSFORMER][:6] for name in IMAGE_MODELS]
    save_animation(sitting.pictures / "transfer.webp", grid(rows))
    shows = "Base, outlined and neon model with the same motion module, prompts and noise"
    finding.pictures.append(Picture("transfer.webp", shows))
    return finding


def check_network(finding: Finding, network: Classifier, sitting: Sitting) -> None:
    for style in IMAGE_MODELS:
        real = [c.real for c in cases(sitting.scaled(FULL // 4), CHECKED, style=style)]
        right = mean(share_of_style(network, real, style))
        line = f"at least {REAL:.0%}"
        finding.add(f"real {style} clips: style", right, line, right.value >= REAL, "%")


Scenes = dict[str, list[Case]]
Clips = dict[tuple[str, str], list[Tensor]]


def measure_styles(
    finding: Finding, network: Classifier, sitting: Sitting, scenes: Scenes, clips: Clips
) -> None:
    shown: dict[str, list[Estimate]] = {"animated": [], "single pictures": [], "base, animated": []}
    for style in (OUTLINED, NEON):
        own = mean(share_of_style(network, clips[style, TRANSFORMER], style))
        line = f"at least {OWN:.0%}"
        finding.add(f"{style} model, animated: own style", own, line, own.value >= OWN, "%")
        most = mean(share_of_style(network, decoded(sitting, scenes[style]), style))
        finding.add(f"real {style} clips through the autoencoder: style", most, unit="%")
        alone = mean(share_of_style(network, clips[style, STILL], style))
        finding.add(f"{style} model, single pictures: own style", alone, unit="%")
        base = mean(share_of_style(network, clips[BASE, TRANSFORMER], style))
        name, line = f"base model, animated: {style} style", f"interval below {OTHERS:.0%}"
        finding.add(name, base, line, base.high < OTHERS, "%", control=True)
        for group, estimate in zip(shown.values(), (own, alone, base), strict=True):
            group.append(estimate)
    path = sitting.pictures / "transfer.png"
    bars(path, shown, (OUTLINED, NEON), "share of frames in the style", OWN)
    finding.pictures.append(Picture("transfer.png", "Frames in the personalised model's style"))


def measure_motion(
    finding: Finding, sitting: Sitting, name: str, found: Sequence[Case], clips: Clips
) -> None:
    real = decoded(sitting, found)
    add_range(finding, f"{name} model", clips[name, TRANSFORMER], real)
    tracks, ideal = tracks_of(clips[name, TRANSFORMER], found), tracks_of(real, found)
    add_tracks(finding, f"{name} model", tracks, ideal, found)
    add_identity(finding, f"{name} model", tracks, ideal)
    if name != BASE:
        mixed = [shuffled(clip) for clip in clips[name, TRANSFORMER]]
        tracks = tracks_of(mixed, found)
        add_tracks(finding, f"{name} model, shuffled", tracks, ideal, found, CONTROL)
        what = f"{name} model without the module"
        add_range(finding, what, clips[name, STILL], real, CONTROL)
        tracks = tracks_of(clips[name, STILL], found)
        add_tracks(finding, what, tracks, ideal, found, CONTROL)
