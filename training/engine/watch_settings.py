"""The settings of a training run by which it is watched: files on the way, previews, clips that are
held out, rules by which it ends. Rows of the table of config.py."""

from __future__ import annotations

from dataclasses import dataclass

from . import preview_list, stop_rules
from .bounds import NOT_NEGATIVE, POSITIVE, Bounds
from .setting import MANY, setting


@dataclass(frozen=True)
class WatchSettings:
    """export_every, export_minutes: between weights files on the way, in steps and in minutes; 0 is
        none.
    held_out: share of the clips that are not trained on, but measure the loss.
    prompts: of previews (preview_list.py); empty draws training clips' own captions.
    stop_rules: by which the run ends (stop_rules.py).
    calibrate: what is done in the end about the strength at which a MotionLoRA moves as its clips.
    """

    export_every: int = setting(
        0,
        "Steps between weights files that can be used before the end, in a folder beside the last "
        "one; 0 for none.",
        bounds=NOT_NEGATIVE,
        offered=(0, MANY),
        free=True,
        added=True,
    )
    export_minutes: float = setting(
        0.0,
        "Minutes between weights files on the way, beside or instead of steps; 0 for none.",
        bounds=NOT_NEGATIVE,
        offered=(0.0, 10_000.0),
        step=1.0,
        free=True,
        added=True,
    )
    held_out: float = setting(
        0.0,
        "Share of the clips that are not trained on. Their loss is measured with every preview, "
        "by eighths of the noise; where it rises, the model learns the clips by heart.",
        bounds=Bounds(0, 0.9),
        offered=(0.0, 0.9),
        step=0.01,
        added=True,
    )
    prompts: str = setting(
        "",
        "Previews: a prompt a line, with a seed or without (`7: a cat runs`), for which CLIP must "
        "be connected. Empty draws captions of the clips.",
        comment='Previews: a prompt a line, with a seed or without ("7: a cat runs"). Empty draws '
        "captions of the clips.",
        free=True,
        added=True,
        lines=True,
    )
    stop_rules: str = setting(
        "",
        "Ends the run by its previews, which needs the VAE: `8 of 8 previews pan left by at least "
        "0.25, warp error below 1.5`. The help page has the grammar.",
        comment="Ends the run by its previews, such as "
        '"8 of 8 previews pan left by at least 0.25, warp error below 1.5". '
        "training/engine/stop_rules.py has the grammar.",
        free=True,
        added=True,
        lines=True,
    )
    calibrate: str = setting(
        "off",
        "In the end, finds the strength at which a MotionLoRA moves the camera as far as the clips "
        "do: note writes it into the file, apply makes it strength 1.",
        choices=("off", "note", "apply"),
        free=True,
        added=True,
    )
    export_keep: int = setting(
        5,
        "Weights files on the way that are kept, the newest.",
        bounds=POSITIVE,
        free=True,
        added=True,
    )
    tensorboard: str = setting(
        "if installed",
        "Writes the log for TensorBoard too.",
        choices=("if installed", "on", "off"),
        free=True,
        added=True,
    )

    def check_watch(self, preview_every: int, seed: int) -> None:
        """Raise ValueError for prompts and rules that cannot be read, or do not go together."""
        asked = preview_list.parse(self.prompts, seed)
        rules = stop_rules.parse(self.stop_rules)
        if rules.previews and asked and len(asked) != rules.previews:
            raise ValueError(
                f"The stop rules speak of {rules.previews} previews, and the prompts are "
                f"{len(asked)}; write as many prompts, or none."
            )
        if rules.held_out and not self.held_out:
            raise ValueError(
                "The stop rules speak of the held-out loss, and no clip is held out; set held_out "
                "to a share such as 0.1."
            )
        if rules.lines and not preview_every:
            raise ValueError(
                "The stop rules are looked at with every preview, and preview_every is 0; set it "
                "to the steps between two looks."
            )
