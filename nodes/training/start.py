"""Start `train.py` in a process of its own, so that the queue is free, and show how it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.model_management as memory
import folder_paths
from comfy.cli_args import args
from comfy_api.latest import io

from ...training.data.prompt_file import is_prompt_file
from ...training.data.sources import find_sources
from ...training.engine.checkpoints import found
from ...training.run import run_list
from ...training.run.run_config import RunConfig, read_config
from ...training.run.run_log import FINISHED, KEPT, RUNNING
from ...training.run.stage_table import CAMERA_MOVE
from ...training.run.started import is_before_its_first_step, start, worker
from ..page import tell_the_node
from ..places import addresses_beyond, check_readable, check_writable
from ..schema import CATEGORY, schema
from ..texts import check_choice, check_text, unquoted, written_path
from .panel import runs_root

START, KEEP = "start", "stop and keep"
ACTIONS = (START, KEEP)


class StartTraining(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_StartTraining",
            display_name="Start Training (AnimateDiff)",
            category=f"{CATEGORY}/training",
            description="Trains by a run's TOML file in a process of its own, so that the queue is "
            "free. The training panel shows the run; it ends, with a checkpoint, with the server.",
            search_aliases=["train.py", "background training", "train in background", "toml"],
            inputs=[
                io.String.Input(
                    "file",
                    default="",
                    tooltip="The run's TOML file; training/example.toml has all keys. Relative "
                    "paths begin in ComfyUI's input folder. Its [output] folder must lie in the "
                    "folder of runs, animatediff_kit_training in ComfyUI's output folder.",
                ),
                io.Boolean.Input(
                    "resume",
                    default=False,
                    tooltip="Goes on from the run's newest checkpoint. Without effect while the "
                    "run works.",
                ),
                io.Combo.Input(
                    "action",
                    options=list(ACTIONS),
                    default=START,
                    tooltip="start: starts the run, or shows where it is. stop and keep: ends the "
                    "run after its step and writes its file.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "state", display_name="state", tooltip="Where the run is, in one line."
                )
            ],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> float:
        """Never that of before: the run goes on, and each execution looks anew."""
        return float("nan")

    @classmethod
    def execute(cls, file: str = "", resume: bool = False, action: str = START) -> io.NodeOutput:
        check_choice("action", action, ACTIONS)
        path = config_path(file)
        config = read_config(path, check_readable)
        check_places(config)
        if action == KEEP:
            keep(config.output.folder)
        elif is_to_start(config, resume):
            start_run(path, config, resume)
        state = in_words(config.output.folder)
        tell_the_node(state)
        return io.NodeOutput(state, ui={"text": [state]})


def config_path(file: str) -> Path:
    """A relative one begins in ComfyUI's input folder. Raises ValueError for one that is not to be
    read."""
    if not unquoted(check_text("file", file)):
        raise ValueError(
            "file is empty. Set it to the TOML file of a run; training/example.toml of this pack "
            "is one to begin with."
        )
    path = written_path("file", file, folder_paths.get_input_directory())
    check_readable(path)
    return path


def check_places(config: RunConfig) -> None:
    """Raise ValueError for places that a workflow may not read from or write to, and for a run that
    the training panel would not find."""
    folder, root = config.output.folder, runs_root()
    if folder.resolve().parent != root.resolve():
        raise ValueError(
            f"[output] folder is {folder}; a run that is started here lies in {root}, where the "
            f"training panel finds it. Set it to {(root / folder.name).as_posix()}."
        )
    check_writable("[output] folder", folder)
    check_writable("[clips] cache", config.clips[0].cache)
    if addresses_beyond():
        check_sources(config)


def check_sources(config: RunConfig) -> None:
    """Raise ValueError for a table or a link among the clips that leads to what is not to be
    read."""
    for table in config.clips:
        images = table.images or config.stage.name == CAMERA_MOVE
        if not is_prompt_file(table.source):
            for source in find_sources(table.source, check_readable, images):
                source.state()


def is_to_start(config: RunConfig, resume: bool) -> bool:
    """Not while it works, nor once it has ended with its file. Raises ValueError where the run
    cannot be started so."""
    folder = config.output.folder
    if worker(folder) is not None:
        return False
    check_no_other(folder)
    checkpoints = found(folder)
    if not checkpoints:
        if resume:
            raise ValueError(f"{folder} holds no checkpoint to go on from; set resume to false.")
        return True
    state = run_list.about(folder)
    if state["state"] == RUNNING:  # in the queue, or in a terminal
        return False
    if resume:
        return state["step"] < config.training.steps or state["state"] != FINISHED
    if state["state"] in (FINISHED, KEPT):
        return False
    raise ValueError(
        f"The run {folder.name} has stopped after step {state['step']}. Set resume to true to go "
        "on with it, or write another [output] folder."
    )


def check_no_other(folder: Path) -> None:
    """Raise ValueError while another run that was started so works: they would share a device."""
    root = folder.parent
    for name in run_list.run_names(root):
        if name != folder.name and worker(root / name) is not None:
            raise ValueError(
                f"The run {name} works in a process of its own. Wait until it has ended, or end it "
                "in the training panel."
            )


def start_run(path: Path, config: RunConfig, resume: bool) -> None:
    """With the Python and the ComfyUI of this server. Raises ValueError where its folder cannot be
    written."""
    memory.unload_all_models()
    memory.soft_empty_cache()
    environment = environment_of_run()
    folder = config.output.folder
    try:
        start(path, folder, config.training.steps, resume, environment)
    except OSError as error:
        raise ValueError(
            f"The run {folder.name} cannot be started ({error.strerror or error}). Let ComfyUI "
            f"write into {folder}."
        ) from error


def environment_of_run() -> dict[str, str]:
    """What tells the process of this server: its ComfyUI, and what is on in its command line, of
    which the process takes what concerns models (standalone/flags.py)."""
    environment = {
        "ADK_COMFYUI": str(Path(folder_paths.__file__).resolve().parent),
        "ADK_COMFYUI_FLAGS": " ".join(name for name, value in vars(args).items() if value is True),
    }
    if args.cpu:
        environment["ACCELERATE_USE_CPU"] = "true"
    return environment


def keep(folder: Path) -> None:
    if not run_list.is_run(folder) or not run_list.ask_to_keep(folder):
        raise ValueError(
            f"The run {folder.name} does not work now, so there is nothing to end. Set action to "
            "start."
        )


def in_words(folder: Path) -> str:
    """Where a run is, such as `zoom_in: step 3 of 1000, running`."""
    run = run_list.about(folder)
    doing = run["state"]
    if worker(folder) is not None and is_before_its_first_step(folder):
        doing = "loading models and encoding clips"
    where = f"{run['run']}: step {run['step']} of {run['steps']}, {doing}"
    return ", ".join(part for part in (where, run["file"], run["error"]) if part)
