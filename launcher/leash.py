"""Runs a command that ends, with all that it started, when the one who asked for it is gone.

    python leash.py SECONDS COMMAND ...        with a pipe as standard input that nobody writes into

The end of that pipe is the sign: the asker closes it, or ended in any way. The command then has
the seconds to end by itself. pip, venv and pytest start processes of their own, which outlive a
parent that is merely killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any


def run(command: Sequence[str], patience: float = 3.0, **options: Any) -> int:
    """The exit code of a command on the leash; when we are to end meanwhile, it ends before us.

    options: as `subprocess.Popen` takes them.
    """
    process = subprocess.Popen(
        [sys.executable, __file__, str(patience), *command],
        stdin=subprocess.PIPE,
        start_new_session=os.name != "nt",
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        **options,
    )
    assert process.stdin is not None
    try:
        return process.wait()
    finally:
        process.stdin.close()
        process.wait()


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """Starts it as the head of a process group, out of reach of the terminal's Ctrl-C."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=os.name != "nt",
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Ends a command's whole group: politely, and by force after a while."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
        return
    signal_group(process.pid, signal.SIGINT)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        pass
    signal_group(process.pid, signal.SIGKILL)


def signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass  # all of them ended


def main() -> None:
    patience, command = float(sys.argv[1]), sys.argv[2:]
    process = start(command)
    alone = threading.Event()

    def wait_for_the_end_of_the_pipe() -> None:
        os.read(sys.stdin.fileno(), 1)
        alone.set()
        end(process, patience)

    watcher = threading.Thread(target=wait_for_the_end_of_the_pipe, daemon=True)
    watcher.start()
    code = process.wait()
    if alone.is_set():
        watcher.join()  # the command ended, what it started may not have
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
