"""Training a MotionLoRA on from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from adk_tests.reference.live import relative_error
from adk_tests.support import tiny
from adk_tests.training import small
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.export import file_tensors, metadata
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.models.stages import Trainee, domain_adapter, motion_lora
from torch import Tensor

RANK = 4
T = torch.tensor([900, 100])


def started(start: dict[str, Tensor] | None, rank: int = RANK) -> Trainee:
    return motion_lora(small.image_model(), small.motion_patcher(), rank, 3, small.CPU, start)


def written(folder: Path, spelling: str = "official") -> dict[str, Tensor]:
    """The file of a run of two steps."""
    run = small.run(folder, steps=2, learning_rate=1e-2)
    run.train()
    return file_tensors(run, spelling)


def predicted(trainee: Trainee) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    noisy = torch.randn((2, 2, 4, 8, 8), generator=generator)
    texts = torch.randn((2, 7, tiny.CONTEXT), generator=generator)
    with torch.no_grad(), trainee.denoiser.animated(2, 2):
        return trainee.denoiser(noisy, T, texts, None)


@pytest.mark.parametrize("spelling", ["official", "diffusers"])
def test_the_parameters_are_the_files(spelling: str, tmp_path: Path) -> None:
    plain = written(tmp_path / "a")
    trainee = started(written(tmp_path / "b", spelling))
    assert small.equal({k: p.detach() for k, p in trainee.parameters.items()}, plain)


def test_the_first_step_starts_from_the_motion_model_with_the_file_on(tmp_path: Path) -> None:
    start = written(tmp_path)
    with_file = apply_motion_lora(small.motion_patcher(), start, 1.0, "start")
    merged = motion_lora(small.image_model(), with_file, RANK, 3, small.CPU)
    assert relative_error(predicted(started(start)), predicted(merged)) < 1e-5
    assert relative_error(predicted(started(None)), predicted(merged)) > 1e-3


def test_alpha_goes_into_the_weights(tmp_path: Path) -> None:
    start = written(tmp_path)
    ups = {k: t for k, t in start.items() if ".up." in k}
    halved = {k: t * 2 if k in ups else t for k, t in start.items()}
    layers = {k.split(".processor.")[0] + "." + k.split("processor.")[1] for k in ups}
    for layer in layers:
        halved[layer.replace("_lora.up.weight", ".alpha")] = torch.tensor(RANK / 2)
    trainee = started(halved)
    assert all(torch.equal(trainee.parameters[k], t) for k, t in ups.items())


def test_a_run_goes_on_as_one_that_started_from_the_same_file(tmp_path: Path) -> None:
    start = written(tmp_path / "first")
    run = small.run(tmp_path / "second")
    run = Run(replace(run.loss, trainee=started(start)), run.folder)
    told = metadata(run)
    assert told["start"] == run.loss.trainee.start and len(told["start"]) == 64
    assert told["models"] == small.run(tmp_path / "third").loss.trainee.models
    run.train()
    (newest,) = found(run.folder)[-1:]
    other = {k: t + 1 for k, t in start.items()}
    for trainee in (started(other), started(None)):
        unlike = Run(replace(run.loss, trainee=trainee), tmp_path / "other")
        with pytest.raises(ValueError, match="its run had another MotionLoRA to start from"):
            unlike.resume(newest)


def refusal(start: dict[str, Tensor], rank: int = RANK) -> str:
    with pytest.raises(ValueError) as caught:
        started(start, rank)
    return str(caught.value)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    start = written(tmp_path)
    layers = len(start) // 2
    adapter = domain_adapter(small.image_model(), RANK, 0, small.CPU).parameters
    assert refusal(dict(adapter)) == (
        "The file to start from is no MotionLoRA but a LoRA of the image model: load it "
        "with Apply Domain Adapter (v3_sd15_adapter) or Load LoRA."
    )
    fewer = {k: t for k, t in start.items() if "attention_blocks.0" in k}
    assert refusal(fewer) == (
        f"The MotionLoRA to start from changes {layers // 2} of the {layers} layers of small_v3 "
        "that are trained, and 0 others; start from one that was trained on this motion model."
    )
    message = refusal(start, rank=RANK * 2)
    assert message.startswith("In the MotionLoRA to start from, ")
    assert message.endswith(
        " has the shapes 4x32 and 32x4, and those that are trained are 8x32 and 32x8; start from "
        "one of the same motion model, and set the rank to the file's, which is the first number."
    )
