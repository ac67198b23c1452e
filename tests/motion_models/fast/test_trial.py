"""Which steps are taken: those that agree, of them the faster ones, and never any that break."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from adk_tests.motion_models.fast.test_forward import FRAMES, features, motion_module
from adk_tests.support import tiny
from animatediff_kit.motion_models.fast import fits, trial
from animatediff_kit.motion_models.fast.plain import PlainSteps
from animatediff_kit.motion_models.fast.steps import Steps
from animatediff_kit.motion_models.specs import EVERYWHERE
from comfy.model_management import OOM_EXCEPTION, InterruptProcessingException


class Slow(PlainSteps):
    def feed_forward(self, block: Any, y: torch.Tensor) -> None:
        time.sleep(0.05)
        super().feed_forward(block, y)


class Other(PlainSteps):
    def feed_forward(self, block: Any, y: torch.Tensor) -> None:
        super().feed_forward(block, y)
        y.mul_(1.001)


class Broken(PlainSteps):
    def attend(self, attention: Any, norm: Any, y: torch.Tensor) -> None:
        raise RuntimeError("Failed to find C compiler.")


class BrokenOnTheWholeMap(PlainSteps):
    """It compiles, and works on the sample."""

    def __init__(self, transformer: Any, x: torch.Tensor, here: Any) -> None:
        super().__init__(transformer, x, here)
        if here.call.videos > 2:
            raise RuntimeError("out of resource: shared memory")


class OutOfMemory(PlainSteps):
    where = 0

    def __init__(self, transformer: Any, x: torch.Tensor, here: Any) -> None:
        super().__init__(transformer, x, here)
        if here.call.videos > self.where:
            raise OOM_EXCEPTION("CUDA out of memory.")


class OutOfMemoryOnTheWholeMap(OutOfMemory):
    where = 2


class Cancelled(PlainSteps):
    def attend(self, attention: Any, norm: Any, y: torch.Tensor) -> None:
        raise InterruptProcessingException()


@pytest.fixture(autouse=True)
def no_gradients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fits, "SMALLEST", 0)
    with torch.no_grad():
        yield


def chosen(kernels: type[Steps], again: bool = False) -> type[Steps] | None:
    """On a map of three videos, of which the sample has two.   again: in the same process, in
    another run"""
    if not again:
        trial.VERDICTS.clear()
    x = torch.cat([features(), features()[:FRAMES]])
    return trial.chosen(kernels, motion_module(), x, tiny.call(x, FRAMES))


def test_the_faster_ones_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = PlainSteps
    assert chosen(Slow) is quick
    monkeypatch.setattr(trial, "PlainSteps", Slow)
    assert chosen(quick) is quick


def test_runs_of_one_process_take_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels round otherwise, so a seed would give other frames."""
    quick = PlainSteps
    assert chosen(Slow) is quick
    monkeypatch.setattr(trial, "are_faster", lambda *given: True)
    assert chosen(Slow, again=True) is quick
    assert chosen(Slow) is Slow
    monkeypatch.setattr(trial, "are_faster", lambda *given: False)
    assert chosen(Slow, again=True) is Slow


def test_kinds_are_tried_each_for_itself() -> None:
    module, x = motion_module(), features()
    call = tiny.call(x, FRAMES)
    kinds = {
        trial.Kind.of(module, x, call),
        trial.Kind.of(module, x, tiny.call(x, 1)),
        trial.Kind.of(module, x, tiny.call(x, FRAMES, norms=EVERYWHERE)),
        trial.Kind.of(module, x.contiguous(memory_format=torch.channels_last), call),
        trial.Kind.of(module, x[..., 1:], call),
        trial.Kind.of(motion_module(attentions=1), x, call),
    }
    assert len(kinds) == 6
    assert trial.Kind.of(motion_module(), x + 1, call) in kinds


def test_what_differs_is_never_taken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert chosen(Other) is PlainSteps
    assert "differs from the reference by" in caplog.text and "(Other of " in caplog.text
    monkeypatch.setattr(trial, "PlainSteps", Other)
    assert chosen(Slow) is Slow and chosen(Other) is None


def test_kernels_that_do_not_compile_leave_torchs_operations(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        assert chosen(Broken) is PlainSteps
    assert "Triton compiles the kernels of motion modules for 64 channels on cpu" in caplog.text
    assert (
        "The kernels of motion modules do not run on cpu, so torch's operations compute: slow"
        in (caplog.text)
    )
    assert "Triton says: Failed to find C compiler." in caplog.text
    caplog.clear()
    assert chosen(Broken, again=True) is PlainSteps and not caplog.text


def test_kernels_that_fail_on_the_whole_map_leave_torchs_operations(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert chosen(BrokenOnTheWholeMap) is PlainSteps
    assert "Triton says: out of resource: shared memory" in caplog.text


def test_memory_that_is_short_decides_for_what_needs_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be there in the next run."""
    quick = PlainSteps
    assert chosen(OutOfMemory) is quick and not trial.VERDICTS
    assert chosen(OutOfMemoryOnTheWholeMap) is quick and not trial.VERDICTS
    monkeypatch.setattr(trial, "PlainSteps", OutOfMemoryOnTheWholeMap)
    assert chosen(Slow) is Slow
    monkeypatch.setattr(trial, "PlainSteps", OutOfMemory)
    with pytest.raises(OOM_EXCEPTION):
        chosen(Slow)


def test_operations_that_do_not_run_leave_the_reference(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trial, "PlainSteps", Broken)
    x = features()
    assert trial.chosen(None, motion_module(), x, tiny.call(x, FRAMES)) is None
    assert "does not run on cpu, so the reference computes: slower, and the same." in caplog.text
    assert "Torch says: Failed to find C compiler." in caplog.text


def test_a_triton_that_does_not_load(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(trial.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, f"{trial.__package__}.kernels.kernel_steps", None)
    assert trial.kernels_on.__wrapped__(torch.device("cuda", 0)) is None
    assert "The kernels of motion modules are not used: Triton does not load (" in caplog.text
    monkeypatch.undo()
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setitem(sys.modules, "triton", ModuleType("triton"))  # as other packs leave it
    assert trial.kernels_on.__wrapped__(torch.device("cuda", 0)) is None
    assert "Triton does not load (triton.__spec__ is None)" in caplog.text
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    caplog.clear()
    assert trial.kernels_on.__wrapped__(torch.device("cuda", 0)) is None and not caplog.text


def test_cancel_during_the_trial_ends_the_run() -> None:
    with pytest.raises(InterruptProcessingException):
        chosen(Cancelled)


def test_kernels_are_for_half_precision_on_a_gpu() -> None:
    module, x = motion_module(), features().half()
    call = tiny.call(x, FRAMES)
    assert not fits.kernels_know(module, x, call)
    on_gpu: Any = type("Map", (), {"is_cuda": True, "dtype": x.dtype, "shape": x.shape})()
    assert fits.kernels_know(module, on_gpu, call)
    on_gpu.dtype = torch.float32
    assert not fits.kernels_know(module, on_gpu, call)
    on_gpu.dtype = x.dtype
    assert not fits.kernels_know(module, on_gpu, tiny.call(features(frames=33), 33))
    module.temporal_transformer.norm.register_forward_hook(lambda layer, given, y: 2.0 * y)
    assert not fits.kernels_know(module, on_gpu, call)


def test_the_pack_does_not_import_triton() -> None:
    """Where no GPU is, nothing does but torch itself."""
    root = Path(__file__).resolve().parents[3]
    code = (
        "import sys; sys.modules['triton'] = None; sys.path.insert(0, 'standalone')\n"
        "from enter_comfyui import enter_comfyui; enter_comfyui(cpu=True)\n"
        "import importlib; importlib.import_module('animatediff_kit.motion_models.layers')\n"
        "importlib.import_module('animatediff_kit.motion_models.fast.trial')\n"
        "assert not [m for m in sys.modules if 'fast.kernels' in m]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
