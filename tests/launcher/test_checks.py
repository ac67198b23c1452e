"""The checks of `run.py test`, and what its command line makes of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from animatediff_kit.launcher import checks
from animatediff_kit.run import options_of


def test_a_failing_check_fails_the_whole_and_hides_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.py").write_text("import os\n")  # unused: ruff check fails, format passes
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_right.py").write_text("def test_right():\n    assert True\n")
    said: list[str] = []
    assert checks.run(tmp_path, Path(sys.executable), ["-q"], said.append) == 1
    summary = said[-1]
    assert "ruff check   FAILED (exit code 1)" in summary
    assert "ruff format  passed" in summary and "pytest       passed" in summary
    capfd.readouterr()


def test_paths_among_the_arguments_replace_the_whole_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_one.py").touch()
    command = checks.commands(Path("python"), ["-x", "test_one.py::test_a"])["pytest"]
    assert command[-2:] == ["-x", "test_one.py::test_a"] and "tests" not in command
    assert checks.commands(Path("python"), ["-k", "one"])["pytest"][-3:] == ["tests", "-k", "one"]


def test_quick_leaves_out_what_is_marked() -> None:
    commands = checks.commands(Path("python"), ["-x"], quick=True)
    whole = checks.commands(Path("python"), ["-x"])
    at = commands["pytest"].index("-m", 2)  # python -m pytest comes before
    assert commands["pytest"][at : at + 2] == ["-m", "not (served or training or slow)"]
    assert [word for word in commands["pytest"] if word not in ("-m", checks.QUICK)] == [
        word for word in whole["pytest"] if word != "-m"
    ]
    assert [name for name in commands if commands[name] != whole[name]] == ["pytest"]


@pytest.mark.parametrize(
    ("line", "quick", "passed_on"),
    [
        ([], False, []),
        (["--quick"], True, []),
        (["-k", "one"], False, ["-k", "one"]),
        (["-x", "tests/nodes", "--quick", "-k", "one"], True, ["-x", "tests/nodes", "-k", "one"]),
        (["tests/nodes", "--qui"], False, ["tests/nodes", "--qui"]),
    ],
)
def test_what_test_does_not_know_goes_to_pytest(
    line: list[str], quick: bool, passed_on: list[str]
) -> None:
    options = options_of(["test", *line])
    assert (options.quick, options.arguments) == (quick, passed_on)


def test_what_demo_does_not_know_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options_of(["demo", "--quick"])
    assert "unrecognized arguments: --quick" in capsys.readouterr().err
