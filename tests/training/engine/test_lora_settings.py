"""Settings beside the authors' recipe: what they do to a run, and that they leave others alone."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.training import small
from adk_tests.training.clips import ClipsInMemory
from adk_tests.training.small import CPU, image_model, motion_patcher
from animatediff_kit.motion_models.lora import parse_motion_lora
from animatediff_kit.training.engine.batch_order import BatchOrder
from animatediff_kit.training.engine.batches import both_ways, draw
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.export import file_tensors
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.models import stages
from animatediff_kit.training.models.axes import Axes
from animatediff_kit.training.models.conditioning import ModelInputs
from animatediff_kit.training.models.lora_shape import LoraShape
from torch import Tensor

PAN = (("pan left", "pan right"),)


def lora(shape: LoraShape = stages.PLAIN, axes: Axes | None = None, start: Any = None) -> Any:
    model, motion = image_model(), motion_patcher()
    return stages.motion_lora(model, motion, 4, 0, CPU, start, axes, shape)


def run(folder: Path, trainee: Any, **changes: Any) -> Run[ClipLoss]:
    """Two clips in each batch, one step."""
    settings = small.settings(**{"steps": 1, **changes})
    inputs = ModelInputs(image_model())
    return Run(ClipLoss(trainee, ClipsInMemory(), inputs, settings), folder)


def loss_of(run: Run[ClipLoss]) -> Tensor:
    with run.loss.step_loss(0) as loss:
        return loss.detach()


def fill(trainee: Any) -> None:
    """Live up matrices, as after training."""
    generator = torch.Generator().manual_seed(3)
    for name, p in trainee.parameters.items():
        if name.endswith("up.weight"):
            p.data.copy_(0.1 * torch.randn(p.shape, generator=generator))


def test_a_clip_backwards_with_its_amount_negated_teaches_the_same(tmp_path: Path) -> None:
    """The pair of a clip and itself backwards is the same pair where the clip is given backwards,
    with the opposite amount; it is another one where the amount stays."""
    losses = []
    for amount, sign in ((0.75, 1), (-0.75, -1), (0.75, -1)):
        trainee = lora(axes=Axes(PAN, {f"clip {i}": (amount,) for i in range(2)}))
        fill(trainee)
        made = run(tmp_path, trainee)
        drawn = made.loss.batch(0)
        if sign < 0:
            drawn.clean.copy_(drawn.clean.flip(1))
            drawn.noise.copy_(drawn.noise.flip(1))
        made.loss.batch = lambda place, drawn=drawn: drawn
        losses.append(float(loss_of(made)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert abs(losses[0] - losses[2]) > 1e-5 * losses[0]


def test_axes_need_clips_whose_amounts_are_known(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="How far the camera moves in the clip clip 1 is not known"
    ):
        run(tmp_path, lora(axes=Axes(PAN, {"clip 0": (1.0,)})))


def test_alpha_scales_the_change_and_goes_into_the_file(tmp_path: Path) -> None:
    plain, halved = lora(), lora(LoraShape(alpha=2.0))
    for trainee in (plain, halved):
        fill(trainee)
    files = [file_tensors(run(tmp_path, trainee)) for trainee in (plain, halved)]
    for name, tensor in files[0].items():
        scale = 0.5 if name.endswith("up.weight") else 1.0
        torch.testing.assert_close(files[1][name], scale * tensor)
    again = lora(LoraShape(alpha=2.0), start=files[1])
    for name, p in again.parameters.items():
        torch.testing.assert_close(p, halved.parameters[name])
    losses = [float(loss_of(run(tmp_path, trainee))) for trainee in (plain, halved)]
    assert losses[0] != losses[1]


def test_sites_and_feed_forward(tmp_path: Path) -> None:
    everywhere, up = lora(), lora(LoraShape(sites="up"))
    assert {name for name in everywhere.parameters if name.startswith("up_")} == {*up.parameters}
    assert len(up.parameters) < len(everywhere.parameters)
    with pytest.raises(ValueError, match="lora_sites is 'mid', and the model has no layers there"):
        lora(LoraShape(sites="mid"))
    wide = lora(LoraShape(feed_forward=True))
    fill(wide)
    spec = wide.spec
    added = {*parse_motion_lora(file_tensors(run(tmp_path, wide)), spec).pairs} - {
        *parse_motion_lora(file_tensors(run(tmp_path, everywhere)), spec).pairs
    }
    assert added and all(layer.endswith(("ff.net.0.proj", "ff.net.2")) for layer in added)
    with pytest.raises(ValueError, match="a domain adapter changes attentions alone"):
        stages.domain_adapter(image_model(), 4, 0, CPU, LoraShape(feed_forward=True))


def test_where_no_lora_is_trained_its_settings_are_refused(tmp_path: Path) -> None:
    trainee = small.trainee(stages.MOTION_MODULE)
    with pytest.raises(ValueError, match=r"lora_plus is 4.0, and a motion module has no LoRA"):
        run(tmp_path, trainee, lora_plus=4.0)


def test_perturbation_is_added_and_not_asked_back(tmp_path: Path) -> None:
    settings = [small.settings(input_perturbation=gamma) for gamma in (0.0, 0.5)]
    clips = ClipsInMemory()
    plain, perturbed = (draw(clips, BatchOrder([[0, 1]], 2, 0), 3, s, False) for s in settings)
    assert plain.perturbation is None and torch.equal(plain.noise, perturbed.noise)
    assert torch.equal(plain.t, perturbed.t) and perturbed.perturbation is not None
    assert float(perturbed.perturbation.std()) == pytest.approx(0.5, rel=0.1)
    twice = both_ways(perturbed).perturbation
    assert twice is not None and torch.equal(twice[2:], perturbed.perturbation.flip(1))
    part = draw(clips, BatchOrder([[0, 1]], 2, 0), 3, settings[1], False, slice(1, None, 2))
    assert part.perturbation is not None
    assert torch.equal(part.perturbation, perturbed.perturbation[1:])
    trainee = lora()
    losses = [float(loss_of(run(tmp_path, trainee, input_perturbation=g))) for g in (0.0, 0.5)]
    assert losses[1] != losses[0]


def test_a_run_that_goes_on_may_change_what_it_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begun = run(tmp_path, lora())
    begun.train()
    slower = {"steps": 2, "learning_rate": 1e-4, "weight_decay": 0.0}
    (path,) = found(tmp_path)
    for allowed in ("", "learning_rate", "weight_decay,seed"):
        with pytest.raises(ValueError, match="cannot be resumed: its run had"):
            run(tmp_path, lora(), **slower, resume_changes=allowed).resume(path)
    on = run(tmp_path, lora(), **slower, resume_changes="learning_rate, weight_decay")
    with caplog.at_level(logging.WARNING):
        on.resume(path)
    assert "had learning_rate 0.001; the run goes on with 0.0001" in caplog.text
    assert on.one_step().rate == 1e-4
