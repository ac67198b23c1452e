"""ComfyUI's output, temp and model folders in a place of a test's own, for tests of training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import folder_paths
from animatediff_kit.motion_models.folders import (
    LORAS,
    MOTION_LORAS,
    MOTION_MODELS,
    register_folders,
)


@contextmanager
def own_folders(root: Path) -> Iterator[Path]:
    """Everything below `root`; as it was before, afterwards."""
    register_folders()  # so that there is something to come back to
    names = folder_paths.folder_names_and_paths
    output, temp = folder_paths.get_output_directory(), folder_paths.get_temp_directory()
    before = {name: names[name] for name in (LORAS, MOTION_LORAS, MOTION_MODELS)}
    folder_paths.set_output_directory(str(root / "output"))
    folder_paths.set_temp_directory(str(root / "temp"))
    for name in before:
        names[name] = ([str(root / name)], {".safetensors"})
    try:
        yield root
    finally:
        folder_paths.set_output_directory(output)
        folder_paths.set_temp_directory(temp)
        names.update(before)
