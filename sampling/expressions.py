"""Numbers in prompts that are computed for each frame: `0.5 + 0.5 * sin(t / max_f)`.

The syntax and the names are those of FizzNodes (and Deforum, where it comes from), which computes
them with numexpr. Here a small tree of Python's own grammar is walked: numbers, the names of NAMES,
arithmetic, comparisons and FUNCTIONS, and nothing else, so that no text of a workflow can run code.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Number = int | float

NAMES = ("t", "max_f", "pw_a", "pw_b", "pw_c", "pw_d")
"""The frame, the number of the last frame, and four values from outside."""

MOST_CHARACTERS = 400


def power(base: Number, exponent: Number) -> Number:
    """Through a float, so that no text takes hours: 9 ** 9 ** 9 overflows at once."""
    result = float(base) ** exponent
    whole = isinstance(base, int) and isinstance(exponent, int) and exponent >= 0
    return int(result) if whole and abs(result) < 2**53 else result


OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: power,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.BitAnd: lambda a, b: bool(a) and bool(b),
    ast.BitOr: lambda a, b: bool(a) or bool(b),
    ast.Invert: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}

FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    # numexpr's for real numbers, and Python's min, max and round -> how many numbers they take
    "where": (3, lambda condition, then, otherwise: then if condition else otherwise),
    "sin": (1, math.sin),
    "cos": (1, math.cos),
    "tan": (1, math.tan),
    "arcsin": (1, math.asin),
    "arccos": (1, math.acos),
    "arctan": (1, math.atan),
    "arctan2": (2, math.atan2),
    "sinh": (1, math.sinh),
    "cosh": (1, math.cosh),
    "tanh": (1, math.tanh),
    "arcsinh": (1, math.asinh),
    "arccosh": (1, math.acosh),
    "arctanh": (1, math.atanh),
    "log": (1, math.log),
    "log10": (1, math.log10),
    "log1p": (1, math.log1p),
    "exp": (1, math.exp),
    "expm1": (1, math.expm1),
    "sqrt": (1, math.sqrt),
    "abs": (1, abs),
    "floor": (1, math.floor),
    "ceil": (1, math.ceil),
    "round": (1, round),
    "min": (2, min),
    "max": (2, max),
}


@dataclass(frozen=True)
class Expression:
    """A text that was read, to be computed for any frame."""

    text: str
    tree: ast.expr

    def __call__(self, values: Mapping[str, Number]) -> Number:
        """Its value where each of NAMES has that of `values`.

        Raises ValueError where it has none: a division by zero, a root of a negative number.
        """
        try:
            value = computed(self.tree, values)
            if isinstance(value, bool):
                return int(value)
            if isinstance(value, int | float) and math.isfinite(value):
                return value
            reason = f"it gives {value}"
        except (ArithmeticError, ValueError, TypeError) as error:
            reason = str(error)
        raise ValueError(
            f"The expression `{self.text}` has no value at frame {values['t']}: {reason}. Write "
            "one that has a value at every frame; where(t > 0, 1 / t, 1) chooses between two."
        )


@lru_cache(maxsize=256)
def read_expression(text: str) -> Expression:
    """Read once, however many frames it is computed for. Raises ValueError, which says what of it
    is not understood, without a full stop."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters; {MOST_CHARACTERS} are the most")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError("it is no arithmetic") from None
    check(tree, text.strip())
    return Expression(text.strip(), tree)


def check(node: ast.AST, text: str) -> None:
    """Raise ValueError for anything in the tree that `computed` does not know."""
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return
        case ast.Name(id=name):
            if name not in NAMES:
                raise ValueError(f"{name} is no name here; there are {', '.join(NAMES)}")
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            check(operand, text)
        case ast.BinOp(op=op, left=left, right=right) if type(op) in OPERATORS:
            check(left, text)
            check(right, text)
        case ast.Compare(ops=[op], left=left, comparators=[right]) if type(op) in OPERATORS:
            check(left, text)
            check(right, text)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            check_call(name, arguments)
            for argument in arguments:
                check(argument, text)
        case _:
            raise ValueError(f"{ast.get_source_segment(text, node) or text} is no arithmetic")


def check_call(name: str, arguments: list[ast.expr]) -> None:
    if name not in FUNCTIONS:
        raise ValueError(f"{name} is no function here; there are {', '.join(FUNCTIONS)}")
    takes = FUNCTIONS[name][0]
    if len(arguments) != takes:
        raise ValueError(f"{name} takes {takes} numbers, and {len(arguments)} are given")


def computed(node: ast.AST, values: Mapping[str, Number]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=op, operand=operand):
            return OPERATORS[type(op)](computed(operand, values))
        case ast.BinOp(op=op, left=left, right=right):
            return OPERATORS[type(op)](computed(left, values), computed(right, values))
        case ast.Compare(ops=[op], left=left, comparators=[right]):
            return OPERATORS[type(op)](computed(left, values), computed(right, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            if name == "where":  # the branch that is not taken may have no value
                condition, then, otherwise = arguments
                return computed(then if computed(condition, values) else otherwise, values)
            return FUNCTIONS[name][1](*(computed(argument, values) for argument in arguments))
    raise AssertionError  # check lets nothing else through
