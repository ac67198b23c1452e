"""Probes of ComfyUI's engine, on what its versions have and lack."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import comfy.model_management as memory
import pytest
import torch
from animatediff_kit.motion_models import compat
from animatediff_kit.sampling.values.control import ControlOverTime

CPU, META = torch.device("cpu"), torch.device("meta")


def test_free_memory_is_asked_of_the_patcher_where_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With dynamic VRAM, it counts weights that can be given up."""
    monkeypatch.setattr(memory, "get_free_memory", lambda device: 7)
    assert compat.free_memory(SimpleNamespace(), CPU) == 7
    assert compat.free_memory(SimpleNamespace(get_free_memory=lambda device: 11), CPU) == 11


def test_a_copy_on_another_device_is_cores_work_where_it_can() -> None:
    makes: Any = SimpleNamespace(
        cached_patcher_init=(int, ()), deepclone_multigpu=lambda new_load_device: new_load_device
    )
    assert compat.copy_on(makes, META) == META
    cannot: Any = SimpleNamespace(cached_patcher_init=None, deepclone_multigpu=None)
    old: Any = SimpleNamespace(cached_patcher_init=(int, ()))
    assert compat.copy_on(cannot, META) is None and compat.copy_on(old, META) is None


def test_copies_of_a_control_by_device() -> None:
    clone = object()
    control: Any = SimpleNamespace(multigpu_clones={META: clone})
    assert compat.control_on(control, META) is clone
    assert compat.control_on(control, CPU) is control
    stand_in = ControlOverTime(control, 0.5)
    on_meta = compat.control_on(stand_in, META)
    assert (on_meta.control, on_meta.over_time) == (clone, 0.5)
    assert compat.control_on(stand_in, META) is on_meta, "windows keep copies by identity"
    assert compat.control_on(stand_in, CPU) is stand_in
    control.multigpu_clones[META] = object()
    assert compat.control_on(stand_in, META).control is control.multigpu_clones[META]
    old = SimpleNamespace()
    assert compat.control_on(old, META) is old and dict(compat.device_clones(old)) == {}


HANDLERS = [(None, 9), (SimpleNamespace(context_length=4), 4)]


@pytest.mark.parametrize(("handler", "expected"), HANDLERS)
def test_frames_at_once(handler: SimpleNamespace | None, expected: int) -> None:
    assert compat.window_length(handler, 9) == expected
    assert compat.window_length(handler, 3) == 3


def test_a_window_of_another_dimension_shows_no_frames() -> None:
    window = SimpleNamespace(index_list=[1, 2], dim=2)
    assert compat.window_indices({"context_window": window}) is None
    assert compat.window_indices({"ad_params": {"sub_idxs": None}}) is None
