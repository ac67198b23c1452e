"""Two real processes compute what one computes at the same global batch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import comfy.model_management as memory
import pytest
import torch
from adk_tests.reference.live import relative_error
from adk_tests.training import small
from adk_tests.training.process_entry import SETTINGS
from animatediff_kit.training.engine.checkpoints import Checkpoint, found, load
from animatediff_kit.training.engine.processes import OneProcess, precision_notes, precision_on
from animatediff_kit.training.models.stages import DOMAIN_ADAPTER, MOTION_LORA, MOTION_MODULE
from animatediff_kit.training.run.command_line import start_processes
from torch import Tensor

STAGES = (DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA)
ENTRY = Path(__file__).parents[1] / "process_entry.py"


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that two processes have filled, as Accelerate's launcher starts them for GPUs.

    With --cpu it would start one alone; the variable keeps the two on the CPU, over gloo.
    """
    pytest.importorskip("accelerate")
    folder = tmp_path_factory.mktemp("together")
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    launch += [
        "--num_processes",
        "2",
        "--num_machines",
        "1",
        "--mixed_precision",
        "no",
        "--dynamo_backend",
        "no",
    ]
    launch += ["--main_process_port", "0", "--num_cpu_threads_per_process", "1"]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        [*launch, str(ENTRY), str(folder)], env=environment, capture_output=True, text=True
    )
    came_to = sorted(path.name for path in folder.iterdir())
    assert done.returncode == 0, f"It came to {came_to}.\n{done.stderr[-3000:]}"
    assert {"ended-0.txt", "ended-1.txt"} <= {*came_to}
    return folder


def flat(checkpoint: Checkpoint, part: str) -> Tensor:
    return torch.cat([t.flatten() for _, t in sorted(checkpoint.part(part).items())])


@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_train_as_one_does(stage: str, together: Path, tmp_path: Path) -> None:
    run = small.run(tmp_path, stage, **SETTINGS)
    start = {name: p.clone() for name, p in small.weights(run).items()}
    run.train()
    (alone,), (both,) = (list(map(load, found(f))) for f in (tmp_path, together / stage))
    assert both.step == alone.step and both.identity == alone.identity
    torch.testing.assert_close(both.tensors["losses"], alone.tensors["losses"], rtol=1e-5, atol=0)
    moved = {name: alone.tensors[f"weights.{name}"] - p for name, p in start.items()}
    assert all(float(step.norm()) > 0 for step in moved.values())
    for part in ("weights", "average"):
        assert relative_error(flat(both, part), flat(alone, part)) < 1e-5
    one, other = (flat(c, "optimizer") for c in (alone, both))
    assert relative_error(other, one) < 1e-4  # second moments are squares


def test_gradients_that_travel_in_bf16_are_rounded_and_no_more(
    together: Path, tmp_path: Path
) -> None:
    """After one step, AdamW's first moments are a multiple of the gradients. Those of the pairs'
    first halves are 0, as the second halves are."""
    run = small.run(tmp_path, **{**SETTINGS, "steps": 1})
    run.train()
    (alone,), (both,) = (list(map(load, found(f))) for f in (tmp_path, together / "bf16"))
    exact, rounded = (c.part("optimizer") for c in (alone, both))
    firsts = [name for name, t in exact.items() if name.endswith(".exp_avg") and t.any()]
    assert firsts
    for name in firsts:
        assert 1e-4 < relative_error(rounded[name], exact[name]) < 2**-7, name


def test_a_run_of_two_processes_can_be_resumed_by_one(together: Path, tmp_path: Path) -> None:
    run = small.run(tmp_path, **{**SETTINGS, "steps": 5})
    run.resume(found(together / MOTION_LORA)[-1])
    run.train()
    assert len(run.losses) == 5


def test_a_signal_to_one_process_stops_all_after_the_same_step(together: Path) -> None:
    said = {(together / f"stopped-{rank}.txt").read_text() for rank in (0, 1)}
    assert said == {
        f"Stopped after step 2 of 50. Its checkpoint lies in {together / 'stopped'}; go on with "
        "--resume."
    }
    assert [load(path).step for path in found(together / "stopped")] == [2]


def test_processes_that_found_different_clips_all_refuse(together: Path) -> None:
    """Where another run encodes its own into the same cache meanwhile."""
    assert {(together / f"other-{rank}.txt").read_text() for rank in (0, 1)} == {
        "The 2 processes found different sets of clips in cache, into which another run encodes at "
        "the same time. Start this one again when that has encoded its clips, or set another "
        "[clips] cache."
    }
    assert not list(together.glob("same-*.txt"))


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path) -> None:
    class Three(OneProcess):
        count = 3

    with pytest.raises(ValueError) as caught:
        small.run(tmp_path, processes=Three(), batch_size=4)
    assert str(caught.value) == (
        "A batch of 4 clips cannot be shared by 3 processes; make it a multiple of that."
    )


def test_one_process_needs_no_accelerate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert isinstance(start_processes(), OneProcess)
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert isinstance(start_processes(), OneProcess)


def test_many_processes_without_accelerate_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(ValueError) as caught:
        start_processes()
    assert str(caught.value) == (
        "4 processes need Hugging Face Accelerate, which is not installed. Install it with `pip "
        "install accelerate`, or start one process."
    )


@pytest.mark.parametrize("device", ["mps", "xpu"])
def test_that_automatic_precision_is_float32_elsewhere_is_said(device: str) -> None:
    assert list(precision_notes("automatic", torch.device(device))) == [
        f"Training in fp32: the precision is automatic, and on {device} that is fp32. bf16 or fp16 "
        "may be faster, and can be set."
    ]
    assert not list(precision_notes("bf16", torch.device(device)))
    assert not list(precision_notes("automatic", torch.device("cpu")))


@pytest.fixture
def sums_in_fp16() -> Iterator[None]:
    """As ComfyUI's --fast fp16_accumulation sets it."""
    flags = torch.backends.cuda.matmul
    before = flags.allow_fp16_accumulation
    flags.allow_fp16_accumulation = True
    yield
    flags.allow_fp16_accumulation = before


def test_sums_in_float32_need_no_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert not list(precision_notes("fp16", torch.device("cpu")))
    small.run(tmp_path, precision="fp16")
    assert not caplog.messages


@pytest.mark.usefixtures("sums_in_fp16")
def test_sums_in_fp16_are_warned_of() -> None:
    cpu = torch.device("cpu")
    assert list(precision_notes("fp16", cpu)) == [
        "Training in fp16 while ComfyUI runs with --fast fp16_accumulation: sums are rounded to "
        "fp16 too, and gradients suffer. Start ComfyUI without it, or set the precision to bf16 or "
        "fp32."
    ]
    assert not list(precision_notes("bf16", cpu)) and not list(precision_notes("fp32", cpu))


@pytest.mark.usefixtures("sums_in_fp16")
def test_a_run_says_what_its_precision_lacks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small.run(tmp_path, precision="fp16")
    assert [text[:41] for text in caplog.messages] == ["AnimateDiff Kit: Training in fp16 while C"]


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [
        ((7, 0), torch.float16),  # V100
        ((7, 5), torch.float16),  # T4, RTX 20xx
        ((8, 0), torch.bfloat16),
        ((8, 9), torch.bfloat16),
        ((12, 0), torch.bfloat16),
    ],
)
def test_automatic_precision_is_bf16_where_it_is_not_emulated(
    capability: tuple[int, int], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torch says that all of these support it."""
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    gpu = torch.device("cuda:1")
    assert precision_on("automatic", gpu) == dtype
    assert precision_on("bf16", gpu) == torch.bfloat16


@pytest.mark.parametrize("has", [True, False])
def test_on_amds_gpus_comfyui_knows_which_compute_in_bf16(
    has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "hip", "6.4")
    monkeypatch.setattr(memory, "should_use_bf16", lambda device: has)
    dtype = precision_on("automatic", torch.device("cuda"))
    assert dtype == (torch.bfloat16 if has else torch.float16)


def test_automatic_precision_is_float32_on_a_cpu() -> None:
    cpu = torch.device("cpu")
    names = ("automatic", "fp32", "bf16", "fp16")
    expected = (torch.float32, torch.float32, torch.bfloat16, torch.float16)
    assert tuple(precision_on(name, cpu) for name in names) == expected
