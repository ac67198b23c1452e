"""`python run.py demo`: a graph goes through a real server, and its video comes out."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import LauncherError, comfyui, environment, stand_in, workflow
from .client import Prompt
from .environment import Say
from .progress import Progress
from .server import Server
from .websocket import WebSocketClosed

EXAMPLE = Path("example_workflows", "text_to_animation.json")

# What the demo changes in the example workflow: model files that exist, a size for two CPU cores.
OVERRIDES: dict[tuple[str, str], Any] = {
    ("CheckpointLoaderSimple", "ckpt_name"): stand_in.CHECKPOINT,
    ("ADK_Animate", "motion_model"): stand_in.MOTION_MODEL,
    ("ADK_Animate", "motion_lora"): stand_in.MOTION_LORA,
    ("ADK_LoadMotionModel", "motion_model"): stand_in.MOTION_MODEL,
    ("ADK_LoadMotionLoRA", "lora"): stand_in.MOTION_LORA,
    ("ADK_DomainAdapter", "adapter"): stand_in.DOMAIN_ADAPTER,
    ("EmptyLatentImage", "width"): 96,
    ("EmptyLatentImage", "height"): 96,
    ("KSampler", "steps"): 4,
}


@dataclass(frozen=True)
class Options:
    """The command line of `demo`."""

    serve: bool = False
    comfyui: Path | None = None
    workflow: Path | None = None
    output: Path | None = None


def run(root: Path, options: Options, say: Say) -> list[Path]:
    """Renders a workflow in a real server and returns the files that it wrote."""
    path = options.workflow or root / EXAMPLE
    content = workflow.load(path)
    comfy = choose_comfyui(root, options.comfyui, say)
    base = comfyui.prepare_base(root / ".comfy" / "base", root)
    if options.workflow is None:
        stand_in.ensure(root, comfy, base / "models", say)
    say(f"starting ComfyUI from {comfy.folder}")
    began = time.monotonic()
    log = root / ".comfy" / "logs" / "comfyui.log"
    with Server(comfy, base, log, shown_models(root, comfy)) as server:
        say(f"ComfyUI answers at {server.url} after {time.monotonic() - began:.1f} s (log: {log})")
        prompt = workflow.to_prompt(content, server.client.object_info())
        if options.workflow is None:
            prompt = overridden(prompt)
        say(f"rendering {path}")
        saved = content if workflow.is_saved(content) else None
        written = render(server, prompt, saved, options.output)
        for file in written:
            say(f"wrote {file}")
        if options.workflow is None:
            say(
                "The weights are untrained stand-ins: the video is an abstract, noise-like texture."
            )
        if options.serve:
            serve(server, say)
    return written


def choose_comfyui(root: Path, folder: Path | None, say: Say) -> comfyui.ComfyUI:
    """The user's installation if one is named, else ours, made on the first run."""
    if folder is None:
        return comfyui.ensure(root, environment.ensure(root, say), say)
    found = comfyui.locate(folder)
    python = comfyui.own_python(found) or environment.ensure(root, say)
    return comfyui.ComfyUI(found, python, ours=False)


def shown_models(root: Path, comfy: comfyui.ComfyUI) -> tuple[str, ...]:
    """Arguments that show the models of an existing installation in our base directory."""
    if comfy.ours:
        return ()
    config = comfyui.model_paths_config(comfy, root / ".comfy" / "extra_model_paths.yaml")
    return ("--extra-model-paths-config", str(config))


def overridden(prompt: Prompt) -> Prompt:
    """The example workflow with `OVERRIDES` in place."""
    changed = copy.deepcopy(prompt)
    for node in changed.values():
        for (kind, name), value in OVERRIDES.items():
            if node["class_type"] == kind and name in node["inputs"]:
                node["inputs"][name] = value
    return changed


def render(
    server: Server, prompt: Prompt, saved: dict[str, Any] | None, output: Path | None
) -> list[Path]:
    """Runs a graph with its progress shown; returns where its output files lie.

    With `output` they are copied there through the server's API.
    """
    client, prompt_id, progress = server.client, "", Progress(prompt)
    try:
        for event in client.run(prompt, saved):
            prompt_id = event.data.get("prompt_id", prompt_id)
            progress.show(event)
    except WebSocketClosed as closed:
        raise LauncherError(server.obituary() or str(closed)) from None
    files = [file for file in client.outputs(prompt_id) if file.folder == "output"]
    if output is not None:
        return [client.download(file, output) for file in files]
    return [server.base / "output" / file.subfolder / file.filename for file in files]


def serve(server: Server, say: Say) -> None:
    """Leaves the page open until Ctrl-C, or until the server ends by itself."""
    say(f"The page is open at {server.url}; Ctrl-C stops it.")
    while server.is_running():
        time.sleep(0.5)
    raise LauncherError(server.obituary() or "ComfyUI ended.")
