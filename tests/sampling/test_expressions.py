"""Expressions in prompts: their values, and that nothing else is computed."""

from __future__ import annotations

import math

import pytest
from animatediff_kit.sampling.expressions import FUNCTIONS, MOST_CHARACTERS, read_expression

VALUES = {"t": 6, "max_f": 15, "pw_a": 0.5, "pw_b": -2.0, "pw_c": 1, "pw_d": 0.2}

COMPUTED = {
    "t": 6,
    " (0.5+0.5*sin(t/max_f)) ": 0.5 + 0.5 * math.sin(0.4),
    "7 % 5": 2,
    "-t ** 2": -36,
    "2 ** 0.5": 2**0.5,
    "t / 4": 1.5,
    "t // 4": 1,
    "pw_a * 2 + pw_b - pw_c * pw_d": -1.2,
    "where(t > 5, 1.25, 0)": 1.25,
    "where(t == 0, 0, 1 / t)": 1 / 6,
    "where((t >= 0) & (t < 3) | ~(t != 6), 1, 2)": 1,
    "t > 5": 1,
    "abs(cos(3.14159265 * t))": abs(math.cos(3.14159265 * 6)),
    "min(t, max(1, 2)) + round(2.4) + floor(1.9) + ceil(0.1)": 6,
    "arctan2(1, 2) + arctan(sqrt(4))": math.pi / 2,
    "tan(0.3) + exp(0) + log10(100) + log(1)": math.tan(0.3) + 3,
}


@pytest.mark.parametrize("text", COMPUTED)
def test_values(text: str) -> None:
    value = read_expression(text)(VALUES)
    assert value == pytest.approx(COMPUTED[text], rel=1e-12)
    assert type(value) is type(COMPUTED[text])


def test_every_function_can_be_called() -> None:
    for name, (takes, _) in FUNCTIONS.items():
        argument = "1.5" if name == "arccosh" else "0.5"
        value = read_expression(f"{name}({', '.join([argument] * takes)})")(VALUES)
        assert math.isfinite(value), name


REFUSED = {
    "__import__('os').system('x')": "is no arithmetic",
    "t.real": "t.real is no arithmetic",
    "open(1)": "open is no function here; there are where, sin",
    "sin": "sin is no name here; there are t, max_f, pw_a, pw_b, pw_c, pw_d",
    "s + 1": "s is no name here",
    "sin(1, 2)": "sin takes 1 numbers, and 2 are given",
    "sin(*t)": "is no arithmetic",
    "min(t, b=1)": "is no arithmetic",
    "[t for t in (1,)]": "is no arithmetic",
    "lambda: 1": "is no arithmetic",
    "t if t else 1": "is no arithmetic",
    "1 < t < 3": "is no arithmetic",
    "t and 1": "is no arithmetic",
    "'a' * 9": "is no arithmetic",
    "True": "is no arithmetic",
    "1j": "is no arithmetic",
    "1 +": "it is no arithmetic",
    "(" * 300: "it is no arithmetic",
    "t := 3": "is no arithmetic",
    "\0": "it is no arithmetic",
    "t+" * 200 + "t": f"it has 401 characters; {MOST_CHARACTERS} are the most",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as told:
        read_expression(text)
    assert REFUSED[text] in str(told.value)


NO_VALUE = {
    "1 / (t - 6)": "division by zero",
    "9 ** 9 ** 9": "Numerical result out of range",
    "sqrt(0 - t)": "math domain error",
    "(0 - 1) ** 0.5": "it gives (6.1",
    "1e308 * 10": "it gives inf",
    "sin((0 - 2) ** 0.5)": "must be real number, not complex",
}


@pytest.mark.parametrize("text", NO_VALUE)
def test_an_expression_without_a_value_is_told(text: str) -> None:
    with pytest.raises(ValueError) as told:
        read_expression(text)(VALUES)
    start = f"The expression `{text}` has no value at frame 6: "
    assert str(told.value).startswith(start)
    assert str(told.value).endswith("where(t > 0, 1 / t, 1) chooses between two.")
