"""Claim 4: MotionLoRAs steer the camera (Q2)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata
from torch import Tensor

from ...measures.camera_signature import CameraSignature
from ...measures.motion_measures import measure_motion
from ...motion_models.read import read_weights
from ...small_world.files import motion_lora
from ...small_world.motions import MOVES
from ...small_world.variants import FEW
from .estimates import Estimate, mean, median, share
from .findings import Figure, Part, at_least, at_most, below, figure, interval_below
from .pictures import animation, curves, matrix
from .scenes import Case, camera_cases
from .studio import Studio, check_alike, shipped_move

CAMERA_MOVES = tuple(move for move in MOVES if move != "none")
CLASSES = (*CAMERA_MOVES, "none")

DIAGONAL, WORST, BESIDE = 0.9, 0.75, 0.2
UNSTEERED, REAL = 0.25, 0.95  # twice the chance of eight moves, which clips may show by accident
RISES, GROW = 0.9, 0.85
HALF, CANCELLED, LEAST = 0.5, 0.25, 0.25
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
TOGETHER = (("pan left", "zoom in"), ("tilt up", "roll clockwise"))
OPPOSED = (("pan left", "pan right"), ("zoom in", "zoom out"))
MOST = 9.0  # of what is beside a move, told where there is hardly any of the move itself

Scenes = dict[str, list[Case]]  # of each move


@dataclass(frozen=True)
class Read:
    """What a clip that was made with a move's MotionLoRA shows."""

    move: str
    found: CameraSignature

    @property
    def hit(self) -> bool:
        return self.found.move == self.move

    @property
    def amount(self) -> float:
        """Over the clip, 1 being a reference clip's; below 0 of the opposite move."""
        return self.of(self.move)

    @property
    def beside(self) -> float:
        """The largest other component as a share of the move's own amount."""
        others = [move for move in CAMERA_MOVES if not np.dot(MOVES[move], MOVES[self.move])]
        own, beside = abs(self.amount), max(map(self.of, others))
        return min(MOST, beside / own) if own else MOST

    def of(self, move: str) -> float:
        found, whole = self.found, np.array(MOVES[move])
        growth, turn = math.log(found.zoom_factor), math.radians(found.roll_degrees)
        told = np.array((found.pan_pixels, found.tilt_pixels, growth, turn))
        return float(told @ whole / (whole @ whole))


def read(move: str, clips: Sequence[Tensor]) -> list[Read]:
    return [Read(move, measure_motion(clip).camera()) for clip in clips]


def of_move(found: Sequence[Read], move: str) -> list[Read]:
    return [one for one in found if one.move == move]


def shown(found: Sequence[Read]) -> Estimate:
    """The share of clips that show the move."""
    return share([one.hit for one in found])


def parts(studio: Studio) -> Iterator[Part]:
    scenes = {move: camera_cases(move, studio.scaled(16)) for move in CAMERA_MOVES}
    full = steered(studio, scenes)
    yield from class_parts(studio, scenes, full)
    yield from strength_parts(studio, scenes)
    for both in (*TOGETHER, *OPPOSED):
        clips = studio.shoot(scenes["pan left"], moves=tuple(map(shipped_move, both)))
        yield from pair_figures(both, clips, full)
    yield from file_parts(studio, scenes)
    first = {move: scenes[move][:2] for move in CAMERA_MOVES}
    columns = [studio.shoot(found, moves=(shipped_move(m),)) for m, found in first.items()]
    shows = f"From the left: {', '.join(CAMERA_MOVES)}"
    yield animation(studio.pictures / "camera.webp", list(zip(*columns, strict=True)), shows)


def steered(studio: Studio, scenes: Scenes, strength: float = 1.0) -> list[Read]:
    """Each move's scenes with its MotionLoRA; at strength 0 without any."""
    found: list[Read] = []
    for move, some in scenes.items():
        moves = (shipped_move(move, strength),) if strength else ()
        found += read(move, studio.shoot(some, moves=moves))
    return found


def class_parts(studio: Studio, scenes: Scenes, full: list[Read]) -> Iterator[Part]:
    yield figure("clips that show their MotionLoRA's move", shown(full), at_least(DIAGONAL), "%")
    worst = min((shown(of_move(full, move)) for move in scenes), key=lambda found: found.value)
    yield figure("the same of the move that does so least", worst, at_least(WORST), "%")
    bare, line = shown(steered(studio, scenes, 0.0)), interval_below(UNSTEERED)
    yield figure("the same without a MotionLoRA", bare, line, "%", control=True)
    beside = median([one.beside for one in full])
    yield figure("largest other component, of the move's own", beside, below(BESIDE))
    real = [one for m, found in scenes.items() for one in read(m, studio.decoded(found[:8]))]
    name = "real clips through the autoencoder that show it"
    yield figure(name, shown(real), at_least(REAL), "%")
    path, shows = studio.pictures / "camera.png", "MotionLoRA (rows) and what its clips show"
    yield matrix(path, confusion(full), (CAMERA_MOVES, CLASSES), shows)


def confusion(found: Sequence[Read]) -> np.ndarray:
    """Rows of MotionLoRAs, columns of CLASSES."""
    pairs = [(one.move, one.found.move) for one in found]
    return np.array([[pairs.count((row, column)) for column in CLASSES] for row in CAMERA_MOVES])


def strength_parts(studio: Studio, scenes: Scenes) -> Iterator[Part]:
    few = {move: found[: studio.scaled(8)] for move, found in scenes.items()}
    found = [steered(studio, few, strength) for strength in STRENGTHS]
    by_clip = [[one.amount for one in strengths] for strengths in zip(*found, strict=True)]
    rises = mean([rank_correlation(told) for told in by_clip])
    yield figure("rank correlation of strength and amount", rises, at_least(RISES))
    middles = {
        move: [median([one.amount for one in of_move(part, move)]) for part in found]
        for move in CAMERA_MOVES
    }
    grows = [np.all(np.diff([one.value for one in part]) > 0) for part in middles.values()]
    yield figure("moves whose median grows at every step", share(grows), at_least(GROW), "%")
    labels = "strength of the MotionLoRA", "amount, of the reference clips'"
    shows = "Amount of each move over its MotionLoRA's strength, medians"
    yield curves(studio.pictures / "strength.png", STRENGTHS, middles, labels, shows)


def rank_correlation(values: Sequence[float]) -> float:
    """Spearman's, with the rising numbers 0, 1, 2...; 0 for values that are all the same."""
    ranks = rankdata(values)
    return float(np.corrcoef(ranks, np.arange(len(values)))[0, 1]) if np.ptp(ranks) else 0.0


def pair_figures(
    both: tuple[str, str], clips: Sequence[Tensor], full: Sequence[Read]
) -> Iterator[Figure]:
    """Two MotionLoRAs at once: what is left of each amount, or of the first of two opposed ones,
    as a share of the median with its MotionLoRA alone."""
    for move in both if both in TOGETHER else both[:1]:
        alone = float(np.median([one.amount for one in of_move(full, move)]))
        told = max(alone, LEAST)  # of a move that is hardly there nothing can be kept
        left, line = np.array([one.amount for one in read(move, clips)]) / told, at_least(HALF)
        if both in OPPOSED:
            left, line = np.abs(left), at_most(CANCELLED)._replace(words="at most {} either way")
        held = line if alone >= LEAST else line._replace(holds=lambda _: False)
        yield figure(f"{both[0]} + {both[1]}: {move}, of it alone", median(left), held)


def file_parts(studio: Studio, scenes: Scenes) -> Iterator[Part]:
    """MotionLoRAs trained on other numbers of reference clips, which their metadata tell, beside
    those that ship of the same moves."""
    by_clips: dict[int, dict[str, list[Read]]] = {}
    for path in with_shipped(trained_on_few(studio)):
        about, move = read_weights(str(path))[1], move_of(path)
        clips = studio.shoot(scenes[move], moves=((path, 1.0),))
        by_clips.setdefault(int(str(about["clips"])), {})[move] = read(move, clips)
    for count, moves in sorted(by_clips.items()):
        name = f"{count} reference clips ({', '.join(moves)})"
        found = [one for part in moves.values() for one in part]
        yield figure(f"{name}: clips that show the move", shown(found), unit="%")
        amount, beside = (median([getattr(o, k) for o in found]) for k in ("amount", "beside"))
        yield figure(f"{name}: amount, of the reference clips'", amount)
        yield figure(f"{name}: largest other component", beside)


def trained_on_few(studio: Studio) -> list[Path]:
    return sorted((studio.world / FEW).glob("*.safetensors"))


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
