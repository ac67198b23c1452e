"""Training from the command line, in one process or in many: `train.py` at the root calls it.

    python train.py zoom_in.toml                      one process
    accelerate launch train.py zoom_in.toml           one for each GPU, on one or many machines

The engine is that of the nodes. Clips are encoded once, by the first process; every process loads
the image model and draws the same batches, of which it computes its part.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import comfy.model_management as memory

from ..engine.checkpoints import found
from ..engine.clip_loss import ClipLoss
from ..engine.export import export
from ..engine.loop import Run
from ..engine.processes import Processes, precision_on
from ..models.conditioning import ModelInputs
from ..models.stages import DeviceAndDtype
from .calibrate import calibration_of
from .clips_of_run import encoded_clips
from .errors_in_words import in_words, is_expected
from .eyes import Eyes, check_eyes
from .in_terminal import (
    SignalStop,
    StepLog,
    Stopped,
    finishing,
    log_of_one_process,
    noted_signals,
)
from .launched import device_of, start_processes
from .leash import end_with_the_pipe
from .load_image_model import load_model
from .lookout import RuleStop
from .run_config import OutputTable, RunConfig, read_config
from .run_lock import locked
from .run_log import StopToKeep
from .trainee_of_run import make_trainee
from .watched import Watched, train_to_its_end
from .watchers import InTurn

log = logging.getLogger("animatediff_kit.training")

ON_THE_WAY = "weights"
"""In the output folder: weights files before the end."""


def main(arguments: Sequence[str]) -> int:
    """-> the exit status: 0 when trained, 1 after an error, 130 when it was stopped."""
    options = parser().parse_args(arguments)
    if options.leash:
        end_with_the_pipe()
    with log_of_one_process():
        try:
            train(read_config(options.config), options.resume)
        except Stopped as stopped:
            log.warning("%s", stopped)
            return 130
        except KeyboardInterrupt:
            log.warning("Stopped before training. Clips that were encoded are kept.")
            return 130
        except Exception as error:
            if not is_expected(error):
                log.error("An error of the program:", exc_info=error)
            log.error("%s", in_words(error))
            return 1
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="train.py", description=(__doc__ or "").splitlines()[0])
    top.add_argument("config", type=Path, help="the run's TOML file; training/example.toml is one")
    top.add_argument(
        "--resume",
        action="store_true",
        help="go on from the newest checkpoint in the output folder",
    )
    top.add_argument(
        "--leash",
        action="store_true",
        help="end, with a checkpoint, when standard input does: for programs that start a run",
    )
    return top


def train(config: RunConfig, resume: bool) -> Path | None:
    """Train as the file says. -> the weights file, which the first process writes.

    Raises ValueError for what cannot be trained, Stopped after a signal.
    """
    processes, folder = start_processes(), config.output.folder
    otherwise = "set another [output] folder"
    with locked(folder, otherwise) if processes.rank == 0 else nullcontext():
        return train_alone(config, checkpoint_to_resume(folder, resume), processes)


def train_alone(config: RunConfig, start: Path | None, processes: Processes) -> Path | None:
    """`train`, in a folder where nobody else does.   start: the checkpoint to go on from"""
    clips = encoded_clips(config, processes)
    model = load_model(config)[0]
    device = device_of(processes)
    target = DeviceAndDtype(device, precision_on(config.training.precision, device))
    trainee = make_trainee(config, model, clips, target, processes, start)
    eyes = eyes_of(config, processes)
    memory.unload_all_models()
    inputs = ModelInputs(model)
    loss = ClipLoss(trainee, clips, inputs, config.training, processes)
    run = Run(loss, config.output.folder)
    if start is not None:
        run.resume(start)
        log.info("Going on from %s.", start.name)
    log.info("Training on %d clips, %s on %s.", len(clips), run.dtype, device)
    with noted_signals() as signals:
        path = trained(run, config.output, eyes, signals)
        processes.end()
    return path


def trained(run: Run[ClipLoss], output: OutputTable, eyes: Eyes, signals: list[int]) -> Path | None:
    """Train to the end. -> the file, which the first process writes."""
    is_first = run.processes.rank == 0
    folder, name, spelling = output.folder, output.name, output.spelling
    watched = Watched(run, name, folder / ON_THE_WAY, spelling, eyes) if is_first else None
    with watched.until_the_file() if watched else nullcontext():
        ended, rule = steps_taken(run, watched, signals)
        if watched is None:
            return None
        with finishing(folder, signals):
            calibration = calibration_of(run, watched.lookout)
            path = export(run, folder, name, spelling, calibration)
        log.info("Wrote %s.", path)
        watched.record.tell(ended, path.name, rule)
        return path


def steps_taken(run: Run[ClipLoss], watched: Watched | None, signals: list[int]) -> tuple[str, str]:
    """As train_to_its_end says, with its steps in the log; signals end it too."""
    first = watched.first() if watched else []
    then = watched.then() if watched else [RuleStop(run, None)]
    steps = StepLog(run.settings.steps)
    ends = StopToKeep(run.folder, run.processes), SignalStop(run, signals)
    run.watch = InTurn(*first, steps, *then, *ends)
    return train_to_its_end(run)


def eyes_of(config: RunConfig, processes: Processes) -> Eyes:
    """What the first process sees previews through. The checkpoint is read once more for it."""
    if processes.rank or not config.training.preview_every and config.training.calibrate == "off":
        return Eyes()
    _, clip, vae = load_model(config, encoders=True)
    eyes = Eyes(vae, clip)
    check_eyes(config.training, config.stage.name, eyes)
    return eyes


def checkpoint_to_resume(folder: Path, resume: bool) -> Path | None:
    """Raises ValueError where an old run would be mixed with a new one, or there is none to go on
    with."""
    there = found(folder)
    if resume and not there:
        raise ValueError(f"{folder} holds no checkpoint; start without --resume.")
    if there and not resume:
        raise ValueError(
            f"{folder} holds checkpoints of a run already, {there[-1].name} the last. Go on with "
            "it with --resume, or set another [output] folder."
        )
    return there[-1] if resume else None
