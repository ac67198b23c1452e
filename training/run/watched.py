"""What watches a run in either way in, put together: it looks, logs, writes weights on the way and
ends the run by its rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..engine.clip_loss import ClipLoss
from ..engine.loop import Run
from .eyes import Eyes
from .lookout import Lookout, RuleStop
from .run_log import FINISHED, KEPT, RunLog, StoppedToKeep
from .tensorboard import TensorBoard
from .watchers import Watcher
from .weights_folder import own_folder
from .weights_on_the_way import WeightsOnTheWay


class Notes:
    """Where a look's figures are kept. Knows nothing of the run: a circle with it would hold its
    memory."""

    def __init__(self, record: RunLog, board: TensorBoard) -> None:
        self.record, self.board = record, board

    def __call__(self, step: int, figures: dict[str, str]) -> None:
        self.record.note(step, figures)
        self.board.note(step, figures)


class Watched:
    """on_the_way: the folder of weights files before the end, if no other run has it"""

    def __init__(
        self, run: Run[ClipLoss], name: str, on_the_way: Path, spelling: str, eyes: Eyes
    ) -> None:
        self.run = run
        self.record = RunLog(run, name)
        self.board = TensorBoard(run.folder, run.settings.tensorboard, run.step)
        self.lookout = Lookout(run, eyes, Notes(self.record, self.board))
        own = partial(own_folder, on_the_way, self.record)
        self.weights = WeightsOnTheWay(run, own, name, spelling)

    @contextmanager
    def until_the_file(self) -> Iterator[None]:
        """All of the run, its last previews and its file too. Whatever breaks it off, the run is
        told to have ended: its process may live on, and it would be shown to work."""
        try:
            yield
        except BaseException:
            self.record.broken_off()
            raise
        finally:
            self.board.close()

    def first(self) -> list[Watcher]:
        """What others show."""
        return [self.lookout]

    def then(self) -> list[Watcher]:
        """What may end the run is the last."""
        return [self.record, self.board, self.weights, RuleStop(self.run, self.lookout)]


def train_to_its_end(run: Run[ClipLoss]) -> tuple[str, str]:
    """All steps, or until the run is to keep what it has.   -> how it ended, and the stop rule"""
    try:
        run.train()
    except StoppedToKeep as stopped:
        return KEPT, stopped.rule
    return FINISHED, ""
