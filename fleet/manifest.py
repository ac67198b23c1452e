"""The folder of a fleet: files of clips, and the manifest that says what became of each row.

One process writes there. A clip's files are whole before the manifest names them, so a stop at any
moment loses the clips at work and no other.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from launcher import LauncherError
from launcher.one_at_a_time import locked, release

from .jobs import Job
from .render import Outcome

FILE = "manifest.jsonl"
LOCK = "fleet.lock"

Entry = dict[str, Any]


class Manifest:
    """An open folder; use it in a `with` statement. `done`: entries of finished clips by name.

    Raises LauncherError where another fleet writes into the folder, or a line is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: dict[str, Entry] = {}

    def __enter__(self) -> Manifest:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / LOCK).open("a")
        if not locked(self._lock):
            self._lock.close()
            raise LauncherError(f"Another fleet writes into {self.folder}; choose another --out.")
        try:
            self.done = {entry["name"]: entry for entry in self._read() if self._is_whole(entry)}
            self._file = self._anew()
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._unlock()

    def _unlock(self) -> None:
        release(self._lock)
        self._lock.close()

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        """Jobs whose clips are not there, or are of other values."""
        return [job for job in jobs if self.done.get(job.name, {}).get("digest") != job.digest]

    def add(self, job: Job, outcome: Outcome) -> Entry:
        """Writes the files of a row and its entry, which is returned."""
        entry: Entry = {"name": job.name, "number": job.number, "digest": job.digest}
        entry |= {"row": job.row, "seeds": job.seeds, "seconds": round(outcome.seconds, 2)}
        entry |= {"ended": round(time.time(), 2), "server": outcome.server, "files": []}
        if outcome.error:
            entry["error"] = outcome.error
        for name, content in zip(file_names(job.name, outcome.files), outcome.files, strict=True):
            write_whole(self.folder / name, content[1])
            entry["files"].append(name)
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        if not outcome.error:
            self.done[job.name] = entry
        return entry

    def _read(self) -> list[Entry]:
        """Every entry. A last line that was cut off counts for nothing."""
        path = self.folder / FILE
        lines = path.read_bytes().split(b"\n") if path.is_file() else [b""]
        entries = []
        for number, line in enumerate(lines[:-1], 1):
            try:
                entry = json.loads(line)
                entries.append({**entry, "name": str(entry["name"]), "files": [*entry["files"]]})
            except (ValueError, KeyError, TypeError):
                told = f"{path}, line {number} is no entry of a manifest"
                raise LauncherError(f"{told}; mend it, or choose another --out.") from None
        return entries

    def _is_whole(self, entry: Entry) -> bool:
        files = entry["files"]
        return "error" not in entry and all((self.folder / name).is_file() for name in files)

    def _anew(self) -> IO[str]:
        """The manifest with the finished clips alone, open for more."""
        path = self.folder / FILE
        lines = "".join(json.dumps(entry) + "\n" for entry in self.done.values())
        write_whole(path, lines.encode())
        return path.open("a", encoding="utf-8")


def file_names(name: str, files: Sequence[tuple[str, bytes]]) -> list[str]:
    """NAME.webp; the second of a kind is NAME_2.webp."""
    made: list[str] = []
    for file, _ in files:
        kind = Path(file).suffix.lower()
        before = sum(Path(other).suffix == kind for other in made)
        made.append(f"{name}{f'_{before + 1}' if before else ''}{kind}")
    return made


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that is there as a whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)
