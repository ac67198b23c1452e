"""Noise schedules on samplings of other kinds: what is kept, what is warned of, and what a later
node undoes."""

from __future__ import annotations

import logging
from typing import Any

import comfy.model_sampling
import pytest
import torch
from adk_tests.sampling.test_betas import close, core_sampling, formula, schedule
from adk_tests.support import tiny
from animatediff_kit.motion_models.specs import BETA_SCHEDULES
from animatediff_kit.sampling.own_tables import TABLES
from comfy.model_patcher import ModelPatcher
from comfy_extras import nodes_model_advanced
from torch import Tensor


@pytest.mark.parametrize("zsnr", [False, True])
@pytest.mark.parametrize("kind", ["eps", "v_prediction", "x0"])
def test_prediction_type_and_zero_snr_are_kept(kind: str, zsnr: bool) -> None:
    model = core_sampling(tiny.image_model(), kind, zsnr)
    before = model.get_model_object("model_sampling")
    _, sampling = schedule(model=model)
    assert isinstance(sampling, type(before)) and sampling.zsnr is zsnr
    sigmas = formula(True, 0.012)
    close(sampling.sigmas, zero_terminal_snr(sigmas) if zsnr else sigmas)
    sigma, x = torch.tensor([2.0]), torch.ones((1, 4, 8, 8))
    args = (sigma, 0.5 * x, x)
    assert torch.equal(sampling.calculate_denoised(*args), before.calculate_denoised(*args))


def zero_terminal_snr(sigmas: Tensor) -> Tensor:
    """Lin et al. 2024, algorithm 1; ComfyUI ends at abar = 4.8973451890853435e-08 in place of 0."""
    root = (1 / (sigmas**2 + 1)).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    kept = root**2
    kept[-1] = 4.8973451890853435e-08
    return ((1 - kept) / kept).sqrt()


class Config:
    """A checkpoint's configuration, as core's constructors read it."""

    def __init__(self, name: str) -> None:
        betas = BETA_SCHEDULES[name]
        self.sampling_settings = dict(
            beta_schedule=betas.curve, linear_start=betas.start, linear_end=betas.end
        )


@pytest.mark.parametrize("name", ["AnimateDiff", "AnimateDiff-SDXL"])
@pytest.mark.parametrize("zsnr", [False, True])
@pytest.mark.parametrize("kind", ["eps", "v_prediction", "x0", "img_to_img", "lcm"])
def test_the_tables_are_those_of_cores_constructor(kind: str, zsnr: bool, name: str) -> None:
    """Bit for bit, sigmas and their logarithms, which core computes in float64."""
    model = core_sampling(tiny.image_model(), kind, zsnr)
    _, sampling = schedule(name, model=model)
    expected: Any = type(model.get_model_object("model_sampling"))(Config(name), zsnr=zsnr)
    assert expected.state_dict().keys() == {*TABLES} and not sampling.state_dict()
    assert all(torch.equal(getattr(sampling, k), getattr(expected, k)) for k in TABLES)
    shape = vars(expected).keys() - {"_buffers"}
    assert vars(sampling).keys() - {*TABLES} - {"_buffers"} == shape
    assert {k: vars(sampling)[k] for k in shape} == {k: vars(expected)[k] for k in shape}


class Sharpened(comfy.model_sampling.ModelSamplingDiscrete, comfy.model_sampling.V_PREDICTION):
    """As another pack's: it takes what it needs itself, and no `zsnr`."""

    def __init__(self, amount: float) -> None:
        super().__init__(zsnr=True)
        self.amount = amount


def test_a_sampling_of_another_pack_keeps_its_class_and_its_attributes() -> None:
    model, before = tiny.image_model(), Sharpened(0.25)
    model.add_object_patch("model_sampling", before)
    sigmas, tables = before.sigmas.clone(), dict(before.named_buffers())
    _, sampling = schedule("AnimateDiff-SDXL", model=model)
    assert isinstance(sampling, Sharpened) and sampling is not before
    assert type(sampling).__name__ == "Sharpened"
    assert sampling.amount == 0.25 and sampling.zsnr
    close(sampling.sigmas, zero_terminal_snr(formula(False, 0.020)))
    assert torch.equal(before.sigmas, sigmas) and not torch.equal(sampling.sigmas, sigmas)
    for name, table in before.named_buffers():
        assert table is tables[name]
        assert table.data_ptr() != getattr(sampling, name).data_ptr()


def test_a_sampling_without_betas_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Core derives Stable Cascade's from the sampling with betas; its sigmas are a cosine's."""
    node = nodes_model_advanced.ModelSamplingStableCascade()
    model = node.patch(tiny.image_model(), 2.0)[0]
    before = model.get_model_object("model_sampling").sigmas.clone()
    with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
        _, sampling = schedule(model=model)
    assert sampling is model.get_model_object("model_sampling")
    assert torch.equal(sampling.sigmas, before)
    (record,) = caplog.records
    assert record.getMessage().startswith("Kept ModelSamplingAdvanced, which an earlier node set ")


@pytest.mark.parametrize(
    ("kind", "predicts"),
    [("v_prediction", "V_PREDICTION"), ("x0", "X0"), ("img_to_img", "X0"), ("eps", None)]
    + [("lcm", None)],
)
@pytest.mark.parametrize("name", ["AnimateLCM", "LCM", "AnimateDiff", "checkpoint"])
def test_consistency_models_warn_of_other_predictions(
    kind: str, predicts: str | None, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = core_sampling(tiny.image_model(), kind)
    with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
        schedule(name, "AnimateLCM", model)
    said = (
        f"The schedule {name} takes the model's output for noise, but this model's is {predicts}, "
        "so the frames will be wrong; use a checkpoint that predicts noise (EPS), or set "
        "beta_schedule to AnimateDiff or checkpoint."
    )
    warned = name in ("AnimateLCM", "LCM") and predicts is not None
    assert [record.getMessage() for record in caplog.records] == [said] * warned


def test_a_model_of_100_teacher_steps_keeps_them() -> None:
    """AnimateLCM first, a motion model of ordinary diffusion behind it."""
    first, _ = schedule(family="AnimateLCM")
    _, sampling = schedule("AnimateDiff-SDXL", model=first)
    assert isinstance(sampling, nodes_model_advanced.LCM)
    close(sampling.sigmas, formula(False, 0.020)[9::10])
    assert sampling.timestep(sampling.sigmas).tolist() == list(range(9, 1000, 10))


def test_an_lcm_model_stays_one() -> None:
    """Core's node first, a motion model of ordinary diffusion after it."""
    model = core_sampling(tiny.image_model(), "lcm")
    _, sampling = schedule(model=model)
    assert isinstance(sampling, type(model.get_model_object("model_sampling")))
    close(sampling.sigmas, formula(True, 0.012)[19::20])


def test_edm_is_kept_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    node = nodes_model_advanced.ModelSamplingContinuousEDM()
    model = node.patch(tiny.image_model(), "v_prediction", 120.0, 0.002)[0]
    with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
        _, sampling = schedule(model=model)
    assert sampling is model.get_model_object("model_sampling")
    assert [record.getMessage() for record in caplog.records] == [
        "Kept ModelSamplingAdvanced, which an earlier node set and which has no betas; v3 was "
        "trained with the AnimateDiff schedule."
    ]


def behind(model: ModelPatcher, prediction: str, zsnr: bool = False) -> ModelPatcher:
    """What core's node ModelSamplingDiscrete makes of a model."""
    return nodes_model_advanced.ModelSamplingDiscrete().patch(model, prediction, zsnr)[0]


@pytest.mark.parametrize(("prediction", "zsnr"), [("eps", False), ("lcm", False), ("eps", True)])
def test_a_schedule_that_a_later_node_undoes_is_told_once(
    prediction: str, zsnr: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The same node before leaves the motion model's schedule in force, and says nothing."""
    with caplog.at_level(logging.WARNING):
        patched, _ = schedule(model=behind(tiny.image_model(), prediction))
        tiny.sample(patched, steps=1)
        assert not caplog.messages
        twice, _ = schedule(model=patched)
        tiny.sample(behind(twice, prediction, zsnr), steps=1)
    (message,) = caplog.messages
    assert message.startswith(
        "A node behind the motion model (ModelSamplingDiscrete is one) has replaced the noise "
        "schedule AnimateDiff that goes with it: the highest noise is "
    )
    assert "instead of 25.15, so the frames will be wrong. Put that node before" in message


def test_no_schedule_of_ones_own_is_none_to_undo(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        patched, _ = schedule()
        kept, _ = schedule("checkpoint", model=patched)
        tiny.sample(behind(kept, "eps"), steps=1)
    assert not caplog.messages
