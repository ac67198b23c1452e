"""Training from the command line, in one process or in many: `train.py` at the root calls it.

    python train.py zoom_in.toml                      one process
    accelerate launch train.py zoom_in.toml           one for each GPU, on one or many machines

The engine is that of the nodes. Clips are encoded once, by the first process; every process loads
the image model and draws the same batches, of which it computes its part.
"""

from __future__ import annotations

import argparse
import importlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import comfy.sd
import torch
from comfy.model_patcher import ModelPatcher

from ...motion_models.domain_adapter import apply_domain_adapter
from ...motion_models.load import load_motion_model
from ...motion_models.read import read_finite
from ..engine.batches import Clips
from ..engine.checkpoints import found
from ..engine.clip_loss import ClipLoss
from ..engine.export import export
from ..engine.loop import Run
from ..engine.processes import Processes, precision_on
from ..models import stages
from ..models.conditioning import ModelInputs
from ..models.pia_stage import pia
from ..models.stages import DeviceAndDtype, Trainee
from .calibrate import calibration_of
from .eyes import Eyes, check_eyes
from .in_terminal import SignalStop, StepLog, Stopped, log_of_one_process, noted_signals
from .launched import device_of, start_processes
from .lookout import RuleStop
from .run_config import OutputTable, RunConfig, read_config
from .run_log import FINISHED, KEPT, StoppedToKeep
from .watched import Watched
from .watchers import InTurn

log = logging.getLogger("animatediff_kit.training")

ON_THE_WAY = "weights"
"""In the output folder: weights files before the end."""


def main(arguments: Sequence[str]) -> int:
    """-> the exit status: 0 when trained, 1 after an error, 130 when it was stopped."""
    options = parser().parse_args(arguments)
    with log_of_one_process():
        try:
            train(read_config(options.config), options.resume)
        except ValueError as error:
            log.error("Error: %s", error)
            return 1
        except Stopped as stopped:
            log.warning("%s", stopped)
            return 130
        except KeyboardInterrupt:
            log.warning("Stopped before training. Clips that were encoded are kept.")
            return 130
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="train.py", description=(__doc__ or "").splitlines()[0])
    top.add_argument("config", type=Path, help="the run's TOML file; training/example.toml is one")
    top.add_argument(
        "--resume",
        action="store_true",
        help="go on from the newest checkpoint in the output folder",
    )
    return top


def train(config: RunConfig, resume: bool) -> Path | None:
    """Train as the file says. -> the weights file, which the first process writes.

    Raises ValueError for what cannot be trained, Stopped after a signal.
    """
    start = checkpoint_to_resume(config.output.folder, resume)
    processes = start_processes()
    clips = encoded_clips(config, processes)
    model = load_model(config)[0]
    device = device_of(processes)
    target = DeviceAndDtype(device, precision_on(config.training.precision, device))
    trainee = make_trainee(config, model, target)
    eyes = eyes_of(config, processes)
    memory.unload_all_models()
    inputs = ModelInputs(model)
    loss = ClipLoss(trainee, clips, inputs, config.training, processes)
    run = Run(loss, config.output.folder)
    if start is not None:
        run.resume(start)
        log.info("Going on from %s.", start.name)
    log.info("Training on %d clips, %s on %s.", len(clips), run.dtype, device)
    path = trained(run, config.output, eyes)
    processes.end()
    return path


def trained(run: Run[ClipLoss], output: OutputTable, eyes: Eyes) -> Path | None:
    """Train to the end. -> the file, which the first process writes."""
    is_first = run.processes.rank == 0
    folder, name, spelling = output.folder, output.name, output.spelling
    watched = Watched(run, name, folder / ON_THE_WAY, spelling, eyes) if is_first else None
    first = watched.first() if watched else []
    then = watched.then() if watched else [RuleStop(run, None)]
    ended, rule = FINISHED, ""
    with noted_signals() as signals:
        steps = StepLog(run.settings.steps)
        run.watch = InTurn(*first, steps, *then, SignalStop(run, signals))
        try:
            run.train()
        except StoppedToKeep as stopped:
            ended, rule = KEPT, stopped.rule
        finally:
            if watched:
                watched.board.close()
    if watched is None:
        return None
    calibration = calibration_of(run, watched.lookout)
    path = export(run, folder, name, spelling, calibration)
    log.info("Wrote %s.", path)
    watched.record.tell(ended, path.name, rule)
    return path


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


def encoded_clips(config: RunConfig, processes: Processes) -> Clips:
    """The clips as latents, encoded by the first process where the cache lacks them."""
    cache = importlib.import_module("..data.cache", __package__)
    fill_cache = importlib.import_module("..data.fill_cache", __package__)
    if processes.rank == 0:
        folder = config.clips[0].cache
        clips = clips_of(config)
        _, clip, vae = load_model(config, encoders=True)
        log.info("Encoding %d clips into %s.", len(clips), folder)
        with torch.inference_mode():
            fill_cache.encode_clips(clips, vae, clip, folder)
        del clip, vae
        memory.unload_all_models()
        memory.soft_empty_cache()
    processes.wait()
    return cache.EncodedClips(config.clips[0].cache)


def clips_of(config: RunConfig) -> Any:
    """The clips of all sources, in their order."""
    videos = importlib.import_module("..data.video_clips", __package__)
    probes = importlib.import_module("..data.probes", __package__)
    joined = importlib.import_module("..data.joined_clips", __package__).joined
    known = probes.Probes(config.clips[0].cache / probes.PROBES)
    clips = None
    for table in config.clips:
        own = videos.VideoClips(table.source, table.settings(), probes=known)
        clips = joined(clips, own, table.repeats)
    return clips


def load_model(config: RunConfig, encoders: bool = False) -> tuple[ModelPatcher, Any, Any]:
    """The image model with the LoRAs and the adapter on, and its text encoder and VAE or None."""
    table = config.model
    loaded: Any = comfy.sd.load_checkpoint_guess_config(
        str(table.checkpoint), output_vae=encoders, output_clip=encoders
    )
    model, clip, vae = loaded[:3]
    for lora in table.loras:
        tensors = read_finite(str(lora.file))
        pair: Any = comfy.sd.load_lora_for_models(
            model, clip, tensors, lora.strength, lora.strength
        )
        if patches(pair[0]) == patches(model):
            raise ValueError(
                f"[model] loras: {lora.file.name} changes no layer of the image model."
            )
        model, clip = pair
    if table.domain_adapter is not None:
        tensors = read_finite(str(table.domain_adapter))
        name = table.domain_adapter.name
        model = apply_domain_adapter(model, tensors, table.domain_adapter_scale, name)
    return model, clip, vae


def patches(model: ModelPatcher) -> int:
    return sum(map(len, model.patches.values()))


def make_trainee(config: RunConfig, model: ModelPatcher, target: DeviceAndDtype) -> Trainee:
    stage, path, seed = config.stage, config.model.motion_model, config.training.seed
    shape = config.training.lora_shape()
    if stage.name == stages.DOMAIN_ADAPTER:
        return stages.domain_adapter(model, stage.rank, seed, target, shape)
    motion = None if path is None else load_motion_model(str(path))
    if stage.name == stages.MOTION_MODULE:
        return stages.motion_module(model, motion, stage.family, seed, target)
    if stage.name == stages.PIA:
        return pia(model, motion, seed, target)
    assert motion is not None  # run_config.py refuses such a file
    start = None if stage.start is None else read_finite(str(stage.start))
    return stages.motion_lora(model, motion, stage.rank, seed, target, start, shape=shape)
