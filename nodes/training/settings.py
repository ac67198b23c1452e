"""The settings that all three stages are trained with."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...training.engine.config import FIELDS, TrainingSettings
from ..schema import CATEGORY, TrainingSettingsSocket, advanced, schema

SHOWN = (
    "steps",
    "batch_size",
    "learning_rate",
    "optimizer",
    "precision",
    "gradient_checkpointing",
    "gradient_accumulation",
    "warmup",
    "ema",
    "seed",
    "save_every",
    "preview_every",
    "schedule",
)
"""In the order of the contract, as are those that are folded away."""

FOLDED = (
    "caption_dropout",
    "snr_gamma",
    "noise_offset",
    "debias",
    "min_timestep",
    "max_timestep",
    "timestep_draw",
    "lora_sites",
    "lora_feed_forward",
    "lora_alpha",
    "lora_plus",
    "input_perturbation",
    "resume_changes",
    "export_every",
    "export_minutes",
    "held_out",
    "prompts",
    "stop_rules",
    "calibrate",
    "keep_images",
    "picture_dropout",
    "picture_frame",
)

INPUTS: dict[type, Any] = {
    bool: io.Boolean.Input,
    int: io.Int.Input,
    float: io.Float.Input,
    str: io.String.Input,
}


def setting_input(name: str) -> Any:
    """The widget of a setting, by its entry in the table of config.py."""
    known = FIELDS[name]
    options: dict[str, Any] = {"default": known.shown, "tooltip": known.tooltip}
    kind = io.Combo.Input if known.choices else INPUTS[type(known.default)]
    if known.lines:
        options["multiline"] = True
    if known.choices:
        options["options"] = list(known.choices)
    if known.offered:
        options["min"], options["max"] = known.offered
    if name == "seed":  # the page would draw another after each run, and none could be resumed
        options["control_after_generate"] = False
    if known.step:
        options["step"] = known.step
    if known.rounding:
        options["round"] = known.rounding
    if known.added:
        options["optional"] = True
    return advanced(kind, name, **options) if name in FOLDED else kind(name, **options)


class TrainingSettingsNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_TrainingSettings",
            display_name="Training Settings (AnimateDiff)",
            category=f"{CATEGORY}/training",
            description="How long, how fast and how exactly a stage is trained.",
            search_aliases=["train config", "learning rate", "optimizer"],
            inputs=[setting_input(name) for name in (*SHOWN, *FOLDED)],
            outputs=[
                TrainingSettingsSocket.Output(
                    "training_settings",
                    display_name="settings",
                    tooltip="For the settings of a training node.",
                )
            ],
        )

    @classmethod
    def execute(cls, **settings: Any) -> io.NodeOutput:
        checked = TrainingSettings(**settings)
        checked.check()
        return io.NodeOutput(checked)
