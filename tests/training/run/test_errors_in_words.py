"""Errors that people can mend are sentences; of others the traceback is told too."""

from __future__ import annotations

import sys
from pathlib import Path

import comfy.sd
import pytest
import torch
from adk_tests.training.toml_runs import config
from animatediff_kit.training.run import command_line
from animatediff_kit.training.run.errors_in_words import in_words, is_expected


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a is 3.\nSet it to 4."), "Error: a is 3.\n    Set it to 4."),
        (
            PermissionError(13, "Permission denied", "/clips/a.mp4"),
            "Error: /clips/a.mp4 cannot be read or written (Permission denied). Look whether it is "
            "there, whose it is, and whether there is room on its disk.",
        ),
        (
            OSError(28, "No space left on device"),
            "Error: A file cannot be read or written (No space left on device). Look whether it is "
            "there, whose it is, and whether there is room on its disk.",
        ),
        (
            ModuleNotFoundError("No module named 'av'", name="av"),
            "Error: The Python package av is not installed. Install what ComfyUI's and the pack's "
            f"requirements files name with `{sys.executable} -m pip install -r FILE`.",
        ),
        (
            torch.cuda.OutOfMemoryError("Tried to allocate 2 GiB"),
            "Error: The memory is full (Tried to allocate 2 GiB). Set [training] "
            "batch_size to 1 and gradient_checkpointing to true, or [clips] width, height and "
            "frames lower.",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes"),
            "Error: The memory is full ([enforce fail] DefaultCPUAllocator: can't allocate memory: "
            "8 bytes). Set [training] batch_size to 1 and gradient_checkpointing to true, or "
            "[clips] width, height and frames lower.",
        ),
    ],
)
def test_what_people_can_mend_is_a_sentence(error: Exception, said: str) -> None:
    assert is_expected(error) and in_words(error) == said


def test_other_errors_are_named() -> None:
    error = RuntimeError("shapes differ\n3 and 4")
    assert (
        not is_expected(error)
        and in_words(error) == "Error: RuntimeError: shapes differ\n    3 and 4"
    )


def test_a_missing_or_wrong_toml_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[model\n")
    for path, why in (
        (tmp_path / "no.toml", "cannot be read (No such file or directory)."),
        (tmp_path, "cannot be read (Is a directory)."),
        (wrong, "wrong.toml is no TOML file: "),
    ):
        assert command_line.main([str(path)]) == 1
        (said,) = capsys.readouterr().err.splitlines()
        assert said.startswith("Error: ") and why in said


def test_a_damaged_checkpoint_is_told(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(files, tmp_path)
    for name, content in (("cut.safetensors", b"\xff" * 64), ("cut.ckpt", b"no pickle")):
        (tmp_path / name).write_bytes(content)
        written = path.read_text().replace(f"{files}/base.safetensors", f"{tmp_path}/{name}")
        (tmp_path / "cut.toml").write_text(written)
        assert command_line.main([str(tmp_path / "cut.toml")]) == 1
        said = capsys.readouterr().err
        wanted = f"[model] checkpoint: {name} is damaged or no checkpoint of an image model ("
        assert wanted in said and "Traceback" not in said


def test_a_full_memory_is_no_damage(
    files: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)")

    monkeypatch.setattr(comfy.sd, "load_checkpoint_guess_config", fail)
    assert command_line.main([str(config(files, tmp_path))]) == 1
    said = capsys.readouterr().err
    assert "Error: The memory is full (MPS backend out of memory" in said
    assert "damaged" not in said


@pytest.mark.parametrize("error", [OSError(5, "Input/output error", "a"), RuntimeError("b")])
def test_an_error_of_the_run_is_told_last(
    error: Exception,
    files: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(command_line, "start_processes", fail)
    assert command_line.main([str(config(files, tmp_path))]) == 1
    said = capsys.readouterr().err
    assert said.splitlines()[-1] == in_words(error)
    assert (
        ("Traceback" in said)
        == ("An error of the program:" in said)
        == isinstance(error, RuntimeError)
    )
