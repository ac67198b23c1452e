"""The settings that all three stages are trained with."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...training.engine.config import OPTIMIZERS, PRECISIONS, SCHEDULES, TIMESTEPS, TrainingSettings
from ..schema import CATEGORY, TrainingSettingsSocket, advanced, schema

DEFAULTS = TrainingSettings()


class TrainingSettingsNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        d = DEFAULTS
        return schema(
            node_id="ADK_TrainingSettings",
            display_name="Training Settings",
            category=f"{CATEGORY}/training",
            description="How long, how fast and how exactly a stage is trained.",
            search_aliases=["train config", "learning rate", "optimizer"],
            inputs=[
                io.Int.Input(
                    "steps",
                    default=d.steps,
                    min=1,
                    max=10_000_000,
                    tooltip="Steps of the optimizer. A MotionLoRA needs 500 to 2000.",
                ),
                io.Int.Input(
                    "batch_size",
                    default=d.batch_size,
                    min=1,
                    max=1024,
                    tooltip="Clips in one forward pass. More is steadier and takes more memory.",
                ),
                io.Float.Input(
                    "learning_rate",
                    default=d.learning_rate,
                    min=1e-8,
                    max=0.1,
                    step=1e-6,
                    round=1e-8,
                    tooltip="1e-4 for all stages; up to 5e-4 for a MotionLoRA.",
                ),
                io.Combo.Input(
                    "optimizer",
                    options=list(OPTIMIZERS),
                    default=d.optimizer,
                    tooltip="AdamW, or AdamW with its state in 8 bits, which needs bitsandbytes.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(PRECISIONS),
                    default=d.precision,
                    tooltip="The arithmetic; trained weights are float32 in any case. Automatic is "
                    "bf16 or fp16 on a GPU, fp32 on a CPU.",
                ),
                io.Boolean.Input(
                    "gradient_checkpointing",
                    default=d.gradient_checkpointing,
                    tooltip="Takes a third more time and a fraction of the memory.",
                ),
                io.Int.Input(
                    "gradient_accumulation",
                    default=d.gradient_accumulation,
                    min=1,
                    max=1024,
                    tooltip="Forward passes for one step: a larger batch in the same memory.",
                ),
                io.Int.Input(
                    "warmup",
                    default=d.warmup,
                    min=0,
                    max=1_000_000,
                    tooltip="Steps over which the learning rate rises from 0.",
                ),
                io.Float.Input(
                    "ema",
                    default=d.ema,
                    min=0.0,
                    max=0.9999,
                    step=0.0001,
                    round=1e-5,
                    tooltip="Decay of the running average of the weights that is exported, such as "
                    "0.999; 0 exports the weights themselves.",
                ),
                io.Int.Input(
                    "seed",
                    default=d.seed,
                    min=0,
                    max=2**64 - 1,
                    tooltip="Decides the order of clips, noise and timesteps: the same seed "
                    "repeats a run.",
                ),
                io.Int.Input(
                    "save_every",
                    default=d.save_every,
                    min=0,
                    max=1_000_000,
                    tooltip="Steps between checkpoints; 0 writes one at the end alone.",
                ),
                io.Int.Input(
                    "preview_every",
                    default=d.preview_every,
                    min=0,
                    max=1_000_000,
                    tooltip="Steps between preview animations in the training node; 0 for none.",
                ),
                io.Combo.Input(
                    "schedule",
                    options=list(SCHEDULES),
                    default=d.schedule,
                    tooltip="The learning rate after the warm-up: constant, or a half cosine to 0.",
                ),
                advanced(
                    io.Float.Input,
                    "caption_dropout",
                    default=d.caption_dropout,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Share of clips that are shown without their caption, which guidance "
                    "(cfg) needs.",
                ),
                advanced(
                    io.Float.Input,
                    "snr_gamma",
                    default=d.snr_gamma,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="Min-SNR weighting of the loss, usually 5; 0 is off.",
                ),
                advanced(
                    io.Float.Input,
                    "noise_offset",
                    default=d.noise_offset,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Lets the model learn very dark and bright clips, usually 0.05; 0 is "
                    "off.",
                ),
                advanced(
                    io.Float.Input,
                    "debias",
                    default=d.debias,
                    min=0.0,
                    max=10.0,
                    step=0.1,
                    tooltip="MotionDirector's loss, which looks away from appearance, usually 1; "
                    "0 is off.",
                ),
                advanced(
                    io.Int.Input,
                    "min_timestep",
                    default=d.min_timestep,
                    min=0,
                    max=TIMESTEPS - 1,
                    optional=True,
                    tooltip="The weakest noise that is trained on, out of 1000. Raise it to 750 "
                    "where a MotionLoRA learns the axis of a move and not its way.",
                ),
                advanced(
                    io.Int.Input,
                    "max_timestep",
                    default=d.max_timestep,
                    min=1,
                    max=TIMESTEPS,
                    optional=True,
                    tooltip="The strongest noise that is trained on; 1000 is all there is.",
                ),
            ],
            outputs=[TrainingSettingsSocket.Output("training_settings", display_name="settings")],
        )

    @classmethod
    def execute(cls, **settings: Any) -> io.NodeOutput:
        checked = TrainingSettings(**settings)
        checked.check()
        return io.NodeOutput(checked)
