"""What train.py says of an error that ends it, and how the panel finds it again in the log."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import torch

MORE = "    "
"""What the further lines of an error begin with."""

ERROR = re.compile(r"[\w.]*Error\b")
"""What an error begins with: train.py's own, or a traceback's last."""


MEMORY = re.compile(r"out of memory|allocate memory", re.IGNORECASE)
"""What torch's RuntimeErrors say of a full memory: of MPS's or the computer's. CUDA has its own."""


def is_expected(error: Exception) -> bool:
    """Whether its sentence is all that its user needs; of others the traceback is told too."""
    return isinstance(error, (ValueError, OSError, ModuleNotFoundError)) or memory_is_full(error)


def memory_is_full(error: Exception) -> bool:
    told = isinstance(error, RuntimeError) and MEMORY.search(str(error)) is not None
    return told or isinstance(error, torch.cuda.OutOfMemoryError)


def in_words(error: Exception) -> str:
    """`Error: ` and why, with what to do where that is known; all lines but the first indented."""
    return "Error: " + f"\n{MORE}".join(sentence(error).strip().splitlines())


def sentence(error: Exception) -> str:
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return (
            f"The Python package {error.name} is not installed. Install what ComfyUI's and the "
            f"pack's requirements files name with `{sys.executable} -m pip install -r FILE`."
        )
    if memory_is_full(error):
        return (
            f"The memory is full ({error}). Set [training] batch_size to 1 and "
            "gradient_checkpointing to true, or [clips] width, height and frames lower."
        )
    if isinstance(error, OSError):
        place = error.filename if error.filename is not None else "A file"
        return (
            f"{place} cannot be read or written ({error.strerror or error}). Look whether it is "
            "there, whose it is, and whether there is room on its disk."
        )
    return f"{type(error).__name__}: {error}"


def last_error(lines: Sequence[str]) -> str:
    """The error that a log ends with, all lines of it; empty where it ends with something else."""
    said = [line.rstrip() for line in lines if line.strip()]
    start = len(said) - 1
    while start > 0 and said[start].startswith(MORE):
        start -= 1
    if start < 0 or not ERROR.match(said[start]):
        return ""
    return "\n".join([said[start], *(line.removeprefix(MORE) for line in said[start + 1 :])])
