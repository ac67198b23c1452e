"""The settings of a run: what is refused, and what a run that goes on must agree in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from animatediff_kit.training.engine.config import TrainingSettings

REFUSED: list[tuple[str, Any, str]] = [
    ("steps", 0, "at least 1"),
    ("batch_size", 0, "at least 1"),
    ("learning_rate", 0.0, "above 0 and below 1"),
    ("learning_rate", 1.0, "above 0 and below 1"),
    ("learning_rate", float("nan"), "above 0 and below 1"),
    ("optimizer", "sgd", "one of adamw, adamw_8bit, adafactor, prodigy, adamw_schedule_free"),
    ("precision", "fp8", "one of automatic, fp32, bf16, fp16"),
    ("gradient_accumulation", 0, "at least 1"),
    ("warmup", -1, "from 0 to the 1000 steps"),
    ("warmup", 1001, "from 0 to the 1000 steps"),
    ("schedule", "linear", "one of constant, cosine"),
    ("weight_decay", -0.1, "at least 0"),
    ("clip_norm", 0.0, "above 0"),
    ("ema", 1.0, "from 0 to below 1, or -1 for what the stage needs"),
    ("ema", -0.5, "from 0 to below 1, or -1 for what the stage needs"),
    ("export_every", -1, "at least 0"),
    ("export_minutes", -1.0, "at least 0"),
    ("export_keep", 0, "at least 1"),
    ("held_out", 0.95, "from 0 to 0.9"),
    ("calibrate", "on", "one of off, note, apply"),
    ("tensorboard", "maybe", "one of if installed, on, off"),
    ("caption_dropout", 1.1, "from 0 to 1"),
    ("min_timestep", -1, "at least 0"),
    ("max_timestep", 0, "above min_timestep, 0, and 1000 at most"),
    ("max_timestep", 1001, "above min_timestep, 0, and 1000 at most"),
    ("snr_gamma", -1.0, "at least 0"),
    ("noise_offset", -0.1, "at least 0"),
    ("debias", float("nan"), "at least 0"),
    ("seed", -1, "from 0 to 2^64 - 1"),
    ("seed", 2**64, "from 0 to 2^64 - 1"),
    ("save_every", -1, "at least 0"),
    ("preview_every", -1, "at least 0"),
    ("keep", 0, "at least 1"),
    ("timestep_draw", "random", "one of independent, even"),
    ("lora_sites", "left", "one of all, up, mid, down, up and mid, down and mid"),
    ("lora_alpha", -1.0, "at least 0"),
    ("lora_plus", 0.0, "above 0 and at most 1000"),
    ("input_perturbation", -0.1, "at least 0"),
    ("resume_changes", "rank", "names of settings with commas between, or empty"),
    ("gradient_exchange", "fp16", "one of fp32, bf16"),
    ("picture_dropout", 1.5, "from 0 to 1"),
    ("picture_frame", "last", "one of any, first"),
]


def test_the_defaults_can_be_trained_with():
    TrainingSettings().check()


@pytest.mark.parametrize(("name", "value", "rule"), REFUSED)
def test_a_setting_out_of_range_is_named_with_its_value_and_its_rule(name, value, rule):
    with pytest.raises(ValueError) as caught:
        TrainingSettings(**{name: value}).check()
    assert str(caught.value) == (f"The training setting {name} is {value!r}; it must be {rule}.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("warmup", 1000),
        ("ema", 0.9999),
        ("caption_dropout", 1.0),
        ("seed", 2**64 - 1),
        ("weight_decay", 0.0),
        ("save_every", 0),
    ],
)
def test_the_ends_of_the_ranges_are_allowed(name, value):
    TrainingSettings(**{name: value}).check()


def test_every_setting_has_a_rule_two_values_or_a_grammar():
    ruled = {name for name, _, _ in REFUSED}
    assert set(asdict(TrainingSettings())) - ruled == {
        "gradient_checkpointing",
        "keep_images",
        "lora_feed_forward",
        "prompts",  # engine/preview_list.py
        "stop_rules",  # engine/stop_rules.py
    }


def test_what_leaves_a_step_as_it_is_may_change_between_runs():
    free: dict[str, Any] = dict(
        steps=2000, save_every=1, preview_every=5, keep=9, gradient_checkpointing=False
    )
    free.update(export_every=3, export_minutes=2.0, export_keep=1, prompts="a", calibrate="note")
    free.update(stop_rules="step above 3", tensorboard="off")
    assert TrainingSettings(**free).decides() == TrainingSettings().decides()


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 1e-5},
        {"seed": 1},
        {"ema": 0.99},
        {"debias": 1.0},
        {"min_timestep": 800},
        {"max_timestep": 900},
        {"lora_alpha": 8.0},
        {"input_perturbation": 0.1},
        {"gradient_exchange": "bf16"},
    ],
)
def test_what_changes_a_step_must_stay(change):
    assert TrainingSettings(**change).decides() != TrainingSettings().decides()


def test_under_a_cosine_the_number_of_steps_must_stay_too():
    short, long = (TrainingSettings(schedule="cosine", steps=n) for n in (10, 20))
    assert short.decides() != long.decides()


def test_checkpoints_from_before_a_setting_existed_are_still_known():
    assert not {"min_timestep", "max_timestep"} & {*TrainingSettings().decides()}


def test_the_noise_levels_may_not_be_none_at_all():
    empty = TrainingSettings(min_timestep=500, max_timestep=500)
    with pytest.raises(ValueError, match="max_timestep is 500; it must be above min_timestep, 500"):
        empty.check()
