"""`python run.py serve`: ComfyUI with the pack until Ctrl-C, by itself or as one of several ranks
that sample a video together.

    python run.py serve --ranks 2 --rank 0 --master box:29500     on box
    python run.py serve --ranks 2 --rank 1 --master box:29500     on the other machine

The ranks find each other by torchrun's environment variables, which this sets for the server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from . import LauncherError, comfyui
from .demo import choose_comfyui, new_log, serve, shown_models
from .environment import Say
from .one_at_a_time import one_at_a_time
from .server import Server


@dataclass(frozen=True)
class Options:
    """The command line of `serve`."""

    ranks: int | None = None
    rank: int = 0
    master: str | None = None
    comfyui: Path | None = None


def run(root: Path, options: Options, say: Say) -> None:
    """Serves until Ctrl-C. Raises LauncherError when the server ends by itself."""
    told = variables(options)
    with one_at_a_time(root / ".comfy", say):
        comfy = choose_comfyui(root, options.comfyui, say)
        base = comfyui.prepare_base(root / ".comfy" / "base", root)
    os.environ.update(told)
    log = new_log(root / ".comfy" / "logs")
    say(f"starting ComfyUI from {comfy.folder} (log: {log})")
    with Server(comfy, base, log, shown_models(root, comfy)) as server:
        if told:
            say(f"rank {options.rank} of {options.ranks}; queue prompts at rank 0")
        serve(server, say, server.url)


def variables(options: Options) -> dict[str, str]:
    """torchrun's, for the rank that is asked for; none for one rank alone."""
    if options.ranks is None:
        check_none_asked(options)
        return {}
    if options.ranks < 1:
        raise LauncherError(f"--ranks is {options.ranks}; give the number of machines, 1 or more.")
    if not 0 <= options.rank < options.ranks:
        raise LauncherError(
            f"--rank is {options.rank}, but --ranks is {options.ranks}: ranks are 0 to "
            f"{options.ranks - 1}."
        )
    if options.ranks == 1:
        return {}
    host, _, port = (options.master or "").rpartition(":")
    if not host or not port.isdecimal():
        raise LauncherError(
            f"--master is {options.master or 'not given'}; name the machine of rank 0 and a free "
            "port there as HOST:PORT, the same for all ranks."
        )
    ranks, rank = str(options.ranks), str(options.rank)
    found = {"WORLD_SIZE": ranks, "RANK": rank, "MASTER_ADDR": host, "MASTER_PORT": port}
    return {**found, "ADK_RANKS_ASKED": "1"}  # unlike what a cluster leaves about


def check_none_asked(options: Options) -> None:
    """Raises LauncherError for what says of one of several ranks and not how many they are."""
    given = [f"--rank {options.rank}"] if options.rank else []
    given += [f"--master {options.master}"] if options.master else []
    if given:
        raise LauncherError(
            f"{' '.join(given)} is for one of several machines, but --ranks is not given; add "
            "--ranks with their number, or leave it out to serve alone."
        )
