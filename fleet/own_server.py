"""A ComfyUI server of the fleet's own: the clone's ComfyUI, an output folder that is gone later."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

from launcher import LauncherError, comfyui, demo
from launcher.comfyui import ComfyUI
from launcher.environment import python_of
from launcher.one_at_a_time import one_at_a_time
from launcher.server import Server

from .jobs import Job
from .render import Outcome, Renderer


class OwnServer:
    """Starts a server. root: the clone. folder: of another ComfyUI, whose models are shown.

    Raises LauncherError where it does not come up.
    """

    def __init__(self, root: Path, folder: Path | None = None) -> None:
        with one_at_a_time(root / ".comfy", lambda line: None):
            comfy = installed(root, folder)
            base = comfyui.prepare_base(root / ".comfy" / "base", root)
            shown = demo.shown_models(root, comfy)
        self.folder = Path(tempfile.mkdtemp(prefix="animatediff-fleet-"))
        self.outputs = self.folder / "output"
        log = demo.new_log(root / ".comfy" / "logs")
        # servers that share an output folder would count to the same file names
        names = ("output", "temp", "user")
        for name in names:
            (self.folder / name).mkdir()
        places = [f"--{name}-directory={self.folder / name}" for name in names]
        # the results of the last prompt alone, so that files which it does not name can go
        try:
            self.server = Server(comfy, base, log, (*shown, *places, "--cache-classic"))
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        name = f"{socket.gethostname()}:{self.server.client.port}"
        self.renderer = Renderer(self.server.client, name)

    def render(self, job: Job) -> Outcome:
        """Raises ServerGone."""
        before = [path for path in self.outputs.rglob("*") if path.is_file()]
        outcome = self.renderer.render(job)
        # a node whose inputs are as before names its file anew; after an error it may do so yet
        named = {self.outputs / place for place, _ in outcome.files}
        for path in before if not outcome.error else ():
            if path not in named:
                path.unlink(missing_ok=True)
        return outcome

    def stop(self) -> None:
        self.server.stop(patience=3.0)
        shutil.rmtree(self.folder, ignore_errors=True)


def installed(root: Path, folder: Path | None) -> ComfyUI:
    """The ComfyUI that `folder` names, or the clone's. Nothing is installed here."""
    if folder is not None:
        found = comfyui.locate(folder)
        python = comfyui.own_python(found) or python_of(root / ".venv")
        return ComfyUI(found, python, ours=False)
    comfy, python = root / ".comfy" / "ComfyUI", python_of(root / ".venv")
    if not (comfy / "main.py").is_file() or not os.access(python, os.X_OK):
        raise LauncherError(
            f"{root} on {socket.gethostname()} has no ComfyUI yet: run `python run.py install` "
            "there, or name one with --comfyui."
        )
    return ComfyUI(comfy, python)
