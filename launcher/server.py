"""A ComfyUI server as a child process: on a free loopback port, ready, and gone afterwards."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import LauncherError
from .client import Client
from .comfyui import ComfyUI
from .environment import tail

HERE = Path(__file__).parent
HOST = "127.0.0.1"
# OpenMP's threads spin while they wait for each other; on cores that others use too, a step then
# takes several times as long.
CALM = {"OMP_WAIT_POLICY": "PASSIVE"}
TRIES = 3  # ports
TAKEN = re.compile(r"address already in use|already in use on address|only one usage of each", re.I)
"""What ComfyUI's log holds when another program took the port before it could."""


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.create_server((HOST, 0)) as listener:
        return listener.getsockname()[1]


class Server:
    """A running server; `client` talks to it. Use it in a `with` statement.

    Raises `LauncherError` with the last lines of `log` when the server does not come up. Where
    another program took the port first, the next of `ports` is tried.
    """

    def __init__(
        self,
        comfyui: ComfyUI,
        base: Path,
        log: Path,
        arguments: tuple[str, ...] = (),
        patience: float = 300.0,
        ports: Callable[[], int] = free_port,
    ) -> None:
        self.comfyui, self.base, self.log = comfyui, base, log
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.client = Client(HOST, ports())
        self._lifeline = socket.create_server((HOST, 0))
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._come_up(probe(comfyui.python), arguments, patience, ports)
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        return self.client.url

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, patience: float = 10.0) -> None:
        """Ends the process: politely, and by force after `patience` seconds."""
        if self._process is not None and self.is_running():
            self._process.terminate()
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._lifeline.close()

    def obituary(self) -> str:
        """How a server that is gone ended; empty while it runs."""
        if self._process is None or self.is_running():
            return ""
        return (
            f"ComfyUI ended with exit code {self._process.returncode}; the whole output is in "
            f"{self.log}; it ends with:\n{tail(self.log)}"
        )

    def _remedy(self) -> str:
        if self.comfyui.ours:
            return ""
        needed = self.comfyui.folder / "requirements.txt"
        return f"\nIt ran in {self.comfyui.python}, which needs the packages of {needed}."

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _come_up(
        self,
        machine: dict[str, Any],
        arguments: tuple[str, ...],
        patience: float,
        ports: Callable[[], int],
    ) -> None:
        for left in reversed(range(TRIES)):
            flags = (*server_flags(machine, self.base, self.client.port), *arguments)
            self._process = self._start(mends(machine, self.comfyui), flags)
            try:
                return self._wait_until_ready(self._process, flags, patience)
            except LauncherError:
                if self.is_running() or not left or not was_taken(self.log):
                    raise
            self.client = Client(HOST, ports())

    def _start(self, options: list[str], arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        lifeline = f"--lifeline={self._lifeline.getsockname()[1]}"
        script = [str(self.comfyui.python), str(HERE / "start_comfyui.py"), lifeline, *options]
        command = [*script, str(self.comfyui.folder), "--", *arguments]
        # An existing installation gets no compiled files from us either.
        clean = {} if self.comfyui.ours else {"PYTHONDONTWRITEBYTECODE": "1"}
        environment = {**CALM, **os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", **clean}
        with self.log.open("wb") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.base,
                env=environment,
                # Ctrl-C in the terminal is ours to handle; the child is stopped by `stop`.
                start_new_session=os.name != "nt",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    def _wait_until_ready(
        self, process: subprocess.Popen[bytes], flags: tuple[str, ...], patience: float
    ) -> None:
        deadline = time.monotonic() + patience
        while not answers(self.client, flags):
            if process.poll() is not None:
                raise LauncherError(f"ComfyUI did not start. {self.obituary()}{self._remedy()}")
            if time.monotonic() > deadline:
                raise LauncherError(
                    f"ComfyUI did not answer within {patience:.0f} s; the whole output is in "
                    f"{self.log}; it ends with:\n{tail(self.log)}"
                )
            time.sleep(0.1)


def server_flags(machine: dict[str, Any], base: Path, port: int) -> list[str]:
    """ComfyUI's command line."""
    flags = ["--listen", HOST, "--port", str(port), "--base-directory", str(base)]
    flags += ["--database-url", "sqlite:///:memory:", "--disable-auto-launch"]
    return flags if machine["accelerator"] else [*flags, "--cpu"]


def mends(machine: dict[str, Any], comfyui: ComfyUI) -> list[str]:
    """Options of `start_comfyui.py` for packages that do not import on this machine."""
    options = [] if machine["torchvision"] else ["--mend=torchvision"]
    # ComfyUI 0.3.75 runs without torchaudio; a newer one, which the user may have, does not.
    if not machine["torchaudio"] and not comfyui.ours:
        options.append("--mend=torchaudio")
    return options


def was_taken(log: Path) -> bool:
    """Whether the port was another program's."""
    return TAKEN.search(log.read_text(encoding="utf-8", errors="replace")) is not None


def answers(client: Client, flags: tuple[str, ...] | None = None) -> bool:
    """Whether a ComfyUI answers; with `flags`, whether it is the one that was started with them."""
    try:
        system = client.get_json("/system_stats", timeout=5.0)["system"]
    except (urllib.error.URLError, OSError, ValueError, KeyError, TypeError):
        return False
    return flags is None or system.get("argv", [])[1:] == list(flags)


def probe(python: Path) -> dict[str, Any]:
    """What `probe.py` finds in an interpreter: an accelerator, packages that import."""
    command = [str(python), str(HERE / "probe.py")]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise LauncherError(
            f"{python} cannot import torch, which ComfyUI needs ({last}); install ComfyUI's "
            "requirements into it, or name another installation with --comfyui."
        ) from None
