"""Widgets that choose a weights file, and reading what they name."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ..motion_models.folders import find_file, pack_files
from ..motion_models.last_loaded import state_of
from ..motion_models.read import read_finite
from .published_models import address_of

NONE = "none"
"""The choice of no file."""


def file_input(
    name: str, files: list[str], tooltip: str, first: tuple[str, ...] = (), **more: Any
) -> io.Combo.Input:
    """A combo of files. An empty folder gives an empty choice; the node says what to do when it
    is run."""
    options = [*first, *files] or [""]
    return io.Combo.Input(name, options=options, default=options[0], tooltip=tooltip, **more)


def found(name: str | None, *folders: str) -> bool | str:
    """True, or the sentence that says why the file a widget names is not there.

    A name that comes through a link is None before the graph runs; `find_file` judges it then. A
    missing one is None, too, and told of by ComfyUI, if validate_inputs has that default.
    """
    if name is None:
        return True
    try:
        find_file(name, *folders)
    except ValueError as error:
        return " ".join([str(error), *other_ways(name, *folders)])
    return True


def other_ways(name: str, *folders: str) -> list[str]:
    """Sentences: where a missing file can be downloaded, and which of the pack's files would do."""
    address = address_of(name) if isinstance(name, str) else None
    ours = sorted(pack_files(*folders))
    return [
        *([f"It can be downloaded from {address}."] if address else []),
        *([f"{ours[0]} comes with the pack, for Load Small World Models."] if ours else []),
    ]


def found_or_none(name: str | None, *folders: str) -> bool | str:
    """As `found`, for a widget that may be NONE."""
    answer = name == NONE or found(name, *folders)
    return answer if answer is True else f"{answer} Or choose {NONE}."


def all_found(node: str, **answers: bool | str) -> bool | str:
    """Of several widgets of a node, by their names what `found` says of each: every file that is
    missing is named."""
    told = {name: answer for name, answer in answers.items() if isinstance(answer, str)}
    if len(told) < 2:
        return next(iter(told.values()), True)
    return f"{node} misses {len(told)} files. " + " ".join(
        f"{name}: {answer}" for name, answer in told.items()
    )


def state_of_file(name: str | None, *folders: str) -> str:
    """Another one as soon as the file that a widget names is replaced, for `fingerprint_inputs`;
    empty where there is none, of which the node tells when it is run."""
    try:
        return repr(state_of(find_file(name, *folders))) if name is not None else ""
    except ValueError:
        return ""


def read_lora(name: str, *folders: str) -> dict[str, Tensor]:
    """The tensors of a low-rank file that a widget names. Raises ValueError when it is damaged."""
    return read_finite(find_file(name, *folders))
