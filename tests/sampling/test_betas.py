"""The noise schedule that goes with a motion model, against published numbers and a formula."""

from __future__ import annotations

import logging
import math
from typing import Any

import comfy.model_sampling
import comfy.samplers
import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.specs import BETA_SCHEDULES, FAMILIES
from animatediff_kit.nodes.motion_model import ApplyMotionModel
from animatediff_kit.sampling.betas import apply_beta_schedule, set_beta_schedule
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy_extras import nodes_model_advanced
from torch import Tensor

SCHEDULES: dict[str, tuple[bool, float]] = {
    # family -> whether its betas lie on a straight line (diffusers' "linear"; else their roots do,
    # "scaled_linear"), and the last of them
    "v1": (True, 0.012),
    "v2": (True, 0.012),
    "v3": (True, 0.012),
    "Lightning": (True, 0.012),
    "LongAnimateDiff": (True, 0.012),
    "SDXL beta": (False, 0.020),
    "HotshotXL": (False, 0.012),
}
LIMITS = {
    # the same -> sigma of the last and of the 500th timestep, as measured in diffusers
    (True, 0.012): (25.146, 2.276),
    (False, 0.020): (65.93, 2.208),
    (False, 0.012): (14.615, 1.613),
}


def formula(straight: bool, end: float, start: float = 0.00085) -> Tensor:
    """sqrt((1 - abar_t) / abar_t), t = 1..1000, in float64 (Ho et al. 2020, eq. 4)."""
    if straight:
        betas = torch.linspace(start, end, 1000, dtype=torch.float64)
    else:
        betas = torch.linspace(start**0.5, end**0.5, 1000, dtype=torch.float64) ** 2
    kept = (1 - betas).cumprod(0)
    return ((1 - kept) / kept).sqrt()


def schedule(
    name: str = "automatic", family: str = "v3", model: ModelPatcher | None = None
) -> tuple[ModelPatcher, Any]:
    """The patched model and its sampling."""
    model = model if model is not None else tiny.image_model(FAMILIES[family].base)
    patched = apply_beta_schedule(model, name, FAMILIES[family])
    return patched, patched.get_model_object("model_sampling")


def close(sigmas: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(sigmas.double(), expected.double(), rtol=1e-5, atol=0.0)


@pytest.mark.parametrize("family", SCHEDULES)
def test_sigmas_of_each_family(family: str) -> None:
    _, sampling = schedule(family=family)
    close(sampling.sigmas, formula(*SCHEDULES[family]))
    last, middle = LIMITS[SCHEDULES[family]]
    assert float(sampling.sigmas[-1]) == pytest.approx(last, rel=3e-4)
    assert float(sampling.sigmas[499]) == pytest.approx(middle, rel=3e-4)
    assert float(sampling.sigmas[0]) == pytest.approx(0.0292, rel=2e-3)


def test_every_family_is_in_the_table() -> None:
    assert {*SCHEDULES, "AnimateLCM"} == set(FAMILIES)


@pytest.mark.parametrize(
    ("name", "straight", "end"),
    [
        ("AnimateDiff", True, 0.012),
        ("AnimateDiff-SDXL", False, 0.020),
        ("checkpoint", False, 0.012),
    ],
)
@pytest.mark.parametrize("family", ["v2", "SDXL beta", "AnimateLCM"])
def test_a_schedule_by_name(name: str, straight: bool, end: float, family: str) -> None:
    close(schedule(name, family)[1].sigmas, formula(straight, end))


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError) as caught:
        schedule("sharp")
    assert str(caught.value) == (
        "'sharp' is no beta schedule; choose automatic, AnimateDiff, AnimateDiff-SDXL, AnimateLCM, "
        "AnimateLCM-I2V, LCM, checkpoint, Stable Diffusion, average, LCM sqrt_linear, LCM average, "
        "LCM 100 steps, squaredcos_cap_v2, sqrt, cosine."
    )


def core_sampling(model: ModelPatcher, kind: str, zsnr: bool = False) -> ModelPatcher:
    """Core's node ModelSamplingDiscrete."""
    return nodes_model_advanced.ModelSamplingDiscrete().patch(model, kind, zsnr)[0]


def test_lcm_is_cores() -> None:
    model = tiny.image_model()
    patched, sampling = schedule("LCM", "AnimateLCM", model)
    expected = core_sampling(model, "lcm").get_model_object("model_sampling")
    assert torch.equal(sampling.sigmas, expected.sigmas) and len(sampling.sigmas) == 50
    assert sampling.skip_steps == expected.skip_steps == 20
    call: dict[str, Any] = dict(sampler_name="lcm", scheduler="sgm_uniform", steps=4, cfg=1.0)
    assert torch.equal(
        tiny.sample(patched, **call), tiny.sample(core_sampling(model, "lcm"), **call)
    )


def test_animatelcm_has_100_teacher_steps() -> None:
    _, sampling = schedule(family="AnimateLCM")
    close(sampling.sigmas, formula(True, 0.012)[9::10])
    assert isinstance(sampling, nodes_model_advanced.LCM)
    timesteps = sampling.timestep(sampling.sigmas)
    assert timesteps.tolist() == list(range(9, 1000, 10))
    x, noise = torch.ones((2, 4, 8, 8)), torch.full((2, 4, 8, 8), 0.5)
    sigma = sampling.sigmas[[40, 99]]
    t = timesteps[[40, 99]].double() * 10  # Luo et al. 2023: c_skip, c_out, timestep scaling 10
    skip, out = 0.25 / (t**2 + 0.25), t / (t**2 + 0.25) ** 0.5
    expected = out * (1 - 0.5 * sigma.double()) + skip
    denoised = sampling.calculate_denoised(sigma, noise, x)[:, 0, 0, 0]
    torch.testing.assert_close(denoised.double(), expected, rtol=1e-5, atol=1e-6)


def test_core_keeps_its_own_number_of_teacher_steps() -> None:
    schedule(family="AnimateLCM")
    assert nodes_model_advanced.ModelSamplingDiscreteDistilled.original_timesteps == 50


@pytest.mark.parametrize("zsnr", [False, True])
@pytest.mark.parametrize("kind", ["eps", "v_prediction", "x0"])
def test_prediction_type_and_zero_snr_are_kept(kind: str, zsnr: bool) -> None:
    model = core_sampling(tiny.image_model(), kind, zsnr)
    before = model.get_model_object("model_sampling")
    _, sampling = schedule(model=model)
    assert type(sampling) is type(before) and sampling.zsnr is zsnr
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
    expected = type(sampling)(Config(name), zsnr=zsnr)
    assert sampling.state_dict().keys() == expected.state_dict().keys() == {"sigmas", "log_sigmas"}
    assert all(torch.equal(sampling.get_buffer(k), v) for k, v in expected.state_dict().items())
    shape = vars(expected).keys() - {"_buffers"}
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
    assert type(sampling) is Sharpened and sampling is not before
    assert sampling.amount == 0.25 and sampling.zsnr
    close(sampling.sigmas, zero_terminal_snr(formula(False, 0.020)))
    assert torch.equal(before.sigmas, sigmas) and not torch.equal(sampling.sigmas, sigmas)
    for name, table in before.named_buffers():
        assert table is tables[name]
        assert table.data_ptr() != sampling.get_buffer(name).data_ptr()


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
    assert type(sampling) is type(model.get_model_object("model_sampling"))
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


@pytest.mark.parametrize("name", BETA_SCHEDULES)
def test_the_base_keeps_its_own(name: str) -> None:
    model = tiny.image_model()
    before = model.get_model_object("model_sampling")
    plain = tiny.sample(model)
    patched, _ = schedule(name, model=model)
    moved = tiny.sample(patched)
    assert torch.equal(moved, plain) is (name in ("checkpoint", "Stable Diffusion"))
    assert model.get_model_object("model_sampling") is before
    assert torch.equal(tiny.sample(model), plain)
    assert model.model.model_sampling is before
    close(before.sigmas, formula(False, 0.012))


@pytest.mark.parametrize("scheduler", ["normal", "karras", "simple", "sgm_uniform"])
def test_scheduler_and_sampler_follow(scheduler: str) -> None:
    model = tiny.image_model()
    patched, sampling = schedule(model=model)
    keywords: dict[str, Any] = dict(
        sampler="euler", scheduler=scheduler, device=torch.device("cpu")
    )
    sigmas = comfy.samplers.KSampler(patched, steps=3, **keywords).sigmas
    assert float(sigmas[0]) == pytest.approx(25.146, rel=3e-4)
    plain = comfy.samplers.KSampler(model, steps=3, **keywords).sigmas
    assert float(plain[0]) == pytest.approx(14.615, rel=3e-4)
    seen: list[float] = []

    def watch(executor: Any, x: Any, t: Any, *args: Any, **kwargs: Any) -> Any:
        assert executor.class_obj.model_sampling is sampling
        seen.append(float(t[0]))
        return executor(x, t, *args, **kwargs)

    patched.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "watch", watch)
    tiny.sample(patched, steps=3, cfg=1.0, scheduler=scheduler)
    assert seen == pytest.approx(sigmas[:3].tolist())


@pytest.mark.parametrize(
    ("inputs", "last"),
    [
        ({}, 25.146),
        ({"beta_schedule": "checkpoint"}, 14.615),
        ({"beta_schedule": "AnimateDiff-SDXL"}, 65.93),
        ({"strength": 0.0}, 25.146),
        ({"strength": 0.0, "beta_schedule": "checkpoint"}, 14.615),
    ],
)
def test_the_node_sets_it(inputs: dict[str, Any], last: float) -> None:
    """At strength 0 as at any other, so that nothing jumps where a strength goes to 0."""
    output = ApplyMotionModel.execute(tiny.image_model(), tiny.motion_patcher("v3"), **inputs)
    sampling = output.args[0].get_model_object("model_sampling")
    assert float(sampling.sigma_max) == pytest.approx(last, rel=3e-4)


def test_the_schedule_does_not_jump_where_the_strength_goes_to_0() -> None:
    motion = tiny.motion_patcher("v3")
    nearly, zero = (
        ApplyMotionModel.execute(tiny.image_model(), motion, strength=strength).args[0]
        for strength in (1e-6, 0.0)
    )
    frames = tiny.sample(zero)
    assert float((tiny.sample(nearly) - frames).abs().max()) < 1e-3 * float(frames.std())


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


def cosine(t: float) -> float:
    """The signal that is left at t in 0..1 (Nichol and Dhariwal 2021, eq. 17)."""
    return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2


def by_hand() -> dict[str, Tensor]:
    """Noise levels of the schedules for graphs of AnimateDiff-Evolved, each by its formula."""
    straight, rooted = formula(True, 0.012), formula(False, 0.012)
    steps = [1 - cosine((i + 1) / 1000) / cosine(i / 1000) for i in range(1000)]
    curves = {
        "sqrt": torch.linspace(0.00085, 0.012, 1000, dtype=torch.float64).sqrt(),
        "cosine": torch.tensor(steps, dtype=torch.float64).clamp(0, 0.999),
        "squaredcos_cap_v2": torch.tensor(steps, dtype=torch.float64).clamp(max=0.999),
    }
    signals = {name: (1 - betas).cumprod(0) for name, betas in curves.items()}
    return {
        "Stable Diffusion": rooted,
        "average": (straight + rooted) / 2,
        "LCM sqrt_linear": straight[19::20],
        "LCM average": (straight + rooted)[19::20] / 2,
        "LCM 100 steps": rooted[9::10],
        **{name: ((1 - signal) / signal).sqrt() for name, signal in signals.items()},
    }


@pytest.mark.parametrize("name", by_hand())
def test_a_schedule_for_old_graphs(name: str) -> None:
    _, sampling = schedule(name)
    assert torch.allclose(sampling.sigmas.double(), by_hand()[name], rtol=2e-4)
    assert isinstance(sampling, nodes_model_advanced.LCM) is name.startswith("LCM")
    assert not torch.any(sampling.timestep(sampling.sigmas) % 1)


def test_a_mean_keeps_the_prediction() -> None:
    model = core_sampling(tiny.image_model(), "v_prediction")
    sampling: Any = set_beta_schedule(model, "average").get_model_object("model_sampling")
    assert isinstance(sampling, comfy.model_sampling.V_PREDICTION)
    close(sampling.sigmas, by_hand()["average"])


def test_a_schedule_without_a_motion_model() -> None:
    model = tiny.image_model()
    patched = set_beta_schedule(model, "AnimateDiff")
    close(patched.get_model_object("model_sampling").sigmas, formula(True, 0.012))
    assert not patched.get_wrappers(WrappersMP.OUTER_SAMPLE, "animatediff_kit_betas")
    with pytest.raises(ValueError, match="^'automatic' is no beta schedule; choose AnimateDiff, "):
        set_beta_schedule(model, "automatic")
