"""Ends a run with the program that started it, whose pipe is the run's standard input.

Nobody writes into the pipe; its end is the sign that the program has ended, in whatever way.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time

PATIENCE = 300.0
"""Seconds in which a run ends after a whole step, with a checkpoint, before it is ended anyhow."""

INTERRUPTED = 130
"""The exit status, as after Ctrl-C."""


def end_with_the_pipe(patience: float = PATIENCE) -> None:
    """From now on the end of standard input is what Ctrl-C is."""
    # a server in the background of a shell ignores the signal, and what it starts does too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=wait_for_the_end, args=(patience,), daemon=True).start()


def wait_for_the_end(patience: float) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    _thread.interrupt_main()
    time.sleep(patience)
    os._exit(INTERRUPTED)
