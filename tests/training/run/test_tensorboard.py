"""TensorBoard is an extra: silent where it is missing, but for those who ask for it."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

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


def broken_installation(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A tensorboard that raises when it is imported."""
    (folder / "tensorboard").mkdir(parents=True)
    (folder / "tensorboard" / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    for name in [n for n in sys.modules if n.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)


@pytest.mark.parametrize("asked", ["if installed", "on"])
@pytest.mark.parametrize(
    "text, why",
    [
        ("raise AttributeError('no distutils')", "AttributeError: no distutils"),
        ("raise TypeError('Descriptors cannot be made')", "TypeError: Descriptors cannot be made"),
        ("import adk_no_protobuf", "ModuleNotFoundError: No module named 'adk_no_protobuf'"),
    ],
)
def test_a_broken_installation_ends_no_run(
    asked: str,
    text: str,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken_installation(tmp_path / "packages", monkeypatch, text)
    board = TensorBoard(tmp_path / "run", asked, 0)
    board.note(1, {"flow": "0.5"})
    board(REPORT)
    board.close()
    assert caplog.messages == [
        f"AnimateDiff Kit: TensorBoard failed ({why}), so the run goes on without it and writes "
        "log.csv alone. Make room on the disk, or install tensorboard anew."
    ]
    sys.modules.pop("tensorboard", None)


@pytest.mark.parametrize("fails_in", ["add_scalar", "close", "__init__"])
def test_a_full_disk_in_its_writer_ends_no_run(
    fails_in: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It writes in a thread, whose error comes out of a later call."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def goes(*_: Any, **__: Any) -> None:
        """Nothing fails."""

    methods = {name: goes for name in ("__init__", "add_scalar", "close")}
    library: Any = ModuleType("torch.utils.tensorboard")
    library.SummaryWriter = type("SummaryWriter", (), {**methods, fails_in: full})
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", library)
    board = TensorBoard(tmp_path, "if installed", 0)
    for _ in range(3):
        board(REPORT)
        board.note(1, {"flow": "0.5"})
    board.close()
    assert len(caplog.messages) == 1 and "No space left on device" in caplog.messages[0]
