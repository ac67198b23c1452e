"""TensorBoard is an extra: silent where it is missing, but for those who ask for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from animatediff_kit.training.engine.loop import Report
from animatediff_kit.training.run.tensorboard import FOLDER, TensorBoard

REPORT = Report(1, 0.5, 1.0, 1e-4, 0)


@pytest.mark.parametrize("asked, lines", [("if installed", 0), ("off", 0), ("on", 1)])
def test_where_it_is_missing(
    asked: str,
    lines: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    board = TensorBoard(tmp_path, asked, 0)
    board.note(1, {"flow": "0.5"})
    board(REPORT)
    board.close()
    assert not list(tmp_path.iterdir()) and len(caplog.messages) == lines
    assert not lines or "TensorBoard is not installed" in caplog.messages[0]


def test_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import (  # pyright: ignore
        EventAccumulator,
    )

    board = TensorBoard(tmp_path, "on", 0)
    board.note(1, {"flow": "0.25", "pan": ""})
    board(REPORT)
    board.close()
    read = EventAccumulator(str(tmp_path / FOLDER))
    read.Reload()
    assert sorted(read.Tags()["scalars"]) == ["look/flow", "step/loss", "step/norm", "step/rate"]
    assert read.Scalars("look/flow")[0].value == 0.25
