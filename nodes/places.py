"""Which places on this computer a workflow may read from and write to: decided here alone.

It writes below ComfyUI's output and models folders. It reads from any folder while only this
computer reaches the server. One that listens beyond it (--listen) reads below ComfyUI's input,
output and models folders, and below those that its owner names under `animatediff_clips` in
extra_model_paths.yaml. Links and .. are followed before the answer.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path

import folder_paths
from comfy.cli_args import args

NAMED = "animatediff_clips"
"""What the owner's folders are called in extra_model_paths.yaml."""


def check_readable(path: Path) -> None:
    """Raise ValueError for a place that a workflow may not read from, whether it is there or
    not."""
    beyond = addresses_beyond()
    if beyond and not lies_below(path, (*readable_folders(), *named_folders())):
        raise ValueError(
            f"{str(path)!r} is not read: other computers reach this server (--listen "
            f"{', '.join(beyond)}), so it reads below its input, output and models folders alone, "
            f"and below those that its owner names under {NAMED} in extra_model_paths.yaml."
        )


def check_writable(name: str, path: Path) -> None:
    """Raise ValueError for a place outside the folders that workflows write to. name: of the
    input."""
    if not lies_below(path, writable_folders()):
        raise ValueError(
            f"{name} {str(path)!r} leaves ComfyUI's output and models folders, where alone "
            "workflows write. Write a name without .., or start ComfyUI with --output-directory on "
            "another disk."
        )


def addresses_beyond() -> list[str]:
    """The addresses that the server listens on, but for this computer's own."""
    return [address for address in str(args.listen).split(",") if not is_loopback(address.strip())]


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


def readable_folders() -> tuple[str, ...]:
    return folder_paths.get_input_directory(), *writable_folders()


def writable_folders() -> tuple[str, ...]:
    return folder_paths.get_output_directory(), folder_paths.models_dir


def named_folders() -> list[str]:
    """The owner's, as ComfyUI has read them at its start."""
    known = NAMED in folder_paths.folder_names_and_paths
    return folder_paths.get_folder_paths(NAMED) if known else []


def lies_below(path: Path, folders: Iterable[str]) -> bool:
    """Whether a place is one of the folders or lies in one, once all links and .. are followed."""
    try:
        real = path.resolve()
        return any(real.is_relative_to(Path(folder).resolve()) for folder in folders)
    except (OSError, RuntimeError, ValueError):  # links in a circle, names that no disk has
        return False
