"""Claim 4: MotionLoRAs steer the camera."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata
from torch import Tensor

from ...measures.camera_signature import CameraSignature
from ...motion_models.read import read_weights
from ...small_world.files import motion_lora
from .alike import check_alike
from .animations import animation
from .charts import curves, matrix
from .estimates import mean, median, share
from .findings import Part, figure
from .lines import Line, at_least, below, interval_below
from .measures.camera import CAMERA_MOVES, CLASSES, amounts, signature
from .scenes import Case, camera_cases
from .sitting import Sitting
from .studio import shipped_move

DIAGONAL, WORST, BESIDE = 0.9, 0.75, 0.2
UNSTEERED = 0.25
"""Twice the chance of eight moves: what clips without a MotionLoRA may show by accident."""
REAL = 0.95
RISES, GROW = 0.9, 0.85
HALF, CANCELLED, LEAST = 0.5, 0.25, 0.25
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
TOGETHER = (("pan left", "zoom in"), ("tilt up", "roll clockwise"))
OPPOSED = (("pan left", "pan right"), ("zoom in", "zoom out"))

MOST = 9.0
"""Of what is beside a move, told where there is hardly any of the move itself."""

Scenes = dict[str, list[Case]]
Clips = dict[str, list[Tensor]]
Read = dict[str, list[CameraSignature]]
"""Each of every move."""


def parts(sitting: Sitting) -> Iterator[Part]:
    scenes = {move: camera_cases(move, sitting.scaled(16)) for move in CAMERA_MOVES}
    clips = steered(sitting, scenes)
    full = read(clips)
    yield from class_parts(sitting, scenes, full)
    yield from strength_parts(sitting, scenes)
    for both in TOGETHER:
        yield from pair_parts(sitting, scenes["pan left"], full, both)
    for both in OPPOSED:
        yield from opposed_parts(sitting, scenes["pan left"], full, both)
    yield from file_parts(sitting, scenes)
    rows = [[clips[move][i] for move in CAMERA_MOVES] for i in range(2)]
    shows = f"From the left: {', '.join(CAMERA_MOVES)}"
    yield animation(sitting.pictures / "camera.webp", rows, shows)


def steered(sitting: Sitting, scenes: Scenes, strength: float = 1.0) -> Clips:
    """Each move's scenes with its MotionLoRA; at strength 0 without any."""
    return {
        move: sitting.render(found, moves=(shipped_move(move, strength),) if strength else ())
        for move, found in scenes.items()
    }


def read(clips: Clips) -> Read:
    return {move: [signature(clip) for clip in part] for move, part in clips.items()}


def hits(found: Read) -> list[bool]:
    return [one.move == move for move, part in found.items() for one in part]


def amounts_of(found: Read) -> list[float]:
    return [amounts(one).of(move) for move, part in found.items() for one in part]


def beside_all(found: Read) -> list[float]:
    return [beside_of(one, move) for move, part in found.items() for one in part]


def beside_of(found: CameraSignature, move: str) -> float:
    """The largest other component as a share of the move's own amount."""
    own, beside = abs(amounts(found).of(move)), amounts(found).beside(move)
    return min(MOST, beside / own) if own else MOST


def class_parts(sitting: Sitting, scenes: Scenes, full: Read) -> Iterator[Part]:
    name = "clips that show their MotionLoRA's move"
    yield figure(name, share(hits(full)), at_least(DIAGONAL), "%")
    worst = min((share(hits({move: full[move]})) for move in full), key=lambda one: one.value)
    yield figure("the same of the move that does so least", worst, at_least(WORST), "%")
    bare, line = share(hits(read(steered(sitting, scenes, 0.0)))), interval_below(UNSTEERED)
    yield figure("the same without a MotionLoRA", bare, line, "%", control=True)
    beside = median(beside_all(full))
    yield figure("largest other component, of the move's own", beside, below(BESIDE))
    real = read({move: sitting.decoded(found[:8]) for move, found in scenes.items()})
    name = "real clips through the autoencoder that show it"
    yield figure(name, share(hits(real)), at_least(REAL), "%")
    path, shows = sitting.pictures / "camera.png", "MotionLoRA (rows) and what its clips show"
    yield matrix(path, confusion(full), (CAMERA_MOVES, CLASSES), shows)


def confusion(found: Read) -> np.ndarray:
    """Rows of MotionLoRAs, columns of CLASSES."""
    shown = {move: [one.move for one in found.get(move, [])] for move in CAMERA_MOVES}
    return np.array([[shown[move].count(name) for name in CLASSES] for move in CAMERA_MOVES])


def strength_parts(sitting: Sitting, scenes: Scenes) -> Iterator[Part]:
    few = {move: found[: sitting.scaled(8)] for move, found in scenes.items()}
    found = [amounts_of(read(steered(sitting, few, strength))) for strength in STRENGTHS]
    told = np.reshape(found, (len(STRENGTHS), len(CAMERA_MOVES), -1))
    rises = mean([rank_correlation(values) for values in np.transpose(found)])
    yield figure("rank correlation of strength and amount", rises, at_least(RISES))
    middles = {move: [median(clips) for clips in told[:, i]] for i, move in enumerate(CAMERA_MOVES)}
    grows = [np.all(np.diff([one.value for one in part]) > 0) for part in middles.values()]
    yield figure("moves whose median grows at every step", share(grows), at_least(GROW), "%")
    labels = "strength of the MotionLoRA", "amount, of the reference clips'"
    shows = "Amount of each move over its MotionLoRA's strength, medians"
    yield curves(sitting.pictures / "strength.png", STRENGTHS, middles, labels, shows)


def rank_correlation(values: Sequence[float] | np.ndarray) -> float:
    """Spearman's, with the rising numbers 0, 1, 2...; 0 for values that are all the same."""
    ranks = rankdata(values)
    return float(np.corrcoef(ranks, np.arange(len(values)))[0, 1]) if np.ptp(ranks) else 0.0


Both = tuple[str, str]


def pair_parts(sitting: Sitting, found: list[Case], full: Read, both: Both) -> Iterator[Part]:
    for move in both:
        alone, left = left_of(move, both, sitting, found, full)
        line = Line("at least {}", (HALF,), lambda e, a=alone: e.value >= HALF and a >= LEAST)
        yield figure(f"{both[0]} + {both[1]}: {move}, of it alone", median(left), line)


def opposed_parts(sitting: Sitting, found: list[Case], full: Read, both: Both) -> Iterator[Part]:
    move = both[0]
    alone, left = left_of(move, both, sitting, found, full)
    words = "at most {} either way"
    line = Line(words, (CANCELLED,), lambda e: e.value <= CANCELLED and alone >= LEAST)
    yield figure(f"{move} + {both[1]}: {move}, of it alone", median(np.abs(left)), line)


def left_of(
    move: str, both: Both, sitting: Sitting, found: list[Case], full: Read
) -> tuple[float, np.ndarray]:
    """The median amount of the move's MotionLoRA alone; and of both at once, as shares of it."""
    alone = float(np.median(amounts_of({move: full[move]})))
    told = max(alone, LEAST)  # of a move that is hardly there nothing can be kept
    clips = sitting.render(found, moves=tuple(map(shipped_move, both)))
    return alone, np.array(amounts_of(read({move: clips}))) / told


def file_parts(sitting: Sitting, scenes: Scenes) -> Iterator[Part]:
    """MotionLoRAs trained on other numbers of reference clips, which their metadata tell, beside
    those that ship of the same moves."""
    by_clips: dict[int, list[Path]] = {}
    for path in with_shipped(sitting.lora_files):
        about: Any = read_weights(str(path))[1]
        by_clips.setdefault(int(about["clips"]), []).append(path)
    for count, files in sorted(by_clips.items()):
        moves = {move_of(path): path for path in files}
        clips = {
            move: sitting.render(scenes[move], moves=((path, 1.0),)) for move, path in moves.items()
        }
        name, found = f"{count} reference clips ({', '.join(moves)})", read(clips)
        yield figure(f"{name}: clips that show the move", share(hits(found)), unit="%")
        yield figure(f"{name}: amount, of the reference clips'", median(amounts_of(found)))
        yield figure(f"{name}: largest other component", median(beside_all(found)))


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
