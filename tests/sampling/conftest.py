"""The model that these tests borrow, and the proof after each test that it came back whole."""

from __future__ import annotations

from collections.abc import Iterator

import comfy.model_management as memory
import pytest
from adk_tests.support import by_hand, tiny
from animatediff_kit.motion_models.inject import apply_motion_model
from comfy.model_patcher import ModelPatcher


@pytest.fixture(scope="session")
def shared_still() -> tuple[ModelPatcher, str]:
    model = tiny.image_model()
    return model, by_hand.fingerprint(model.model)


@pytest.fixture
def still(shared_still: tuple[ModelPatcher, str]) -> Iterator[ModelPatcher]:
    """A tiny SD1.5 model without motion; its weights and options are compared after the test."""
    model, weights = shared_still
    yield model
    memory.unload_all_models()
    assert by_hand.fingerprint(model.model) == weights
    assert "context_handler" not in model.model_options


@pytest.fixture
def animated(still: ModelPatcher) -> ModelPatcher:
    return apply_motion_model(still, tiny.motion_patcher("v2"))
