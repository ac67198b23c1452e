"""`python run.py demo`: a graph goes through a real server, and its video comes out."""

from __future__ import annotations

import os
import sys
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from . import LauncherError, comfyui, environment, workflow
from .client import Prompt
from .environment import Say
from .one_at_a_time import one_at_a_time
from .progress import Progress
from .server import Server
from .websocket import WebSocketClosed

EXAMPLE = Path("example_workflows", "01-Small-world-text-to-animation.json")
"""All that it names ships with the pack."""

LOGS = 10  # of servers, the new one among them


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
    with one_at_a_time(root / ".comfy", say):
        comfy = choose_comfyui(root, options.comfyui, say)
        base = comfyui.prepare_base(root / ".comfy" / "base", root)
    say(f"starting ComfyUI from {comfy.folder}")
    began = time.monotonic()
    log = new_log(root / ".comfy" / "logs")
    with Server(comfy, base, log, shown_models(root, comfy)) as server:
        say(f"ComfyUI answers at {server.url} after {time.monotonic() - began:.1f} s (log: {log})")
        prompt = workflow.to_prompt(content, server.client.object_info())
        say(f"rendering {path}")
        began = time.monotonic()
        saved = content if workflow.is_saved(content) else None
        written = render(server, prompt, saved, options.output)
        say(f"rendered in {time.monotonic() - began:.1f} s")
        for file in written:
            say(f"wrote {file}")
        if options.serve:
            serve(server, say, page_address(server.url, path, root))
    return written


def new_log(folder: Path) -> Path:
    """A name of this process's own for its server's log; of earlier ones the last are kept."""
    for old in sorted(folder.glob("comfyui-*.log"))[: 1 - LOGS]:
        old.unlink(missing_ok=True)
    return folder / f"comfyui-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"


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


def page_address(url: str, path: Path, root: Path) -> str:
    """The page with the graph that was rendered, where it is one of the pack's templates, whose
    names the page takes in its address."""
    if path.resolve().parent != (root / EXAMPLE).resolve().parent:
        return url
    asked = urlencode({"template": path.stem, "source": comfyui.PACK_NAME})
    return f"{url}/?{asked}"


def has_screen() -> bool:
    """Whether a person sits there: no browser is started over SSH, by a test or by a pipe."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    shown = sys.platform in ("win32", "darwin") or any(map(os.environ.get, screens))
    return shown and sys.stdout.isatty() and "SSH_CONNECTION" not in os.environ


def serve(server: Server, say: Say, address: str) -> None:
    """Opens the page where there is a screen, and leaves the server until Ctrl-C, or until it ends
    by itself."""
    say(f"The page with the result is at {address}; Ctrl-C stops it.")
    if has_screen():
        webbrowser.open(address)
    while server.is_running():
        time.sleep(0.5)
    raise LauncherError(server.obituary())
