"""A run ends when the pipe that it is started with does."""

from __future__ import annotations

import subprocess
import sys

import pytest
from animatediff_kit.training.run import leash

SCRIPT = """
import importlib.util, signal, sys, time
spec = importlib.util.spec_from_file_location("leash", sys.argv[1])
leash = importlib.util.module_from_spec(spec)
spec.loader.exec_module(leash)
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as below a shell's job in the background
leash.end_with_the_pipe(float(sys.argv[2]))
print("begun", flush=True)
until = time.monotonic() + 60
while time.monotonic() < until:
    try:
        time.sleep(0.05)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        if sys.argv[3] == "ends":
            sys.exit(7)
"""


@pytest.mark.parametrize(("way", "status"), [("ends", 7), ("goes on", leash.INTERRUPTED)])
def test_the_end_of_the_pipe_is_ctrl_c_and_then_the_end(way: str, status: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(leash.__file__), "1.0", way]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.stdin.close()
        assert process.wait(30) == status
        assert process.stdout.read() == "interrupted\n"
