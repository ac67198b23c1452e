"""The settings of a training run, checked before anything is loaded.

TrainingSettings is the one table of them: the checks, the inputs of the node Training Settings and
the [training] table of example.toml are made of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ..models.lora_shape import LoraShape
from . import lora_settings
from .bounds import ABOVE_0, NOT_NEGATIVE, POSITIVE, Bounds
from .picture_settings import PictureSettings
from .setting import MANY, Setting, setting
from .watch_settings import WatchSettings

BY_STAGE, DECAY = -1.0, 0.999
"""An `ema` that the stage decides, and the one that a motion module is then given."""

TIMESTEPS = 1000
"""T of every family of models that motion modules exist for."""


@dataclass(frozen=True)
class TrainingSettings(PictureSettings, WatchSettings):
    """What one run does. The defaults are the authors' where they published them (formats of
    guoyww/AnimateDiff's configs/training/v1/training.yaml), else common practice.

    batch_size: clips in one forward pass, over all processes together.
    learning_rate: of all ranks of a LoRA alike; low_rank.py says how the two go together.
    gradient_accumulation: forward passes for one step of the optimizer.
    warmup: steps over which the learning rate rises from 0.
    ema: decay of the average of the weights that is exported; 0 exports the weights themselves,
        and BY_STAGE is what `of_stage` makes of it.
    caption_dropout: share of clips that are shown with the empty caption, for guidance.
    min_timestep, max_timestep: the noise levels that are drawn, from the first to before the last,
        out of 0 (hardly any) to 1000 (hardly anything else). Which way a camera goes is settled in
        the strongest noise, where the loss is a small part of the whole.
    timestep_draw: of the noise levels, batches.py.
    gradient_exchange: between processes, processes.py; the node has one, and does not offer it.
    snr_gamma: weight of min(SNR, gamma) / SNR (Hang et al. 2023); 0 is off.
    noise_offset: constant part of the noise of each channel, the same over a clip; 0 is off.
    debias: weight beta of MotionDirector's appearance-debiased loss (Zhao et al. 2023); 0 is off.
    save_every, preview_every: in steps; 0 saves at the end alone, and shows no preview.
    """

    steps: int = setting(
        1000,
        "Steps of the optimizer. A MotionLoRA needs 500 to 2000.",
        bounds=POSITIVE,
        offered=(1, 10 * MANY),
        free=True,
    )
    batch_size: int = setting(
        1,
        "Clips in one forward pass. More is steadier and takes more memory.",
        comment="Clips in one forward pass, over all processes together. More is steadier and "
        "takes more memory.",
        bounds=POSITIVE,
        offered=(1, 1024),
    )
    learning_rate: float = setting(
        1e-4,
        "1e-4 for all stages; up to 5e-4 for a MotionLoRA.",
        bounds=Bounds(0, 1, open_least=True, open_most=True),
        offered=(1e-8, 0.1),
        step=1e-6,
        rounding=1e-8,
    )
    optimizer: str = setting(
        "adamw",
        "AdamW; its state in 8 bits, by bitsandbytes; Adafactor, which keeps hardly any state; "
        "Prodigy, which finds the learning rate itself, by prodigyopt; AdamW that needs no "
        "schedule, by schedulefree.",
        choices=("adamw", "adamw_8bit", "adafactor", "prodigy", "adamw_schedule_free"),
    )
    precision: str = setting(
        "automatic",
        "The arithmetic; trained weights are float32 in any case. Automatic is bf16 or fp16 on a "
        "GPU, fp32 on a CPU.",
        choices=("automatic", "fp32", "bf16", "fp16"),
    )
    gradient_checkpointing: bool = setting(
        True, "Takes a third more time and a fraction of the memory.", free=True
    )
    gradient_accumulation: int = setting(
        1,
        "Forward passes for one step: a larger batch in the same memory.",
        bounds=POSITIVE,
        offered=(1, 1024),
    )
    warmup: int = setting(0, "Steps over which the learning rate rises from 0.", offered=(0, MANY))
    schedule: str = setting(
        "constant",
        "The learning rate after the warm-up: constant, or a half cosine to 0.",
        choices=("constant", "cosine"),
    )
    weight_decay: float = setting(
        0.01, "How strongly AdamW pulls the weights to 0.", bounds=NOT_NEGATIVE
    )
    clip_norm: float = setting(
        1.0, "Gradients of a larger norm are scaled down to this one.", bounds=ABOVE_0
    )
    ema: float = setting(
        0.0,
        "Decay of the running average of the weights that is exported and previewed, such as "
        "0.999; 0 takes the weights themselves, and -1 is 0.999 for a motion module and 0 for "
        "LoRAs.",
        offered=(BY_STAGE, 0.9999),
        step=0.0001,
        rounding=1e-5,
        fresh=BY_STAGE,
    )
    caption_dropout: float = setting(
        0.1,
        "Share of clips that are shown without their caption, which guidance (cfg) needs.",
        bounds=Bounds(0, 1),
        offered=(0.0, 1.0),
        step=0.01,
    )
    min_timestep: int = setting(
        0,
        "The weakest noise that is trained on, out of 1000. Raise it to 750 where a MotionLoRA "
        "learns the axis of a move and not its way.",
        bounds=NOT_NEGATIVE,
        offered=(0, TIMESTEPS - 1),
        added=True,
    )
    max_timestep: int = setting(
        TIMESTEPS,
        "The strongest noise that is trained on; 1000 is all there is.",
        offered=(1, TIMESTEPS),
        added=True,
    )
    snr_gamma: float = setting(
        0.0,
        "Min-SNR weighting of the loss, usually 5; 0 is off.",
        bounds=NOT_NEGATIVE,
        offered=(0.0, 100.0),
        step=0.1,
    )
    noise_offset: float = setting(
        0.0,
        "Lets the model learn very dark and bright clips, usually 0.05; 0 is off.",
        bounds=NOT_NEGATIVE,
        offered=(0.0, 1.0),
        step=0.01,
    )
    debias: float = setting(
        0.0,
        "MotionDirector's loss, which looks away from appearance, usually 1; 0 is off.",
        bounds=NOT_NEGATIVE,
        offered=(0.0, 10.0),
        step=0.1,
    )
    seed: int = setting(
        0,
        "Decides the order of clips, noise and timesteps: the same seed repeats a run.",
        bounds=Bounds(0, 2**64 - 1),
        offered=(0, 2**64 - 1),
    )
    save_every: int = setting(
        250,
        "Steps between checkpoints; 0 writes one at the end alone.",
        bounds=NOT_NEGATIVE,
        offered=(0, MANY),
        free=True,
    )
    preview_every: int = setting(
        100,
        "Steps between preview animations in the training node; 0 for none.",
        comment="Steps between preview animations in the output folder; 0 for none.",
        bounds=NOT_NEGATIVE,
        offered=(0, MANY),
        free=True,
    )
    keep: int = setting(2, "Checkpoints that are kept, the newest.", bounds=POSITIVE, free=True)
    timestep_draw: str = setting(
        "independent",
        "How the noise levels of clips are drawn: each for itself, or evenly, so that neighbouring "
        "steps cover weak and strong noise alike and the loss is steadier at small batches.",
        choices=("independent", "even"),
        added=True,
    )
    lora_sites: str = lora_settings.LORA_SITES
    lora_feed_forward: bool = lora_settings.LORA_FEED_FORWARD
    lora_alpha: float = lora_settings.LORA_ALPHA
    lora_plus: float = lora_settings.LORA_PLUS
    input_perturbation: float = lora_settings.INPUT_PERTURBATION
    resume_changes: str = lora_settings.RESUME_CHANGES
    gradient_exchange: str = lora_settings.GRADIENT_EXCHANGE

    def check(self) -> None:
        """Raise ValueError for the first setting with which no run makes sense."""
        for name, known in FIELDS.items():
            value = getattr(self, name)
            holds, what = self.rule(name, known, value)
            if not holds:
                raise ValueError(f"The training setting {name} is {value!r}; it must be {what}.")
        self.check_watch(self.preview_every, self.seed)

    def lora_shape(self) -> LoraShape:
        """What low-rank pairs are made like."""
        return LoraShape(self.lora_sites, self.lora_feed_forward, self.lora_alpha)

    def rule(self, name: str, known: Setting, value: Any) -> tuple[bool, str]:
        """Whether the value can be trained with, and what it must be."""
        if name == "warmup":
            return 0 <= value <= self.steps, f"from 0 to the {self.steps} steps"
        if name == "ema":
            holds = value == BY_STAGE or value in Bounds(0, 1, open_most=True)
            return holds, "from 0 to below 1, or -1 for what the stage needs"
        if name == "max_timestep":
            least = self.min_timestep
            holds = least < value <= TIMESTEPS
            return holds, f"above min_timestep, {least}, and {TIMESTEPS} at most"
        if name == "resume_changes":
            named = isinstance(value, str) and set(lora_settings.names_in(value)) <= set(FIELDS)
            return named, "names of settings with commas between, or empty"
        if known.choices:
            return value in known.choices, f"one of {', '.join(known.choices)}"
        return known.bounds is None or value in known.bounds, str(known.bounds)

    def of_stage(self, is_motion_module: bool) -> TrainingSettings:
        """With the `ema` of the stage, where it is left to it."""
        if self.ema != BY_STAGE:
            return self
        return replace(self, ema=DECAY if is_motion_module else 0.0)

    def decides(self) -> dict[str, Any]:
        """The settings that decide what a step computes; a run that is resumed must agree in
        them. Under a schedule that falls, the number of steps is one."""
        return {
            name: value
            for name, value in asdict(self).items()
            if not (FIELDS[name].added and value == FIELDS[name].default)
            and (not FIELDS[name].free or (name == "steps" and self.schedule != "constant"))
        }


LAST = {f.name for f in (*fields(WatchSettings), *fields(PictureSettings))}

FIELDS: dict[str, Setting] = {
    f.name: f.metadata["setting"]
    for f in sorted(fields(TrainingSettings), key=lambda f: f.name in LAST)
}
"""Every setting by its name, in their order: the last are those by which a run is watched, and
those of pictures."""
