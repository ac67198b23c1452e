"""What one of several processes runs in test_processes.py: small runs of the engine.

    accelerate launch --multi_gpu --num_processes 2 process_entry.py FOLDER

Each stage leaves its checkpoint in FOLDER/<stage>. Then comes a run that is ended by a signal which
the last process alone gets.

It leaves without the interpreter's farewell: gloo keeps threads after its group is destroyed, the
likely cause of an abort that was seen once ("terminate called without an active exception").
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location(
    "adk_standalone", TESTS.parent / "standalone" / "enter_comfyui.py"
)
assert spec is not None and spec.loader is not None
standalone = importlib.util.module_from_spec(spec)
spec.loader.exec_module(standalone)

SETTINGS: dict[str, Any] = dict(
    steps=3, batch_size=2, gradient_accumulation=2, gradient_checkpointing=True, ema=0.9
)


def main(folder: Path) -> None:
    # the script's own folder would hide `clips` and `small` behind other names
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != TESTS / "training"]
    standalone.enter_comfyui(cpu=True)
    standalone.register_package("adk_tests", TESTS)
    import torch

    torch.set_num_threads(1)
    from adk_tests.training import small
    from animatediff_kit.training.models import stages
    from animatediff_kit.training.run.command_line import start_processes
    from animatediff_kit.training.run.in_terminal import Stopped, Watch, noted_signals

    processes = start_processes()
    for stage in (stages.DOMAIN_ADAPTER, stages.MOTION_MODULE, stages.MOTION_LORA):
        small.run(folder / stage, stage, processes=processes, **SETTINGS).train()
    run = small.run(folder / "stopped", processes=processes, **{**SETTINGS, "steps": 50})
    with noted_signals() as signals:
        watch = Watch(run, signals)

        def signalled(report: Any) -> None:
            if report.step == 2 and processes.rank == processes.count - 1:
                os.kill(os.getpid(), signal.SIGTERM)
            watch(report)

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
