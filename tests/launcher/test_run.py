"""run.py itself: any Python can read it, and an old one is told what it lacks."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLD = ("2.7", "3.5", "3.6", "3.7", "3.8", "3.9")
NEWER_THAN_2_7 = (
    ast.AnnAssign,
    ast.AsyncFunctionDef,
    ast.JoinedStr,
    ast.NamedExpr,
    ast.Nonlocal,
    ast.Starred,
)


def old_pythons() -> list[Path]:
    """The old interpreters of this machine; often none."""
    places = [Path(found) for name in OLD if (found := shutil.which(f"python{name}"))]
    by_pyenv = (Path.home() / ".pyenv" / "versions").glob("*/bin/python")
    places += [path for path in by_pyenv if path.parts[-3].startswith(OLD)]
    return [path for path in places if version_of(path) in OLD]


def version_of(python: Path) -> str:
    code = "import sys; sys.stdout.write('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout


def test_run_py_holds_nothing_that_python_2_7_cannot_read() -> None:
    source = (ROOT / "run.py").read_bytes().decode("ascii")  # 2.7 reads no more without a note
    tree = ast.parse(source)
    newer = [node for node in ast.walk(tree) if isinstance(node, NEWER_THAN_2_7)]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    annotated = [f.name for f in functions if f.returns or any(a.annotation for a in f.args.args)]
    keyword_only = [f.name for f in functions if f.args.kwonlyargs or f.args.posonlyargs]
    causes = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.cause]
    futures = re.findall(r"^from __future__.*", source, re.M)
    assert not newer and not annotated and not keyword_only and not causes and not futures


def test_an_old_python_is_told_which_it_needs() -> None:
    pythons = old_pythons()
    if not pythons:
        pytest.skip("no Python older than 3.10 is installed")
    for python in pythons:
        done = subprocess.run([python, ROOT / "run.py", "demo"], capture_output=True, text=True)
        assert done.returncode == 1 and done.stdout == ""
        assert re.fullmatch(
            rf"Error: this is Python {version_of(python)}; run.py needs 3\.10 or newer\. "
            r"Start it with one of these, for example: python3\.12 run\.py demo\n",
            done.stderr,
        ), (python, done.stderr)
