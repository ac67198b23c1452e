"""What watches a run in either way in, put together: it looks, logs, writes weights on the way and
ends the run by its rules."""

from __future__ import annotations

from pathlib import Path

from ..engine.clip_loss import ClipLoss
from ..engine.loop import Run
from .eyes import Eyes
from .lookout import Lookout, RuleStop
from .run_log import RunLog
from .tensorboard import TensorBoard
from .watchers import Watcher
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
    """on_the_way: the folder of weights files before the end"""

    def __init__(
        self, run: Run[ClipLoss], name: str, on_the_way: Path, spelling: str, eyes: Eyes
    ) -> None:
        self.run = run
        self.record = RunLog(run, name)
        self.board = TensorBoard(run.folder, run.settings.tensorboard, run.step)
        self.lookout = Lookout(run, eyes, Notes(self.record, self.board))
        self.weights = WeightsOnTheWay(run, on_the_way, name, spelling)

    def first(self) -> list[Watcher]:
        """What others show."""
        return [self.lookout]

    def then(self) -> list[Watcher]:
        """What may end the run is the last."""
        return [self.record, self.board, self.weights, RuleStop(self.run, self.lookout)]
