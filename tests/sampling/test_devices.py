"""Windows over the GPUs of one machine: two clones of a model behind fake devices, and a pool of
real threads."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import comfy.model_management
import pytest
import torch
from adk_tests.support import by_hand, tiny, windowed
from animatediff_kit.motion_models.call import Call
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.sampling.devices import CLONES, POOL
from animatediff_kit.sampling.values.control import control_over_time
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

FIRST, SECOND = torch.device("cpu:0"), torch.device("cpu:1")
FRAMES = 10
"""Three windows: 0-3, 3-6, 6-9."""


class Pool:
    """What ComfyUI 0.33's MultiGPUThreadPool is: a thread for each device."""

    def __init__(self, devices: list[torch.device]) -> None:
        self.work = {device: queue.Queue[Any]() for device in devices}
        self.results = {device: queue.Queue[Any]() for device in devices}
        self.threads = [threading.Thread(target=self.run, args=(d,), name=str(d)) for d in devices]
        for thread in self.threads:
            thread.start()

    def run(self, device: torch.device) -> None:
        while (job := self.work[device].get()) is not None:
            function, arguments = job
            try:
                self.results[device].put((function(*arguments), None))
            except Exception as error:
                self.results[device].put((None, error))

    def submit(self, device: torch.device, function: Callable[..., Any], *arguments: Any) -> None:
        self.work[device].put((function, arguments))

    def get_result(self, device: torch.device) -> tuple[Any, Any]:
        return self.results[device].get(timeout=60)

    def shutdown(self) -> None:
        for jobs in self.work.values():
            jobs.put(None)
        for thread in self.threads:
            thread.join()


def pool_of(devices: list[torch.device]) -> Any:
    try:
        from comfy.multigpu import MultiGPUThreadPool  # pyright: ignore
    except ImportError:
        return Pool(devices)
    return MultiGPUThreadPool(devices)


class OnTwo:
    """A model whose windows are sampled by itself and by a clone with weights of its own."""

    def __init__(self, seed: int = 0) -> None:
        self.one, self.other = (
            apply_motion_model(tiny.image_model(seed=seed), tiny.motion_patcher("v2"))
            for _ in range(2)
        )
        self.threads: list[str] = []

    @contextmanager
    def pool(self, options: dict[str, Any]) -> Iterator[None]:
        pool = pool_of([FIRST, SECOND])
        options[CLONES], options[POOL] = {FIRST: self.one, SECOND: self.other}, pool
        self.other.pre_run()
        try:
            yield
        finally:
            for key in (CLONES, POOL):
                options.pop(key, None)  # ComfyUI 0.33 has taken the pool itself
            pool.shutdown()
            self.other.cleanup()

    def windowed(self, watch: Callable[[], None] = lambda: None, **more: Any) -> ModelPatcher:
        def outer(executor: Any, *args: Any, **kwargs: Any) -> Any:
            with self.pool(executor.class_obj.model_options):
                return executor(*args, **kwargs)

        def called(executor: Any, *args: Any, **kwargs: Any) -> Any:
            on = "other" if executor.class_obj is self.other.model else "one"
            self.threads.append(f"{on} {threading.current_thread() is threading.main_thread()}")
            watch()
            return executor(*args, **kwargs)

        model = windowed.windowed(self.one, **more)
        model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "devices", outer)
        model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch", called)
        return model


def alone(**call: Any) -> Tensor:
    settings = {k: call.pop(k) for k in ("schedule", "fuse") if k in call}
    model = apply_motion_model(tiny.image_model(), tiny.motion_patcher("v2"))
    return windowed.sample_noise(
        windowed.windowed(model, **settings), windowed.noise_of(FRAMES), **call
    )


def controlled() -> dict[str, Any]:
    control = windowed.control_net().set_cond_hint(windowed.random(FRAMES, 3, 64, 64), 0.8)
    if hasattr(control, "multigpu_clones"):
        other = windowed.control_net().set_cond_hint(windowed.random(FRAMES, 3, 64, 64), 0.8)
        control.multigpu_clones[SECOND] = other
    return {"positive": windowed.with_entries(tiny.prompt(11), control=control)}


def controlled_over_time() -> dict[str, Any]:
    call = controlled()
    ((text, entries),) = call["positive"]
    control = control_over_time(entries["control"], frame_values)
    if hasattr(control, "multigpu_clones"):  # which core makes after it is connected
        control.multigpu_clones = entries["control"].multigpu_clones
    return {"positive": windowed.with_entries([[text, entries]], control=control)}


def frame_values(call: Call, height: int, width: int) -> Tensor:
    """Each frame's own."""
    return (torch.tensor(call.indices) / FRAMES).repeat(call.videos).view(-1, 1, 1, 1)


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "guidance 7": lambda: {"cfg": 7.0},
    "guidance 1": lambda: {"cfg": 1.0},
    "prompt travel": lambda: {"positive": windowed.frame_prompts(31, FRAMES)},
    "moving windows": lambda: {"schedule": "shifted", "steps": 3},
    "ControlNet": controlled,
    "ControlNet over time": controlled_over_time,
}


@pytest.mark.parametrize("case", CASES)
def test_two_devices_give_what_one_gives_bit_for_bit(case: str) -> None:
    expected, call = alone(**CASES[case]()), CASES[case]()
    settings = {k: call.pop(k) for k in ("schedule",) if k in call}
    two = OnTwo()
    model = two.windowed(**settings)
    frames = windowed.sample_noise(model, windowed.noise_of(FRAMES), **call)
    assert by_hand.same(frames, expected)
    assert {*two.threads} == {"one False", "other False"}, "each device in a thread of its own"
    ones = two.threads.count("one False")
    assert ones >= two.threads.count("other False") > 0


def test_an_error_on_one_device_reaches_the_user_as_it_is() -> None:
    error = RuntimeError("the card fell out")
    two = OnTwo()

    def watch() -> None:
        if two.threads[-1].startswith("other"):
            raise error

    with pytest.raises(RuntimeError) as raised:
        windowed.sample_noise(two.windowed(watch), windowed.noise_of(FRAMES))
    assert raised.value is error
    assert by_hand.same(
        windowed.sample_noise(two.windowed(), windowed.noise_of(FRAMES)), alone()
    ), "the next run is as if nothing had been"


def test_cancel_in_a_window_ends_all_devices() -> None:
    two = OnTwo()
    memory = comfy.model_management

    def watch() -> None:
        memory.interrupt_current_processing(True)

    with pytest.raises(memory.InterruptProcessingException):
        windowed.sample_noise(two.windowed(watch), windowed.noise_of(40), steps=20)
    memory.interrupt_current_processing(False)
    assert len(two.threads) <= 4, "they went on after Cancel"


def test_windows_on_two_devices_take_half_the_turns() -> None:
    """W windows on G devices are ceil(W / G) calls one after another."""
    two = OnTwo()
    windowed.sample_noise(two.windowed(), windowed.noise_of(FRAMES), steps=1, cfg=1.0)
    assert (two.threads.count("one False"), two.threads.count("other False")) == (2, 1)
