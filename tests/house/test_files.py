"""Every file says what it is, is short, and has a name that says more than `utils`."""

from __future__ import annotations

import ast
from pathlib import Path

from adk_tests.house.rooms import ROOT, below, modules

LINES = 250
REASON = "Longer than 250 lines"
"""A sentence of the first docstring that begins so lets a file be longer, and says why."""

DRAWERS = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}


def docstring(path: Path) -> str:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return ast.get_docstring(tree) or ""


def lines(path: Path) -> int:
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


def test_every_file_says_what_it_is() -> None:
    files = [*modules(), *below("tests")]
    assert [str(path) for path in files if not docstring(path)] == []


def test_every_folder_is_a_package_with_a_docstring() -> None:
    scripts = {Path(), Path("benchmarks")}  # run by path
    folders = {path.parent for path in modules()} - scripts
    assert [str(f) for f in sorted(folders) if not (ROOT / f / "__init__.py").is_file()] == []
    assert [str(f) for f in sorted(folders) if not docstring(f / "__init__.py")] == []


def test_every_file_is_short_or_says_why_not() -> None:
    """Split a longer one by ideas, or write the reason: "Longer than 250 lines: ..."."""
    long = {str(path): lines(path) for path in modules() if lines(path) > LINES}
    assert {path: n for path, n in long.items() if REASON not in docstring(Path(path))} == {}


def test_no_drawer_for_everything() -> None:
    names = [*modules(), *below("tests")]
    assert [str(path) for path in names if path.name in DRAWERS] == []
