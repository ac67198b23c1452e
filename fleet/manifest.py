"""The folder of a fleet: files of clips, and the manifest that says what became of each row.

One process writes there. A clip's files are whole before the manifest names them, so a stop at any
moment loses the clips at work and no other.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from launcher import LauncherError
from launcher.one_at_a_time import locked, release

from .jobs import Job
from .names import file_names, folded
from .render import Outcome

FILE = "manifest.jsonl"
LOCK = "fleet.lock"

Entry = dict[str, Any]


class Manifest:
    """An open folder; use it in a `with` statement. `done`: entries of finished clips by name.

    Raises LauncherError where another fleet writes into the folder, a line is damaged, or the file
    system refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: dict[str, Entry] = {}
        self._rows: set[str] = set()

    def __enter__(self) -> Manifest:
        with refusals_told(self.folder):
            return self._opened()

    def _opened(self) -> Manifest:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / LOCK).open("a")
        if not locked(self._lock):
            self._lock.close()
            raise LauncherError(f"Another fleet writes into {self.folder}; choose another --out.")
        try:
            self.done = self._whole(self._read())
            self._file = self._anew()
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with refusals_told(self.folder):
                self._file.close()  # writes what a full disk has refused before
        finally:
            self._unlock()

    def _unlock(self) -> None:
        release(self._lock)
        self._lock.close()

    def missing(self, jobs: Sequence[Job]) -> list[Job]:
        """Jobs whose clips are not there, or are of other values. jobs: the whole table."""
        self._rows = {folded(job.name) for job in jobs}
        return [job for job in jobs if self.done.get(job.name, {}).get("digest") != job.digest]

    def add(self, job: Job, outcome: Outcome) -> Entry:
        """Writes the files of a row and its entry, which is returned."""
        entry: Entry = {"name": job.name, "number": job.number, "digest": job.digest}
        entry |= {"row": job.row, "seeds": job.seeds, "seconds": round(outcome.seconds, 2)}
        entry |= {"ended": round(time.time(), 2), "server": outcome.server, "files": []}
        if outcome.error:
            entry["error"] = outcome.error
        with refusals_told(self.folder):
            for name, (_, content) in zip(self._names(job, outcome), outcome.files, strict=True):
                write_whole(self.folder / name, content)
                entry["files"].append(name)
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        if not outcome.error:
            self.done[job.name] = entry
        return entry

    def _names(self, job: Job, outcome: Outcome) -> list[str]:
        """What the files of a row are called: nothing that another row has."""
        others = (entry["files"] for name, entry in self.done.items() if name != job.name)
        taken = {FILE, LOCK, *(folded(file) for files in others for file in files)}
        rows = self._rows - {folded(job.name)}
        return file_names(job.name, [file for file, _ in outcome.files], rows, taken)

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

    def _whole(self, entries: Sequence[Entry]) -> dict[str, Entry]:
        """The finished clips, by name. Where two rows name one file, as earlier versions could
        write it, one has lost its picture: neither is finished."""
        last = {entry["name"]: entry for entry in entries if "error" not in entry}
        named = Counter(folded(file) for entry in last.values() for file in entry["files"])
        return {
            name: entry
            for name, entry in last.items()
            if all(named[folded(f)] == 1 and (self.folder / f).is_file() for f in entry["files"])
        }

    def _anew(self) -> IO[str]:
        """The manifest with the finished clips alone, open for more."""
        path = self.folder / FILE
        lines = "".join(json.dumps(entry) + "\n" for entry in self.done.values())
        write_whole(path, lines.encode())
        return path.open("a", encoding="utf-8")


@contextmanager
def refusals_told(folder: Path) -> Iterator[None]:
    """Raises LauncherError where the file system refuses, as a full disk does."""
    try:
        yield
    except OSError as error:
        raise LauncherError(
            f"{error.filename or folder} cannot be written ({error.strerror}); what the manifest "
            "names is kept. Make room or choose another --out, and start the same command again."
        ) from None


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that is there as a whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(path)
