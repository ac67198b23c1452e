"""The noise schedule that goes with a motion model, against published numbers and a formula."""

from __future__ import annotations

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


def test_checkpoint_behind_a_motion_model_leaves_its_schedule_and_the_check_of_it() -> None:
    model = apply_beta_schedule(tiny.image_model(), "automatic", FAMILIES["v3"])
    left = set_beta_schedule(model, "checkpoint")
    assert left.get_model_object("model_sampling") is model.get_model_object("model_sampling")
    for one in (model, left):
        assert one.get_wrappers(WrappersMP.OUTER_SAMPLE, "animatediff_kit_betas")
