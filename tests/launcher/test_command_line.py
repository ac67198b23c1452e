"""The command line of run.py: its words, its exit codes, and the file systems that refuse it."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from animatediff_kit.launcher import command_line
from animatediff_kit.launcher.command_line import options_of


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


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    numbers = [getattr(signal, name) for name in command_line.ENDS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder that anyone may read, while the tests are not root, whom nothing is refused."""
    root = os.name != "nt" and os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:  # pytest's own is closed to others
        folder = Path(name)
        folder.chmod(0o555)
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such folders")
@pytest.mark.parametrize("line", [["demo"], ["install"], ["test"]], ids=lambda line: line[0])
def test_a_folder_without_the_right_to_write_is_told(
    nobody: Path, capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    graph = (
        Path(__file__).resolve().parents[2]
        / "example_workflows"
        / "01-Small-world-text-to-animation.json"
    )
    line = [*line, "--workflow", str(graph)] if line == ["demo"] else line
    assert command_line.main(line, root=nobody) == 1
    told = capsys.readouterr()
    assert told.err == (
        f"Error: The file system refused at {nobody / '.comfy'}: Permission denied. run.py writes "
        f"into .venv and .comfy of {nobody}, up to 10 GB; put the clone where you may write so "
        "much, and start again.\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_full_disk_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".comfy" / "logs").mkdir(parents=True)
    (tmp_path / ".comfy" / "logs" / "install.log").symlink_to("/dev/full")
    assert command_line.main(["install"], root=tmp_path) == 1
    assert "The file system refused: No space left on device." in capsys.readouterr().err


def test_an_error_of_our_own_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / ".comfy").write_text("a file in the place of the folder")
    with pytest.raises(FileExistsError):
        command_line.main(["install"], root=tmp_path)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_an_end_from_outside_unwinds_but_for_signals_that_are_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    command_line.unwind_at_an_end_from_outside()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    command_line.unwind_at_an_end_from_outside()
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(signal.SIGHUP)
    assert ended.value.code == 129
