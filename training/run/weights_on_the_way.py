"""Weights files that can be used before a run ends, in a folder of the run's own beside the last
one: `pan_001/pan-00000500.safetensors`. What resumes a run is another file (checkpoints.py)."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError

from ..engine.clip_loss import ClipLoss
from ..engine.export import file_tensors, save_weights
from ..engine.file_about import metadata
from ..engine.loop import Report, Run
from ..files.remove_old import remove_old

log = logging.getLogger(__name__)


class WeightsOnTheWay:
    """A watcher that writes what `export` would, every `export_every` steps and every
    `export_minutes`, in the first process. The newest `export_keep` files stay.

    folder: asked for before each file, may raise OSError (weights_folder.py)
    What cannot be written or removed is told; it is no reason to end a run.
    """

    def __init__(
        self,
        run: Run[ClipLoss],
        folder: Callable[[], Path],
        name: str,
        spelling: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.run, self.folder, self.name, self.spelling = run, folder, name, spelling
        self.clock, self.written_at = clock, clock()

    def __call__(self, report: Report) -> None:
        if report.step == self.run.settings.steps or not self.is_due(report.step):
            return
        self.written_at = self.clock()
        name = f"{self.name}-{report.step:08d}"
        folder = None
        try:
            folder = self.folder()
            path = folder / f"{name}.safetensors"
            about = metadata(self.run, name)
            save_weights(path, file_tensors(self.run, self.spelling), about)
            older = self.older_than(path)
        except (OSError, SafetensorError) as error:
            log.warning(
                "%s.safetensors could not be written into %s (%s). The run goes on without it; "
                "make room there.",
                name,
                folder or "a folder of the run's own",
                error,
            )
            return
        remove_old(older[: -self.run.settings.export_keep])

    def is_due(self, step: int) -> bool:
        settings = self.run.settings
        if settings.export_every and step % settings.export_every == 0:
            return True
        minutes = settings.export_minutes
        return bool(minutes) and self.clock() - self.written_at >= 60 * minutes

    def older_than(self, newest: Path) -> list[Path]:
        """The files up to the newest, in their order. Later ones, of a run that was gone back
        behind, are none of them."""
        own = re.compile(re.escape(self.name) + r"-\d{8,}\.safetensors")
        files = sorted(path for path in newest.parent.iterdir() if own.fullmatch(path.name))
        return [path for path in files if path.name <= newest.name]
