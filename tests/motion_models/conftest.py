"""The base model that these tests borrow, and the proof after each test that it came back whole."""

from __future__ import annotations

from collections.abc import Iterator

import comfy.model_management as memory
import pytest
from adk_tests.support import by_hand, tiny
from comfy.model_patcher import ModelPatcher


@pytest.fixture(scope="session")
def shared_base() -> ModelPatcher:
    return tiny.image_model()


@pytest.fixture(scope="session")
def base_weights(shared_base: ModelPatcher) -> str:
    return by_hand.fingerprint(shared_base.model)


@pytest.fixture
def base(shared_base: ModelPatcher, base_weights: str) -> Iterator[ModelPatcher]:
    """A tiny SD1.5 model; names and bytes of its weights are compared after the test."""
    yield shared_base
    memory.unload_all_models()
    assert by_hand.fingerprint(shared_base.model) == base_weights
