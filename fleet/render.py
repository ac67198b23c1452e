"""One prompt on one server, from its queue to the bytes of its files."""

from __future__ import annotations

import http.client
import time
import urllib.error
from dataclasses import dataclass
from pathlib import PurePosixPath

from launcher import LauncherError
from launcher.client import Client, ServerSilent
from launcher.websocket import WebSocketClosed

from .jobs import Job

LOST = (WebSocketClosed, ServerSilent, OSError, http.client.HTTPException)
"""What a connection raises whose server is gone; urllib's errors and TimeoutError are OSErrors."""

FOREIGN = (ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What an answer raises that is none of ComfyUI's."""


class ServerGone(Exception):
    """The server ended, hangs, or cannot be reached. The row may succeed on another."""


@dataclass(frozen=True)
class Outcome:
    """What became of a row. files: (place below the server's output folder, content). error: empty
    if all is well."""

    name: str
    server: str
    seconds: float
    files: tuple[tuple[str, bytes], ...] = ()
    error: str = ""


class Renderer:
    """Renders jobs on a server, one after the other. name: of the server, for the manifest.
    silence: seconds after which a server that says nothing of a job is gone."""

    def __init__(self, client: Client, name: str, silence: float = 3600.0) -> None:
        self.client, self.name, self.silence = client, name, silence
        self.prompt_id = self._left = ""

    def render(self, job: Job) -> Outcome:
        """Raises ServerGone; other errors are of the row, and in its outcome."""
        began = time.monotonic()
        try:
            for event in self.client.run(job.prompt, silence=self.silence):
                if event.kind == "queued":
                    self.prompt_id = event.data["prompt_id"]
            files, error = self._files(self.prompt_id), ""
        except urllib.error.HTTPError as answer:  # an OSError, but of a server that is there
            files, error = (), f"The server answered {answer.code} ({answer.reason})."
        except LOST as lost:
            self._left = self.prompt_id
            self.cancel()  # where it is there after all, but too busy to answer
            raise ServerGone(f"{self.name} is gone: {lost}") from None
        except LauncherError as told:
            files, error = (), str(told)
        except FOREIGN as answer:
            files, error = (), f"The server's answer is none of ComfyUI's ({answer!r})."
        finally:
            self.prompt_id = ""
        if not files and not error:
            error = "The workflow saved no file; end it in a node that saves one."
        return Outcome(job.name, self.name, time.monotonic() - began, files, error)

    def _files(self, prompt_id: str) -> tuple[tuple[str, bytes], ...]:
        written = [file for file in self.client.outputs(prompt_id) if file.folder == "output"]
        contents = []
        for file in written:
            with self.client.opened(file) as stream:
                place = str(PurePosixPath(file.subfolder, file.filename))
                contents.append((place, stream.read()))
        return tuple(contents)

    def is_back(self) -> bool:
        """Whether a server that was gone answers, and renders no more what it had of us."""
        try:
            if self._left:
                self.client.cancel(self._left)
            return self._left not in self.client.queued()
        except (OSError, http.client.HTTPException, *FOREIGN):
            return False

    def cancel(self) -> None:
        """Takes what this renders from its server's queue, or stops it there."""
        if prompt_id := self.prompt_id:
            try:
                self.client.cancel(prompt_id)
            except (OSError, http.client.HTTPException):
                pass  # the server is gone, and the prompt with it
