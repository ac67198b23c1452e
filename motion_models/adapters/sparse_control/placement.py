"""Which frames of a video the hint images are of, and which of them a window sees."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

INDICES = "indices"
"""The placement that is a list of frames, and no spread."""


def uniform(images: int, frames: int) -> list[int]:
    """From the first frame to the last, at even distances; one image is of the first frame."""
    gaps = max(1, images - 1)
    return [(2 * i * (frames - 1) + gaps) // (2 * gaps) for i in range(images)]


def starting(images: int, frames: int) -> list[int]:
    """The first frame of each of as many even parts as there are images."""
    return [i * frames // images for i in range(images)]


def ending(images: int, frames: int) -> list[int]:
    """The last frame of each of these parts."""
    return [frames - 1 - frame for frame in reversed(starting(images, frames))]


def center(images: int, frames: int) -> list[int]:
    """The middle frame of each of these parts."""
    return [(2 * i + 1) * frames // (2 * images) for i in range(images)]


SPREADS: dict[str, Callable[[int, int], list[int]]] = {
    "uniform": uniform,
    "starting": starting,
    "ending": ending,
    "center": center,
}


@dataclass(frozen=True)
class HintFrames:
    """How hint images are laid over the frames of a video.

    placement: a name in SPREADS, or "indices"; indices: one frame for each image, or any number of
    frames that one image is shown at. Below 0 they count from the end.
    """

    placement: str = "uniform"
    indices: tuple[int, ...] = ()

    def check(self, images: int) -> None:
        """Raise ValueError where images and indices do not go together."""
        if self.placement not in (INDICES, *SPREADS):
            raise ValueError(
                f"{self.placement!r} is no placement of hint images; there are "
                f"{', '.join((INDICES, *SPREADS))}."
            )
        if self.placement == INDICES and images not in (1, len(self.indices)):
            given = ", ".join(map(str, self.indices))
            raise ValueError(
                f"{len(self.indices)} frame indices ({given}) are given for {images} hint images; "
                "give one for each image."
            )

    def of(self, images: int, frames: int) -> dict[int, int]:
        """Frame -> number of the image that is its hint, in a video of `frames` frames.

        Raises ValueError for a frame outside the video, two images at one frame, or more images
        than frames.
        """
        self.check(images)
        if self.placement == INDICES:
            return self.of_indices(images, frames)
        if images > frames:
            raise ValueError(
                f"{images} hint images are given for a video of {frames} frames; give {frames} or "
                "fewer, or raise batch_size in Empty Latent Image."
            )
        spread = SPREADS[self.placement](images, frames)
        return {frame: number for number, frame in enumerate(spread)}

    def of_indices(self, images: int, frames: int) -> dict[int, int]:
        hints: dict[int, int] = {}
        for number, index in enumerate(self.indices):
            if not -frames <= index < frames:
                raise ValueError(
                    f"Hint frame {index} lies outside the video, whose {frames} frames are 0 to "
                    f"{frames - 1} (or -1 to {-frames} from the end). Change frame_indices."
                )
            frame = index % frames
            if frame in hints:
                raise ValueError(
                    f"Frame {frame} is given two hints in frame_indices "
                    f"({', '.join(map(str, self.indices))}); give each frame one."
                )
            hints[frame] = 0 if images == 1 else number
        return hints


def read_indices(text: str) -> tuple[int, ...]:
    """ "0, 8, -1" -> (0, 8, -1); commas, semicolons and spaces part them. Raises ValueError for
    anything but whole numbers, and for none."""
    words = [word for word in re.split(r"[\s,;]+", text.strip()) if word]
    wrong = next((word for word in words if not re.fullmatch(r"[+-]?\d{1,9}", word)), None)
    if wrong is not None:
        raise ValueError(
            f"{wrong!r} in frame_indices is no whole number; write frames like 0, 8, -1."
        )
    if not words:
        raise ValueError("frame_indices is empty; write one frame for each image, like 0, 8, -1.")
    return tuple(map(int, words))


def in_window(hints: dict[int, int], window: Sequence[int]) -> dict[int, int]:
    """Place in a window -> number of the image that is its hint.   hints: frame -> image

    A window without a hint of its own gets the nearest, at its place that is nearest to it; of two
    that are as near (one before it, one behind), both. So no window is left unsteered.
    """
    inside = {place: hints[frame] for place, frame in enumerate(window) if frame in hints}
    if inside:
        return inside
    nearest = {
        hint: min(range(len(window)), key=lambda place, hint=hint: abs(window[place] - hint))
        for hint in hints
    }
    distance = {hint: abs(window[place] - hint) for hint, place in nearest.items()}
    closest = min(distance.values())
    return {nearest[hint]: hints[hint] for hint in hints if distance[hint] == closest}
