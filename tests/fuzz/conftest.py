"""How much is drawn: in the suite the same few examples each time; in benchmarks/fuzz.py others
each time, and many."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import comfy.model_management
import pytest
from adk_tests.fuzz.sources import KEPT, SOURCES
from adk_tests.fuzz.sources_of_old_nodes import motion, motion_before
from adk_tests.fuzz.sources_of_their_own import animated, own_sources, wide, wide_motion
from hypothesis import HealthCheck, settings

MODELS = (motion, motion_before, wide, wide_motion, animated)
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


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left() -> Iterator[None]:
    """ComfyUI never forgets a model whose patcher has died before it, as those of prompts do whose
    models are kept here: it would warn of a leak in every test that follows."""
    gc.collect()
    gc.freeze()  # ComfyUI collects in a prompt; all that is imported is then not looked through
    yield
    gc.unfreeze()
    own = (make for _, make in own_sources().values())
    for make in (*SOURCES.values(), *own, *MODELS):
        if hasattr(make, "cache_clear"):
            make.cache_clear()  # pyright: ignore[reportFunctionMemberAccess]
    KEPT.clear()
    gc.collect()
    comfy.model_management.cleanup_models()
    loaded = comfy.model_management.current_loaded_models
    loaded[:] = [one for one in loaded if one.model is not None]
