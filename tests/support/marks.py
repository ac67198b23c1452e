"""Which tests bear which mark, by where they are; `run.py test --quick` leaves out all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

MARKS: dict[str, str] = {
    # a folder, a file, or a test of a file -> the mark of all its tests; pyproject.toml explains it
    "browser": "browser",
    "integration": "served",
    "stand_in": "served",
    "training/engine": "training",
    "training/models": "training",
    "training/run": "training",
    "nodes/training/test_train.py": "training",
    "small_world/test_retrain.py": "training",
    "small_world/test_temporal_convolution.py": "training",
    "small_world/test_train_autoencoder.py": "training",
    "small_world/test_train_images.py": "training",
    "benchmarks": "slow",
    "faults": "slow",
    "faults/test_training.py": "training",
    "fleet/test_on_servers.py": "served",
    "fleet/test_own_server.py": "served",
    "fuzz": "slow",
    "lockstep/test_ranks.py": "slow",
    "lockstep/test_two_servers.py": "served",
    "reference": "slow",
    "small_world/test_trained.py": "slow",
    "motion_models/adapters/image_to_video/test_apply.py": "slow",
    "motion_models/adapters/pia/test_apply.py": "slow",
    "motion_models/adapters/sparse_control/test_control.py": "slow",
    "motion_models/test_inject_chain.py": "slow",
    "motion_models/test_inject_compiled.py": "slow",
    "motion_models/test_inject_settings.py": "slow",
    "motion_models/test_inject_with_others.py": "slow",
    "motion_models/test_memory.py": "slow",
    "sampling/test_free_init.py::test_iterations_in_windows": "slow",
    "sampling/test_handler_beside_core.py": "slow",
    "sampling/test_handler_run.py::test_every_sampler_gives_the_whole_batch": "slow",
    "sampling/test_handler_run.py::test_frames_are_the_weighted_means_of_their_windows": "slow",
    "sampling/test_handler_run.py::test_two_stages_are_one": "slow",
    "sampling/views/test_stream.py": "slow",
    "training/data/test_cache_stops.py": "slow",
}


def marks_of(item: pytest.Item, tests: Path) -> list[str]:
    file = item.path.relative_to(tests)
    places = [folder.as_posix() for folder in (file, *file.parents)]
    test = f"{file.as_posix()}::{getattr(item, 'originalname', item.name)}"
    return [MARKS[place] for place in (*places, test) if place in MARKS]
