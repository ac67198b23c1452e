"""One process trains in a run's folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from adk_tests.support.videos import write_captioned
from adk_tests.training.toml_runs import config
from animatediff_kit.training.files.locks import lock_folder
from animatediff_kit.training.run import command_line
from animatediff_kit.training.run.run_lock import locked


def test_a_second_run_in_the_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a terminal, before anything is loaded: no weights lie here."""
    for name in ("base", "motion"):
        (tmp_path / f"{name}.safetensors").touch()
    write_captioned(tmp_path / "clips" / "car.mp4", 3, "a car")
    lock = lock_folder(tmp_path / "run")
    assert command_line.main([str(config(tmp_path, tmp_path))]) == 1
    lock.release()
    assert capsys.readouterr().err.splitlines()[-1] == (
        "Error: Another process trains the run run. Wait until it has ended, or set another "
        "[output] folder."
    )


def test_a_run_is_locked_while_it_works(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(ValueError, match="^Another process trains the run .* Wait until it"):
            with locked(tmp_path):
                raise AssertionError
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"cannot be written \(.*\). Let ComfyUI write there."):
        with locked(tmp_path / "file" / "run"):
            raise AssertionError
