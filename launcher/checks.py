"""`python run.py test`: style, types and tests, each run whatever became of the others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import leash
from .environment import Say
from .server import CALM

PROCESSES = min(os.cpu_count() or 1, 4)
"""Test files that run side by side; each process holds torch and ComfyUI's classes in memory."""

PATIENCE = 20.0
"""Seconds that pytest has, after Ctrl-C, to stop the server and remove its folders."""

QUICK = "not (browser or served or training or slow)"
"""Tests of `--quick`; pyproject.toml says what the marks mean, tests/support/marks.py sets them."""


PAGE = "browser"
"""The mark of the tests of the page, which `--browser` runs alone."""


def commands(
    python: Path, arguments: Sequence[str], quick: bool = False, page: bool = False
) -> dict[str, list[str]]:
    """What is run, by name. Paths among pytest's arguments take the place of `tests`."""
    chosen = ["-m", QUICK] if quick else ["-m", PAGE] if page else []
    paths = paths_of(arguments)
    tool = [str(python), "-m"]
    spread = ["--numprocesses", str(PROCESSES), "--dist", "loadgroup"]  # groups: tests/conftest.py
    return {
        "ruff check": [*tool, "ruff", "check", "."],
        "ruff format": [*tool, "ruff", "format", "--check", "."],
        "pyright": [*tool, "pyright"],
        "pytest": [*tool, "pytest", *spread, *chosen, *([] if paths else ["tests"]), *arguments],
    }


def paths_of(arguments: Sequence[str]) -> list[str]:
    """Files and folders among pytest's arguments."""
    return [word for word in arguments if Path(word.partition("::")[0]).exists()]


def run(
    root: Path,
    python: Path,
    arguments: Sequence[str],
    say: Say,
    quick: bool = False,
    page: bool = False,
) -> int:
    """Runs every check, prints a summary, returns 0 if all passed and 1 otherwise."""
    environment = {**CALM, **os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    summary, failed = [], False
    for name, command in commands(python, arguments, quick, page).items():
        say(name)
        began = time.monotonic()
        code = attended(command, root, environment)
        verdict = "passed" if code == 0 else f"FAILED (exit code {code})"
        summary.append(f"  {name:<12} {verdict}, {time.monotonic() - began:.1f} s")
        failed = failed or code != 0
    say("summary\n" + "\n".join(summary))
    return int(failed)


def attended(command: Sequence[str], folder: Path, environment: dict[str, str]) -> int:
    """The exit code of a command; when we are to end meanwhile, it ends before us.

    In a terminal it shares that with us, so that Ctrl-C reaches it and pytest's debugger is read;
    it then gets the time to tidy up. Without one it is on the leash.
    """
    if not (sys.stdin and sys.stdin.isatty()):
        return leash.run(command, PATIENCE, cwd=folder, env=environment)
    process = subprocess.Popen(command, cwd=folder, env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        end_in_time(process)
        raise
    finally:
        process.kill()
        process.wait()


def end_in_time(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        pass
