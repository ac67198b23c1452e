"""What the pack tells people when something is wrong, and which of it tests hold; read from the
text of both, nothing is run."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

HOLE = "\0"
"""Stands where a value is put in, or where a regular expression takes anything."""

RUN = 3
"""Words on end that a test must hold of a message; of a shorter message, all of a piece."""

LOUD = ("warning", "warn", "error")
OWN = ("UnreadableClip", "UnfitClip", "FolderInUse", "Stopped", "WebSocketClosed")
"""Errors whose names lack the word."""
PERCENT = re.compile(r"%(?:[-+ #0-9.]*[sdrfg])")
ANYTHING = re.compile(r"(?<!\\)(?:\[[^]]*\][*+?]?|\.[*+?]|\(\?\w\)|[()|^$*+?{}])|\\[dwsSb]\+?")
Words = tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """A text that a file raises or warns of, HOLE for values."""

    file: str
    line: int
    text: str

    @property
    def name(self) -> str:
        """What it is listed by; a change of other lines keeps it."""
        return f"{self.file}: {' '.join(self.text.replace(HOLE, '…').split())}"

    @property
    def runs(self) -> set[Words]:
        """Runs of RUN words of its literal pieces; the longest piece where all are shorter."""
        pieces = [words(piece) for piece in self.text.split(HOLE)]
        long = [piece for piece in pieces if len(piece) >= RUN]
        return {run for piece in long for run in ngrams(piece)} or {max(pieces, key=len)}


def words(text: str) -> Words:
    return tuple(re.findall(r"[\w'-]+", text.lower()))


def ngrams(piece: Words, length: int = RUN) -> set[Words]:
    return {piece[at : at + length] for at in range(len(piece) - length + 1)}


def messages(file: str, source: str) -> Iterator[Message]:
    """Every text of a file that it raises, makes an exception of, or warns of."""
    tree = ast.parse(source)
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    inner = {id(m) for n in functions.values() for m in ast.walk(n)}
    outside = [n for n in ast.walk(tree) if id(n) not in inner]
    for scope in (*map(list, map(ast.walk, top_functions(tree))), outside):
        texts = Texts(assigned(scope) | assigned(outside), functions)
        for call in telling_calls(scope):
            told = {text for argument in call.args for text in texts.of(argument)}
            yield from (Message(file, call.lineno, text) for text in sorted(told) if words(text))


def top_functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Functions and methods that lie in no other function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield node
        else:
            yield from top_functions(node)


def assigned(nodes: list[ast.AST]) -> dict[str, list[ast.expr]]:
    values: dict[str, list[ast.expr]] = {}
    for node in nodes:
        for target in node.targets if isinstance(node, ast.Assign) else []:
            if isinstance(target, ast.Name) and isinstance(node, ast.Assign):
                values.setdefault(target.id, []).append(node.value)
    return values


def telling_calls(nodes: list[ast.AST]) -> Iterator[ast.Call]:
    """Calls that are raised, that make an exception, or that warn."""
    raised = {id(node.exc) for node in nodes if isinstance(node, ast.Raise)}
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        loud = isinstance(node.func, ast.Attribute) and name in LOUD
        if loud or id(node) in raised or name in OWN or name.endswith("Error"):
            yield node


class Texts:
    """The texts that an expression can have, as far as they are written out."""

    def __init__(
        self, values: dict[str, list[ast.expr]], functions: dict[str, ast.FunctionDef]
    ) -> None:
        self.values, self.functions = values, functions

    def of(self, node: ast.expr, depth: int = 3) -> list[str]:
        if isinstance(node, ast.Constant):
            return [PERCENT.sub(HOLE, node.value) if isinstance(node.value, str) else HOLE]
        if isinstance(node, ast.JoinedStr):
            parts = [n.value if isinstance(n, ast.Constant) else HOLE for n in node.values]
            return ["".join(map(str, parts))]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return [a + b for a in self.of(node.left, depth) for b in self.of(node.right, depth)]
        possible = self.possible(node) if depth else []
        return [text for each in possible for text in self.of(each, depth - 1)] or [HOLE]

    def possible(self, node: ast.expr) -> list[ast.expr]:
        """What an expression stands for: branches, values of a name, results of a function."""
        if isinstance(node, ast.IfExp):
            return [node.body, node.orelse]
        if isinstance(node, ast.BoolOp):
            return node.values
        if isinstance(node, ast.Name):
            return self.values.get(node.id, [])
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            inside = ast.walk(self.functions[name]) if name in self.functions else ()
            return [n.value for n in inside if isinstance(n, ast.Return) and n.value is not None]
        return []


def strings_of(source: str) -> set[Words]:
    """Every run of words, of any length up to RUN, in the strings of a test file, docstrings apart;
    regular expressions are read as what they match."""
    tree = ast.parse(source)
    docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    found: set[Words] = set()
    texts = Texts({}, {})
    parts = {id(p) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for p in n.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in docs | parts:
            for piece in ANYTHING.sub(HOLE, texts.of(node)[0]).replace("\\", "").split(HOLE):
                found |= {run for n in range(1, RUN + 1) for run in ngrams(words(piece), n)}
    return found


def without_test(told: list[Message], strings: set[Words]) -> list[Message]:
    """The messages of which no string holds a run: one that no other message has, where
    there is one."""
    by_name = {message.name: message for message in told}
    uses = Counter(run for message in by_name.values() for run in message.runs)
    left = []
    for message in by_name.values():
        own = {run for run in message.runs if uses[run] == 1} or message.runs
        if not own & strings:
            left.append(message)
    return left
