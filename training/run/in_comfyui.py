"""A training run inside ComfyUI: memory, progress in the node, cancelling, and the file at the
end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import comfy.model_management as memory
import folder_paths
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..engine.batches import Clips
from ..engine.checkpoints import found
from ..engine.clip_loss import ClipLoss
from ..engine.config import TrainingSettings
from ..engine.export import FOLDERS, check_name, export
from ..engine.loop import Report, Run
from ..engine.processes import precision_on
from ..files.locks import NAME as LOCK
from ..models.conditioning import ModelInputs
from ..models.stages import DeviceAndDtype, Trainee
from .calibrate import calibration_of
from .eyes import Eyes, check_eyes
from .node_picture import NodePicture
from .pictures import as_image
from .room import room_for_training
from .run_lock import locked
from .run_log import StopToKeep
from .watched import Watched, train_to_its_end
from .watchers import InTurn, no_watcher

log = logging.getLogger(__name__)

RUNS = "animatediff_kit_training"
"""Folder below ComfyUI's output folder; every run has one of its own in it."""


@dataclass(frozen=True)
class Result:
    """What a finished run leaves: the file, the loss plot (1 h w 3), the last preview (f h w 3)."""

    path: Path
    plot: Tensor
    preview: Tensor


def run_folder(name: str, resume: str) -> Path:
    """A new folder for a run called `name`, which is made at once so that no other process takes
    it; or that of the run to resume. Its name is new among the folders of weights too, so that
    weights on the way, which outlive their run's folder, lie in one of the same name.

    Raises ValueError for a run that is not there, naming those that are, and where no folder can be
    made.
    """
    root = Path(folder_paths.get_output_directory()) / RUNS
    if resume:
        return run_to_resume(root, resume)
    for number in count(1):
        folder = root / f"{name}_{number:03d}"
        if any((target_of(stage) / folder.name).exists() for stage in FOLDERS):
            continue
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
        except OSError as error:
            raise ValueError(
                f"{folder} cannot be made ({error.strerror}). Make room there, or let ComfyUI "
                "write there."
            ) from error
    raise AssertionError  # numbers have no end


def target_of(stage: str) -> Path:
    """The folder that a stage's files are written into."""
    return Path(folder_paths.get_folder_paths(FOLDERS[stage])[0])


def drop_if_empty(folder: Path) -> None:
    """Take a run's folder away in which nothing was written. Nobody else resumes it, so nobody
    waits for its lock."""
    with suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {LOCK}:
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()


def run_to_resume(root: Path, resume: str) -> Path:
    """The run's folder, which lies in `root` itself: a run writes and deletes checkpoints in it.

    Raises ValueError for whatever is no name of a run there, such as a path or a link that leads
    out.
    """
    runs = {p.name: p for p in root.iterdir() if found(p)} if root.is_dir() else {}
    if resume not in runs:
        there = sorted(name for name in runs if name.isprintable())
        raise ValueError(
            f"There is no run {resume!r} with a checkpoint in {root}. "
            + (f"The runs there are {', '.join(there)}." if there else "There are none yet.")
        )
    if runs[resume].resolve().parent != root.resolve():
        raise ValueError(
            f"The run {resume!r} is a link out of {root}, and a run writes there alone. Move its "
            "folder to where the link is."
        )
    return runs[resume]


def last_checkpoint(resume: str) -> Path | None:
    """Of the run to resume; None where none is. Raises ValueError as `run_folder` does."""
    return found(run_folder("", resume))[-1] if resume else None


def cancel_if_asked(report: Report) -> None:
    """Raises ComfyUI's InterruptProcessingException after Cancel."""
    memory.throw_exception_if_processing_interrupted()


def train(
    make_trainee: Callable[[DeviceAndDtype], Trainee],
    model: ModelPatcher,
    clips: Clips,
    settings: TrainingSettings,
    name: str,
    resume: str,
    spelling: str = "official",
    eyes: Eyes | None = None,
) -> Result:
    """Train a stage and write its file where ComfyUI looks for such files.

    Whatever ends it early leaves a checkpoint. Nothing of it stays in memory. Raises ValueError for
    settings, clips, a model or a run to resume that do not go together.
    """
    if not isinstance(settings, TrainingSettings):
        raise ValueError(f"settings is {settings!r}. Connect the node Training Settings.")
    if not hasattr(clips, "fingerprint"):
        raise ValueError(f"clips is {clips!r}. Connect the node Encode Clips.")
    settings.check()
    check_name(name)
    folder = run_folder(name, resume)
    try:
        with locked(folder), room_for_training():
            return train_in_room(
                make_trainee, model, clips, settings, name, folder, resume, spelling, eyes or Eyes()
            )
    finally:
        drop_if_empty(folder)


def train_in_room(
    make_trainee: Callable[[DeviceAndDtype], Trainee],
    model: ModelPatcher,
    clips: Clips,
    settings: TrainingSettings,
    name: str,
    folder: Path,
    resume: str,
    spelling: str,
    eyes: Eyes,
) -> Result:
    """`train`, apart from it so that trainee and run, which hold the memory, are gone when it
    returns."""
    device = memory.get_torch_device()
    trainee = make_trainee(DeviceAndDtype(device, precision_on(settings.precision, device)))
    try:
        run = Run(ClipLoss(trainee, clips, ModelInputs(model), settings), folder)
        check_eyes(settings, trainee.stage, eyes)
        if resume:
            run.resume(found(folder)[-1])
        return finished(run, name, spelling, eyes)
    finally:
        trainee.denoiser.uncheckpoint_layers()


def finished(run: Run[ClipLoss], name: str, spelling: str, eyes: Eyes) -> Result:
    """Train to the end, shown in the node, and write the file."""
    folder = run.folder
    log.info("AnimateDiff Kit: training %s, its checkpoints go to %s.", name, folder)
    target = target_of(run.loss.trainee.stage)
    watched = Watched(run, name, target / folder.name, spelling, eyes)
    picture = NodePicture(run, name, watched.lookout)
    ends = cancel_if_asked, StopToKeep(folder)
    run.watch = InTurn(*watched.first(), picture, *watched.then(), *ends)
    with told_how_to_go_on(run, name), watched.until_the_file():
        try:
            ended, rule = train_to_its_end(run)
        finally:
            run.watch = no_watcher
        preview = watched.lookout.at_the_end()
        path = export(run, target, name, spelling, calibration_of(run, watched.lookout))
        watched.record.tell(ended, path.name, rule)
        log.info("AnimateDiff Kit: wrote %s.", path)
        last = Report(run.step, run.losses[-1], 0.0, 0.0, run.skipped)
        return Result(path, as_image(picture.plot(last)), preview)


@contextmanager
def told_how_to_go_on(run: Run[ClipLoss], name: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        log.warning(
            "The training of %s ended after step %d of %d. To go on, set resume to %s.",
            name,
            run.step,
            run.settings.steps,
            run.folder.name,
        )
        raise
