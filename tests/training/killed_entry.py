"""A run that is killed again and again, for test_loop_resume.py; one import serves all its lives.

    python killed_entry.py FOLDER STEPS KILLS

Every life goes on from the newest checkpoint in FOLDER and is killed with SIGKILL at a random
moment; the last one runs to the end.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent


def live(folder: Path, steps: int) -> None:
    """One life, from the newest checkpoint to the end."""
    from adk_tests.training import small
    from animatediff_kit.training.engine.checkpoints import found

    run = small.run(folder, steps=steps, save_every=1, ema=0.9)
    if there := found(folder):
        run.resume(there[-1])
    run.train()


def die(folder: Path, steps: int, chance: random.Random) -> bool:
    """One life that is killed some time after its first checkpoint. -> whether it was in time"""
    from animatediff_kit.training.engine.checkpoints import found

    before = found(folder)
    child = os.fork()
    if child == 0:
        live(folder, steps)
        os._exit(0)
    while found(folder) == before and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.001)
    time.sleep(chance.uniform(0.0, 0.1))
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(folder: Path, steps: int, kills: int) -> None:
    # in the place of this folder, whose `clips` and `small` would hide others of these names
    sys.path[0] = str(TESTS.parent / "standalone")
    from enter_comfyui import enter_comfyui, register_package

    enter_comfyui(cpu=True)
    register_package("adk_tests", TESTS)
    import torch

    torch.set_num_threads(1)
    chance = random.Random(0)
    if not all([die(folder, steps, chance) for _ in range(kills)]):
        raise SystemExit("A life came to its end before it was killed; take more steps.")
    live(folder, steps)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
