"""Does anything that people can hand in get past the refusals? The fuzz of tests/fuzz, for longer.

    .venv/bin/python benchmarks/fuzz.py [--minutes 30] [--seed 0]

Damaged weights files, every node's inputs, and texts, drawn by Hypothesis with another seed in each
round until the minutes are over. What must hold: a ValueError of one sentence or ComfyUI's
validation, never another exception, never frames that are no numbers. Prints how many examples were
drawn, and stops at the first round in which a test fails; Hypothesis then shows the smallest
example.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = 400
"""Of each property in a round."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    os.environ["ADK_FUZZ_EXAMPLES"] = str(EXAMPLES)
    began, seed = time.monotonic(), options.seed
    command = ["-q", "-n", "0", "--show-capture=no", "-c", str(ROOT / "pyproject.toml")]
    while True:
        tests = str(ROOT / "tests" / "fuzz")
        code = pytest.main([*command, f"--hypothesis-seed={seed}", tests])
        passed = (time.monotonic() - began) / 60
        print(f"seed {seed}, up to {EXAMPLES} examples of each property: exit code {code}, "
              f"{passed:.1f} minutes in all", flush=True)  # fmt: skip
        seed += 1
        if code or passed >= options.minutes:
            return int(code)


if __name__ == "__main__":
    sys.exit(main())
