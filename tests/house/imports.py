"""What a Python file imports, read from its text: nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACK = "animatediff_kit"
SCRIPTED = ("standalone", "launcher", "conversion", "graphs", "fleet")
"""Rooms that scripts import from the root."""


def imports(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """(line, module) of every import in a file of the pack, at `path` below its root.

    Modules of the pack are given as paths below the root, with slashes and, where it is written,
    the imported name; others by their dotted name. Counted wherever they stand: inside functions,
    under TYPE_CHECKING, and as literal arguments of `importlib.import_module`.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, ours(alias.name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, source(path, "." * node.level + (node.module or ""), alias.name)
        elif is_import_call(node):
            (first, *_) = node.args
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, source(path, first.value)


def is_import_call(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module"


def source(path: Path, written: str, name: str = "") -> str:
    """`written` as it stands behind `from` in the file at `path`."""
    dots = len(written) - len(written.lstrip("."))
    parts = [part for part in (*written.lstrip(".").split("."), name) if part]
    if not dots:
        return ours(".".join(parts))
    above = path.parent.parts[: len(path.parent.parts) - dots + 1]
    return "/".join((*above, *parts))


def ours(module: str) -> str:
    """A dotted name; of the pack's own modules the path."""
    top, _, rest = module.partition(".")
    if top == PACK:
        return rest.replace(".", "/")
    # scripts put the root on the path for a moment
    return module.replace(".", "/") if top in SCRIPTED else module
