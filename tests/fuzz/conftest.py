"""How much is drawn: in the suite the same few examples each time; in benchmarks/fuzz.py others
each time, and many."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = os.environ.get("ADK_FUZZ_EXAMPLES")
"""Of each property. benchmarks/fuzz.py sets it."""

SHARED = dict(
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("suite", max_examples=250, derandomize=True, **SHARED)  # pyright: ignore
settings.register_profile("long", max_examples=int(EXAMPLES or 1), **SHARED)  # pyright: ignore
settings.load_profile("long" if EXAMPLES else "suite")
