"""Claim 4: MotionLoRAs steer the camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata
from torch import Tensor

from ...measures.camera_signature import CameraSignature
from ...motion_models.read import read_weights
from ...small_world.files import motion_lora
from .alike import check_alike
from .animations import grid, save_animation
from .charts import curves, matrix
from .estimates import mean, median, share
from .findings import Finding, Picture
from .measures.camera import CAMERA_MOVES, CLASSES, amounts, signature
from .scenes import Case, camera_cases
from .sitting import Sitting
from .studio import Shot, shipped_move

DIAGONAL, WORST, BESIDE = 0.9, 0.75, 0.2
UNSTEERED = 0.25
"""Twice the chance of eight moves: what clips without a MotionLoRA may show by accident."""
REAL = 0.95
RISES, GROW = 0.9, 0.85
HALF, CANCELLED, LEAST = 0.5, 0.25, 0.25
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
TOGETHER = (("pan left", "zoom in"), ("tilt up", "roll clockwise"))
OPPOSED = (("pan left", "pan right"), ("zoom in", "zoom out"))

METHOD = """\
Still things on checkered grounds (base model, motion module, no adapter) with each of the eight
MotionLoRAs. The camera's move is read from the optical flow by robust affine fits, and told as a
share of the reference clips' amount. The same prompts and noise without any MotionLoRA are the
control. Monotone: Spearman's rank correlation of strength (0, 0.25 ... 1) and signed amount, clip
by clip; amounts that stay the same correlate by 0. Two at once: each has to keep half of the amount
that it has alone, which has to be a quarter of the reference clips' at least; of two opposed ones a
quarter may be left, whichever way. MotionLoRAs of fewer reference clips are compared on the moves
that they were trained for, everything else being the same."""

Scenes = dict[str, list[Case]]
Read = dict[str, list[CameraSignature]]


def measure(sitting: Sitting) -> Finding:
    finding = Finding(4, "MotionLoRAs steer the camera", METHOD)
    scenes = {move: camera_cases(move, sitting.scaled(16)) for move in CAMERA_MOVES}
    clips = {move: moved(sitting, finding, found, [move]) for move, found in scenes.items()}
    full = {move: [signature(clip) for clip in part] for move, part in clips.items()}
    measure_classes(finding, sitting, scenes, full)
    measure_strengths(finding, sitting, scenes)
    measure_pairs(finding, sitting, scenes["pan left"], full)
    measure_files(finding, sitting, scenes)
    rows = [[clips[move][i] for move in CAMERA_MOVES] for i in range(2)]
    save_animation(sitting.pictures / "camera.webp", grid(rows))
    shows = f"From the left: {', '.join(CAMERA_MOVES)}"
    finding.pictures.append(Picture("camera.webp", shows))
    return finding


def moved(
    sitting: Sitting,
    finding: Finding,
    found: Sequence[Case],
    moves: Sequence[str],
    strength: float = 1.0,
) -> list[Tensor]:
    """Clips with these MotionLoRAs at once; at strength 0 without any."""
    files = tuple(shipped_move(move, strength) for move in moves) if strength else ()
    return sitting.render(finding, [Shot(c.caption, c.seed, moves=files) for c in found])


def measure_classes(finding: Finding, sitting: Sitting, scenes: Scenes, full: Read) -> None:
    right = share(hits(full))
    line = f"at least {DIAGONAL:.0%}"
    name = "clips that show their MotionLoRA's move"
    finding.add(name, right, line, right.value >= DIAGONAL, "%")
    worst = min((share(hits({move: part})) for move, part in full.items()), key=lambda e: e.value)
    name = "the same of the move that does so least"
    finding.add(name, worst, f"at least {WORST:.0%}", worst.value >= WORST, "%")
    bare = share(hits(read(sitting, finding, scenes, 0.0)))
    name, line = "the same without a MotionLoRA", f"interval below {UNSTEERED:.0%}"
    finding.add(name, bare, line, bare.high < UNSTEERED, "%", control=True)
    beside = median([beside_of(one, move) for move, part in full.items() for one in part])
    name = "largest other component, of the move's own"
    finding.add(name, beside, f"below {BESIDE:g}", beside.value < BESIDE)
    real = {
        move: [signature(sitting.studio.through_autoencoder(case.real)) for case in found[:8]]
        for move, found in scenes.items()
    }
    read_right, line = share(hits(real)), f"at least {REAL:.0%}"
    name = "real clips through the autoencoder that show it"
    finding.add(name, read_right, line, read_right.value >= REAL, "%")
    shown = confusion(full)
    matrix(sitting.pictures / "camera.png", shown, CAMERA_MOVES, CLASSES, "what the clips show")
    finding.pictures.append(Picture("camera.png", "MotionLoRA (rows) and what its clips show"))


def read(sitting: Sitting, finding: Finding, scenes: Scenes, strength: float) -> Read:
    return {
        move: [signature(clip) for clip in moved(sitting, finding, found, [move], strength)]
        for move, found in scenes.items()
    }


def hits(found: Read) -> list[bool]:
    return [one.move == move for move, part in found.items() for one in part]


def confusion(found: Read) -> np.ndarray:
    """Rows of MotionLoRAs, columns of CLASSES."""
    counts = np.zeros((len(CAMERA_MOVES), len(CLASSES)))
    for move, part in found.items():
        for one in part:
            counts[CAMERA_MOVES.index(move), CLASSES.index(one.move)] += 1
    return counts


MOST = 9.0
"""Told where there is hardly any of the move itself."""


def beside_of(found: CameraSignature, move: str) -> float:
    """The largest other component as a share of the move's own amount."""
    own, beside = abs(amounts(found).of(move)), amounts(found).beside(move)
    return min(MOST, beside / own) if own else MOST


def measure_strengths(finding: Finding, sitting: Sitting, scenes: Scenes) -> None:
    few = {move: found[: sitting.scaled(8)] for move, found in scenes.items()}
    told: dict[float, dict[str, list[float]]] = {}
    for strength in STRENGTHS:
        found = read(sitting, finding, few, strength)
        told[strength] = {move: [amounts(o).of(move) for o in part] for move, part in found.items()}
    ranks = [
        rank_correlation([told[strength][move][i] for strength in STRENGTHS])
        for move in CAMERA_MOVES
        for i in range(len(few[move]))
    ]
    rises = mean(ranks)
    name = "rank correlation of strength and amount"
    finding.add(name, rises, f"at least {RISES:g}", rises.value >= RISES)
    middles = {move: [median(told[s][move]) for s in STRENGTHS] for move in CAMERA_MOVES}
    grows = [bool(np.all(np.diff([e.value for e in part]) > 0)) for part in middles.values()]
    growing, line = share(grows), f"at least {GROW:.0%}"
    name = "moves whose median grows at every step"
    finding.add(name, growing, line, growing.value >= GROW, "%")
    labels = "strength of the MotionLoRA", "amount, of the reference clips'"
    curves(sitting.pictures / "strength.png", STRENGTHS, middles, labels)
    shows = "Amount of each move over its MotionLoRA's strength, medians"
    finding.pictures.append(Picture("strength.png", shows))


def rank_correlation(values: Sequence[float]) -> float:
    """Spearman's, with the rising numbers 0, 1, 2...; 0 for values that are all the same."""
    ranks = rankdata(values)
    return float(np.corrcoef(ranks, np.arange(len(values)))[0, 1]) if np.ptp(ranks) else 0.0


def measure_pairs(finding: Finding, sitting: Sitting, found: Sequence[Case], full: Read) -> None:
    """Each amount beside the median of the MotionLoRA alone."""
    for both in (*TOGETHER, *OPPOSED):
        shown = [signature(clip) for clip in moved(sitting, finding, found, both)]
        for move in both if both in TOGETHER else both[:1]:
            alone = float(np.median([amounts(one).of(move) for one in full[move]]))
            told = max(alone, LEAST)  # of a move that is hardly there nothing can be kept
            left = np.array([amounts(one).of(move) / told for one in shown])
            name = f"{both[0]} + {both[1]}: {move}, of it alone"
            if both in TOGETHER:
                kept, line = median(left), f"at least {HALF:g}"
                finding.add(name, kept, line, kept.value >= HALF and alone >= LEAST)
            else:
                rest, line = median(np.abs(left)), f"at most {CANCELLED:g} either way"
                finding.add(name, rest, line, rest.value <= CANCELLED and alone >= LEAST)


def measure_files(finding: Finding, sitting: Sitting, scenes: Scenes) -> None:
    """MotionLoRAs trained on other numbers of reference clips, which their metadata tell, beside
    those that ship of the same moves."""
    by_clips: dict[int, list[Path]] = {}
    for path in with_shipped(sitting.lora_files):
        about: Any = read_weights(str(path))[1]
        by_clips.setdefault(int(about["clips"]), []).append(path)
    for clips, files in sorted(by_clips.items()):
        found: Read = {}
        for path in files:
            move = move_of(path)
            shots = [Shot(c.caption, c.seed, moves=((path, 1.0),)) for c in scenes[move]]
            found[move] = [signature(clip) for clip in sitting.render(finding, shots)]
        name = f"{clips} reference clips ({', '.join(found)})"
        finding.add(f"{name}: clips that show the move", share(hits(found)), unit="%")
        amount = [amounts(one).of(move) for move, part in found.items() for one in part]
        finding.add(f"{name}: amount, of the reference clips'", median(amount))
        beside = [beside_of(one, move) for move, part in found.items() for one in part]
        finding.add(f"{name}: largest other component", median(beside))


def with_shipped(paths: Sequence[Path]) -> list[Path]:
    """These files and the shipped ones of their moves. Raises ValueError where they differ in more
    than their clips."""
    shipped = {move: shipped_move(move)[0] for move in dict.fromkeys(map(move_of, paths))}
    for path in paths:
        check_alike(path, shipped[move_of(path)], ("models", "settings", "rank", "steps"))
    return [*paths, *shipped.values()]


def move_of(path: Path) -> str:
    """Of a file named as the shipped ones, with more behind. Raises ValueError for another."""
    for move in CAMERA_MOVES:
        if path.stem.startswith(Path(motion_lora(move)).stem):
            return move
    raise ValueError(
        f"{path.name} does not tell its move; name it as the shipped ones, "
        f"{motion_lora('zoom in')} for one, with more behind if you like."
    )
