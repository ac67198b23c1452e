"""What a run holds is given back when it ends, however it ends, and by itself."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.utils
import pytest
import torch
from adk_tests.support.training_folders import own_folders
from animatediff_kit.training.engine.config import TrainingSettings
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.engine.optimizer import WeightAverage
from animatediff_kit.training.models import stages
from animatediff_kit.training.models.denoiser import Denoiser
from animatediff_kit.training.run.in_comfyui import Result, train
from animatediff_kit.training.run.node_picture import NodePicture

from .. import small
from ..clips import ClipsInMemory

SETTINGS = TrainingSettings(steps=4, learning_rate=1e-3, save_every=2, preview_every=0)
CLIPS = ClipsInMemory(frames=2)
LORA = stages.MOTION_LORA


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> Iterator[Path]:
    with own_folders(tmp_path) as root:
        yield root


class Held:
    """What holds a run's memory, by weak references: the model, its weights, the run, its optimizer
    and the optimizer's state, its averages. Noted after the second step."""

    def __init__(self) -> None:
        self.references: list[weakref.ref[Any]] = []
        self.at_emptying: list[int] = []

    def note(self, step: int) -> None:
        if step == 2:
            kinds = (Denoiser, Run, NodePicture, torch.optim.Optimizer, WeightAverage)
            parts = [found for found in gc.get_objects() if issubclass(type(found), kinds)]
            assert {kind for kind in kinds for part in parts if isinstance(part, kind)} == {*kinds}
            self.references = [weakref.ref(part) for part in [*parts, *tensors(parts)]]
            # what lies in a circle by now is out of any collection's reach
            gc.freeze()

    def count(self) -> int:
        return sum(reference() is not None for reference in self.references)


def tensors(parts: list[Any]) -> list[torch.Tensor]:
    """Those of the models, the optimizers and the averages."""
    found: list[torch.Tensor] = []
    for part in parts:
        if isinstance(part, Denoiser):
            found += part.parameters()
        elif isinstance(part, torch.optim.Optimizer):
            found += [t for state in part.state.values() for t in state.values()]
        elif isinstance(part, WeightAverage):
            found += part.values.values()
    return found


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """Notes what the run holds, and how much of it is left whenever ComfyUI empties its cache."""
    gc.collect()  # what other tests have left
    noted = Held()
    empty = comfy.model_management.soft_empty_cache

    def emptying(*args: Any) -> None:
        noted.at_emptying.append(noted.count())
        empty(*args)

    monkeypatch.setattr(comfy.model_management, "soft_empty_cache", emptying)
    yield noted
    gc.unfreeze()


@contextmanager
def progress_to(hook: Callable[[int], None]) -> Iterator[None]:
    before = comfy.utils.PROGRESS_BAR_HOOK
    comfy.utils.set_progress_bar_global_hook(
        lambda value, total, preview, node_id=None: hook(value)
    )
    try:
        yield
    finally:
        comfy.utils.set_progress_bar_global_hook(before)


def run_small(clips: ClipsInMemory = CLIPS, **changes: Any) -> Result:
    """With averages and a preview, on a model of two levels."""
    settings = replace(SETTINGS, ema=0.9, preview_every=2, **changes)
    model = small.image_model()
    with torch.inference_mode():
        return train(lambda target: small.trainee(LORA), model, clips, settings, "pan", "")


def test_memory_is_given_back(held: Held) -> None:
    """Before ComfyUI's cache is emptied, and without any collection of Python's."""
    with progress_to(held.note):
        run_small()
    assert len(held.references) > 200
    assert held.count() == 0 and held.at_emptying[-1] == 0


@pytest.mark.parametrize("ending", ["cancel", "error"])
def test_memory_is_given_back_by_a_run_that_ends_early(held: Held, ending: str) -> None:
    """Also while its error is kept, whose traceback holds the frames of all that was called."""

    def end(step: int) -> None:
        held.note(step)
        if step == 2 and ending == "cancel":
            comfy.model_management.interrupt_current_processing()
        elif step == 2:
            raise MemoryError("no room is left")

    kinds = (comfy.model_management.InterruptProcessingException, MemoryError)
    with progress_to(end), pytest.raises(kinds) as caught:
        run_small()
    assert len(held.references) > 200
    assert held.count() == 0 and held.at_emptying[-1] == 0
    assert caught.traceback[-1].lineno  # the lines of the report are still there


def test_memory_is_given_back_where_no_step_is_made(held: Held) -> None:
    made: list[weakref.ref[Any]] = []

    def make(target: stages.DeviceAndDtype) -> stages.Trainee:
        trained = small.trainee(LORA)
        made.extend(map(weakref.ref, [trained.denoiser, *trained.denoiser.parameters()]))
        gc.freeze()
        return trained

    model = small.image_model()
    with pytest.raises(ValueError, match="The set of clips is empty") as caught:
        train(make, model, ClipsInMemory(0), SETTINGS, "pan", "")
    assert len(made) > 200 and not any(reference() is not None for reference in made)
    assert caught.value


def test_training_needs_nothing_that_comfyui_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("matplotlib", "cv2", "accelerate"):
        monkeypatch.setitem(sys.modules, module, None)
    assert run_small(steps=1).path.is_file()
