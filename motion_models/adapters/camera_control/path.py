"""Where a camera stands in each frame of a video, and RealEstate10K's text format for it.

A line of the format is one frame's: time, fx, fy, cx, cy, two numbers without meaning, and the 12
of the matrix 3 x 4 that takes the world to the camera, row by row. The first line is the video's
address (google.github.io/realestate10k).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NUMBERS = 19
"""Of a line."""

LENS = (0.474812461, 0.844111024, 0.5, 0.5)
"""fx, fy, cx, cy of the published examples, whose pictures are 16 to 9."""

CROOKED = 1e-2
"""By how much the rows of a rotation may miss being at right angles and of length 1."""


@dataclass(frozen=True, eq=False)
class CameraPath:
    """A camera in each frame.

    poses: f 4 4, from the camera to the world (x to the right, y down, z forward); lenses: f 4, the
    focal lengths fx and fy and the centre cx and cy, in widths and heights of the picture
    """

    poses: np.ndarray
    lenses: np.ndarray

    def __len__(self) -> int:
        return len(self.poses)

    def relative(self) -> np.ndarray:
        """The poses as the first frame's camera sees them; its own is the identity.   f 4 4"""
        relative = np.linalg.inv(self.poses[0]) @ self.poses
        relative[0] = np.eye(4)
        return relative

    def check(self, frames: int) -> None:
        """Raise ValueError unless the path is of a video of so many frames."""
        if len(self) != frames:
            raise ValueError(
                f"The camera's path has {len(self)} frames, but the video has {frames}. Make "
                "frames of the node that plans the path the batch_size of Empty Latent Image."
            )


def read_poses(text: str) -> CameraPath:
    """A path in RealEstate10K's format. Raises ValueError that names the line."""
    lines = [(i, line.split()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    if lines and not is_row(lines[0][1]):
        lines = lines[1:]  # the video's address
    if not lines:
        raise ValueError(
            f"poses holds no camera. RealEstate10K's format has one line of {NUMBERS} numbers for "
            "each frame, behind a line with an address."
        )
    rows = np.array([read_row(number, words) for number, words in lines])
    poses = np.tile(np.eye(4), (len(rows), 1, 1))
    poses[:, :3] = rows[:, 7:].reshape(-1, 3, 4)
    for (number, _), pose in zip(lines, poses, strict=True):
        check_rotation(number, pose[:3, :3])
    return CameraPath(np.linalg.inv(poses), rows[:, 1:5])


def is_row(words: Sequence[str]) -> bool:
    """Whether a first line is a camera, or meant as one: an address is one word, or none that
    begins with a number."""
    try:
        float(words[0])
    except ValueError:
        return False
    return len(words) > 1


def read_row(line: int, words: Sequence[str]) -> list[float]:
    """The numbers of one line."""
    if len(words) != NUMBERS:
        raise ValueError(
            f"Line {line} of poses holds {len(words)} values; RealEstate10K's format has {NUMBERS}:"
            " time, fx, fy, cx, cy, two zeros, and the 12 of a matrix."
        )
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise ValueError(f"Line {line} of poses holds what is no number: {error}.") from error
    if not np.isfinite(numbers).all() or min(numbers[1:3]) <= 0:
        raise ValueError(
            f"Line {line} of poses has the focal lengths {numbers[1]:g} and {numbers[2]:g}, or "
            "numbers without end; focal lengths are above 0, all numbers finite."
        )
    return numbers


def check_rotation(line: int, rotation: np.ndarray) -> None:
    off = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    if off > CROOKED or np.linalg.det(rotation) < 0:
        raise ValueError(
            f"Line {line} of poses has a matrix that does not only turn and move the camera: its "
            f"rows miss right angles and length 1 by {off:.2g}, or mirror. Check the order of the "
            "numbers: it goes from world to camera, row by row."
        )


def write_poses(path: CameraPath) -> str:
    """The path in RealEstate10K's format; its times are the numbers of the frames."""
    rows = [f"{i} {words(lens)} 0 0 {words(pose)}" for i, (lens, pose) in enumerate(entries(path))]
    return "\n".join(["AnimateDiff-Kit", *rows]) + "\n"


def entries(path: CameraPath) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(zip(path.lenses, np.linalg.inv(path.poses)[:, :3], strict=True))


def words(numbers: np.ndarray) -> str:
    return " ".join(f"{number:.9f}" for number in numbers.flatten())
