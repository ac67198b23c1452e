"""What one of several processes runs in test_processes.py: small runs of the engine.

    accelerate launch --multi_gpu --num_processes 2 process_entry.py FOLDER

Each stage leaves its checkpoint in FOLDER/<stage>. Then comes a run that is ended by a signal which
the last process alone gets.

It leaves without the interpreter's farewell: gloo keeps threads after its group is destroyed, the
likely cause of an abort that was seen once ("terminate called without an active exception").
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent

SETTINGS: dict[str, Any] = dict(
    steps=3, batch_size=2, gradient_accumulation=2, gradient_checkpointing=True, ema=0.9
)


def main(folder: Path) -> None:
    # in the place of this folder, whose `clips` and `small` would hide others of these names
    sys.path[0] = str(TESTS.parent / "standalone")
    from enter_comfyui import enter_comfyui, register_package

    enter_comfyui(cpu=True)
    register_package("adk_tests", TESTS)
    import torch

    torch.set_num_threads(1)
    from adk_tests.training import small
    from adk_tests.training.clips import ClipsInMemory
    from animatediff_kit.training.models import stages
    from animatediff_kit.training.run.clips_of_run import check_same_clips
    from animatediff_kit.training.run.command_line import start_processes
    from animatediff_kit.training.run.in_terminal import SignalStop, Stopped, noted_signals

    processes = start_processes()
    for stage in (stages.DOMAIN_ADAPTER, stages.MOTION_MODULE, stages.MOTION_LORA):
        small.run(folder / stage, stage, processes=processes, **SETTINGS).train()
    bf16 = {**SETTINGS, "steps": 1, "gradient_exchange": "bf16"}
    small.run(folder / "bf16", processes=processes, **bf16).train()
    for name, clips in (("same", ClipsInMemory()), ("other", ClipsInMemory(2 + processes.rank))):
        try:
            check_same_clips(clips, processes, Path("cache"))
        except ValueError as error:
            (folder / f"{name}-{processes.rank}.txt").write_text(str(error))
    run = small.run(folder / "stopped", processes=processes, **{**SETTINGS, "steps": 50})
    with noted_signals() as signals:
        stop = SignalStop(run, signals)

        def signalled(report: Any) -> None:
            if report.step == 2 and processes.rank == processes.count - 1:
                os.kill(os.getpid(), signal.SIGTERM)
            stop(report)

        run.watch = signalled
        try:
            run.train()
        except Stopped as stopped:
            (folder / f"stopped-{processes.rank}.txt").write_text(str(stopped))
    processes.end()
    (folder / f"ended-{processes.rank}.txt").touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
