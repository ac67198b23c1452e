"""How exact is the pack? The largest errors that the parity tests measure.

    .venv/bin/python benchmarks/exactness.py

Runs tests/motion_models/test_parity.py, which compares one motion module and the whole animated
UNet of every family with a reference written out plainly from the papers, and prints the largest
relative error of each kind.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Largest:
    """A pytest plugin that keeps the largest value of each recorded property."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            for name, value in report.user_properties:
                self.values[name] = max(float(str(value)), self.values.get(name, 0.0))


def main() -> int:
    largest = Largest()
    tests = str(ROOT / "tests" / "motion_models" / "test_parity.py")
    code = pytest.main(["-q", "-c", str(ROOT / "pyproject.toml"), tests], plugins=[largest])
    print("\n| | largest relative error |\n|---|---|")
    for name, value in largest.values.items():
        print(f"| {name} | {value:.1e} |")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
