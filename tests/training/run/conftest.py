"""What runs of `train.py` need, for the tests that begin some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import comfy.model_management as memory
import pytest
from adk_tests.training.toml_runs import remove_weights, write_files


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("files")
    write_files(folder)
    yield folder
    remove_weights(folder)


@pytest.fixture
def unload() -> Iterator[None]:
    yield
    memory.unload_all_models()
