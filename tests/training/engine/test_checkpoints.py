"""Checkpoints: whole or not there at all, only the newest kept, and errors that name the file."""

from __future__ import annotations

import json
import random
import resource
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support.clip_sets import killed
from animatediff_kit.training.engine import checkpoints
from animatediff_kit.training.engine.checkpoints import (
    Checkpoint,
    found,
    load,
    optimizer_tensors,
    restore_optimizer,
    restore_weights,
    save,
)
from animatediff_kit.training.engine.identity import check_identity
from animatediff_kit.training.engine.optimizer import WeightAverage
from safetensors.torch import save_file
from torch import Tensor, nn

IDENTITY = {"stage": "motion_lora", "rank": 4, "learning_rate": 1e-4, "family": None}


def checkpoint(step: int = 3, size: int = 10) -> Checkpoint:
    generator = torch.Generator().manual_seed(step)
    tensors = {
        "weights.a.weight": torch.randn((size, size), generator=generator),
        "optimizer.a.weight.step": torch.tensor(float(step)),
        "losses": torch.tensor([0.1, float("nan"), 1 / 3], dtype=torch.float64),
    }
    return Checkpoint(step, dict(IDENTITY), tensors, {"scale": 65536.0}, {"a.weight.count": 7})


def same(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a.nan_to_num(-1), b.nan_to_num(-1))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = save(tmp_path / "new" / "folder", checkpoint(), keep=2)
    assert path.name == "checkpoint-00000003.safetensors"
    loaded, expected = load(path), checkpoint()
    assert (loaded.step, loaded.identity) == (3, IDENTITY)
    assert (loaded.scaler, loaded.plain) == (expected.scaler, expected.plain)
    assert loaded.tensors.keys() == expected.tensors.keys()
    assert all(same(t, loaded.tensors[key]) for key, t in expected.tensors.items())
    assert set(loaded.part("weights")) == {"a.weight"}


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "checkpoint-7.safetensors.bak").write_text("mine")
    for step in (1, 2, 9, 10, 100):
        save(tmp_path, checkpoint(step), keep=2)
    assert [path.name for path in found(tmp_path)] == [
        "checkpoint-00000010.safetensors",
        "checkpoint-00000100.safetensors",
    ]
    assert {"notes.txt", "checkpoint-7.safetensors.bak"} <= set(names(tmp_path))


def test_a_checkpoint_is_kept_where_later_ones_of_another_run_lie(tmp_path: Path) -> None:
    """A run that goes back to step 10 leaves what it goes back behind."""
    for step in (10, 20):
        save(tmp_path, checkpoint(step), keep=2)
    for step in (11, 12):
        assert save(tmp_path, checkpoint(step), keep=1).is_file()
    assert names(tmp_path) == ["checkpoint-00000012.safetensors", "checkpoint-00000020.safetensors"]


def test_a_checkpoint_that_cannot_be_removed_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As Windows has it where another program has the file open."""

    first, remove = save(tmp_path, checkpoint(1), keep=1), Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == first:
            raise PermissionError(13, "The process cannot access the file")
        remove(path, missing_ok)

    with monkeypatch.context() as windows:
        windows.setattr(Path, "unlink", unlink)
        assert save(tmp_path, checkpoint(2), keep=1).is_file()
    assert caplog.messages == [
        f"{first} could not be removed (The process cannot access the file). The run goes on; "
        "close it where it is open, and it is removed with the next."
    ]
    assert save(tmp_path, checkpoint(3), keep=1).is_file() and len(found(tmp_path)) == 1


def test_a_folder_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert found(tmp_path / "nothing") == []


def save_for_ever(folder: Path) -> None:
    step = 0
    while True:
        step += 1
        save(folder, checkpoint(step, size=400), keep=2)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_kill_at_any_moment_leaves_whole_files_alone(tmp_path: Path) -> None:
    chance, interrupted = random.Random(0), 0
    for _ in range(25):
        writer = killed(
            lambda: save_for_ever(tmp_path),
            lambda: bool(found(tmp_path)),
            chance.uniform(0.0, 0.02),
        )
        assert writer.exitcode == -signal.SIGKILL
        kept = found(tmp_path)
        assert 1 <= len(kept) <= 3  # one more than kept, between the renaming and the removing
        for path in kept:
            loaded = load(path)
            expected = checkpoint(loaded.step, size=400).tensors
            assert all(same(t, loaded.tensors[key]) for key, t in expected.items())
        interrupted += len(names(tmp_path)) - len(kept)
        save(tmp_path, checkpoint(10**7, size=2), keep=2)  # what the next run does
        assert names(tmp_path) == [path.name for path in found(tmp_path)]
        for path in found(tmp_path):
            path.unlink()
    assert interrupted  # some of the kills came in the middle of a file


def test_a_full_disk_is_named_and_the_last_checkpoint_stays(tmp_path: Path) -> None:
    first = save(tmp_path, checkpoint(1, size=300), keep=1)
    before = first.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(
            ValueError, match=r"^checkpoint-00000002\.safetensors could not"
        ) as error:
            save(tmp_path, checkpoint(2, size=300), keep=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(tmp_path) in str(error.value) and "File too large" in str(error.value)
    assert "Make room there and resume from the last checkpoint" in str(error.value)
    assert names(tmp_path) == [first.name] and first.read_bytes() == before
    assert save(tmp_path, checkpoint(2, size=300), keep=1).is_file()


def damage_nothing_left(path: Path) -> None:
    path.write_bytes(b"")


def damage_cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def damage_other_file(path: Path) -> None:
    save_file({"a": torch.zeros(2)}, path, {"format": "pt"})


def damage_no_json(path: Path) -> None:
    save_file({"losses": torch.zeros(2)}, path, {"animatediff_kit_training": "{"})


def damage_missing_entry(path: Path) -> None:
    about = json.dumps({"step": 3, "identity": {}})
    save_file({"losses": torch.zeros(2)}, path, {"animatediff_kit_training": about})


def damage_removed(path: Path) -> None:
    path.unlink()


DAMAGES = [
    damage_nothing_left,
    damage_cut_off,
    damage_other_file,
    damage_no_json,
    damage_missing_entry,
    damage_removed,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__[7:])
def test_a_damaged_file_is_named(tmp_path: Path, damage: Any) -> None:
    path = save(tmp_path, checkpoint(), keep=1)
    damage(path)
    with pytest.raises(ValueError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(
        "checkpoint-00000003.safetensors is no checkpoint of a training run, or is damaged ("
    )
    assert message.endswith(f"Resume from another file in {tmp_path}, or start a new run.")


@pytest.mark.parametrize(
    ("key", "now", "shown"),
    [
        ("rank", 8, "rank 4, this one has 8"),
        ("family", "v3", "family the default, this one has 'v3'"),
    ],
)
def test_a_run_that_differs_is_told_in_what(key: str, now: Any, shown: str) -> None:
    check_identity(checkpoint(), IDENTITY, Path("f.safetensors"))
    with pytest.raises(ValueError) as caught:
        check_identity(checkpoint(), {**IDENTITY, key: now}, Path("f.safetensors"))
    assert str(caught.value) == (
        f"f.safetensors cannot be resumed: its run had {shown}. Set it as it was, or start a new "
        "run."
    )


def test_corrected_captions_are_told_and_the_run_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    then = replace(checkpoint(), identity={**IDENTITY, "captions": "as they were"})
    check_identity(then, {**IDENTITY, "captions": "as they were"}, Path("f.safetensors"))
    assert not caplog.messages
    check_identity(then, {**IDENTITY, "captions": "corrected"}, Path("f.safetensors"))
    assert caplog.messages == [
        "The captions have changed since f.safetensors was written; the run goes on with them as "
        "they are now."
    ]


def parameters(seed: int = 0) -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: nn.Parameter(torch.randn((3, 4), generator=generator))
        for name in ("up.0.weight", "up.1.weight", "never.trained")
    }


def stepped(weights: dict[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
    for name, p in weights.items():
        p.grad = None if name.startswith("never") else p.detach() ** 2
    optimizer.step()


def test_an_optimizer_goes_on_bit_for_bit(tmp_path: Path) -> None:
    weights = parameters()
    optimizer = torch.optim.AdamW(weights.values(), lr=1e-2)
    for _ in range(3):
        stepped(weights, optimizer)
    tensors, plain = optimizer_tensors(optimizer, weights)
    saved = {f"weights.{name}": p.detach().clone() for name, p in weights.items()}
    path = save(tmp_path, Checkpoint(3, {}, {**saved, **tensors}, {}, plain), keep=1)
    stepped(weights, optimizer)

    other = parameters(seed=1)
    restored = torch.optim.AdamW(other.values(), lr=1e-2)
    restore_weights(other, None, load(path))
    restore_optimizer(restored, other, load(path))
    stepped(other, restored)
    assert all(torch.equal(p, other[name]) for name, p in weights.items())
    for name, p in weights.items():
        for entry, value in optimizer.state.get(p, {}).items():
            assert torch.equal(value, restored.state[other[name]][entry]), (name, entry)


def test_the_average_comes_back_beside_the_weights() -> None:
    weights, saved = parameters(), parameters(seed=1)
    average = WeightAverage(weights, 0.9)
    tensors = {f"weights.{name}": p.detach() for name, p in saved.items()}
    tensors |= {f"average.{name}": p.detach() * 2 for name, p in saved.items()}
    restore_weights(weights, average, Checkpoint(1, {}, tensors))
    assert all(torch.equal(p, saved[name]) for name, p in weights.items())
    assert all(torch.equal(t, saved[name].detach() * 2) for name, t in average.values.items())


@pytest.mark.parametrize("change", ["shape", "missing", "more", "average"])
def test_weights_of_another_model_are_refused_before_any_is_changed(change: str) -> None:
    weights, saved = parameters(), {k: p.detach() + 1 for k, p in parameters().items()}
    averages, average = {f"average.{k}": t for k, t in saved.items()}, WeightAverage(weights, 0.9)
    name, there, here = "up.1.weight", "nothing", "[3, 4]"
    if change == "shape":
        saved[name], there = torch.zeros(1, 4), "[1, 4]"
    elif change == "missing":
        del saved[name]
    elif change == "more":
        name, there, here = "up.2.weight", "[3, 4]", "nothing"
        saved[name] = torch.zeros(3, 4)
    else:
        del averages[f"average.{name}"]
    tensors = {**{f"weights.{name}": t for name, t in saved.items()}, **averages}
    with pytest.raises(ValueError) as caught:
        restore_weights(weights, average, Checkpoint(1, {}, tensors))
    assert str(caught.value) == (
        f"The checkpoint is of another model: at {name} it holds {there}, where this one has "
        f"{here}. Load the models that it was trained on, or start a new run."
    )
    for there in (weights, average.values):
        assert all(torch.equal(p, parameters()[name]) for name, p in there.items())


def test_no_pickle_is_read(tmp_path: Path) -> None:
    """A checkpoint from somebody else runs no code."""
    path = tmp_path / "checkpoint-00000001.safetensors"
    torch.save({"weights.a": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="is damaged"):
        checkpoints.load(path)


def test_tensors_that_share_memory_are_saved_apart(tmp_path: Path) -> None:
    """The 8-bit AdamW holds one table in the state of every weight."""
    table = torch.linspace(-1, 1, 256)
    shared = {"weights.a": torch.ones(4), "optimizer.a.qmap1": table, "optimizer.b.qmap1": table}
    path = save(tmp_path, Checkpoint(1, dict(IDENTITY), shared), keep=2)
    loaded = load(path).tensors
    assert all(torch.equal(loaded[key], tensor) for key, tensor in shared.items())
