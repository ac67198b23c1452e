"""What a weights file says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..files.fingerprints import digest_of
from ..models.conditioning import PIXELS
from ..models.stages import DOMAIN_ADAPTER, MOTION_LORA, MOTION_MODULE, PIA
from .batches import Clips
from .clip_loss import ClipLoss
from .config import FIELDS
from .loop import Run

ARCHITECTURES = {
    # base model -> the ModelSpec's name of it
    "SD1.5": "stable-diffusion-v1",
    "SDXL": "stable-diffusion-xl-v1-base",
}
KINDS = {
    DOMAIN_ADAPTER: ("lora", "a domain adapter"),
    MOTION_MODULE: ("animatediff-motion-module", "a motion module"),
    MOTION_LORA: ("animatediff-motion-lora", "a MotionLoRA"),
    PIA: ("pia", "a PIA model"),
}


MOST_RATES = 4
"""Frame rates of clips that are written one by one."""


@dataclass(frozen=True)
class Calibration:
    """strength: at which the trained MotionLoRA moves the camera as far as its clips do;   move:
    which move;   amount, reference: how far at that strength, and the clips;   applied: whether the
    file is written so that its strength 1 is that strength"""

    move: str
    strength: float
    amount: float
    reference: float
    applied: bool

    def entries(self) -> dict[str, str]:
        found = {k: v if isinstance(v, str) else f"{v:.4g}" for k, v in vars(self).items()}
        found["applied"] = "yes" if self.applied else "no"
        return {f"calibration_{name}": text for name, text in found.items()}


def metadata(
    run: Run[ClipLoss], title: str = "", calibration: Calibration | None = None
) -> dict[str, str]:
    """What the file says of itself, as safetensors' strings. data, models, settings: fingerprints
    of the clips, of the models that training stood on, and of what decides a step; start: of the
    MotionLoRA that was trained on.   config: the settings in words;   fps: of the clips, where it
    is known. The ModelSpec's entries are those of Stability-AI/ModelSpec 1.0.0; a date is left out,
    so that a run that is repeated writes the same file."""
    spec = run.loss.trainee.spec
    entries = {
        "format": "pt",
        "tool": f"AnimateDiff Kit {version()}",
        "stage": run.loss.trainee.stage,
        "base": spec.family.base if spec else type(run.loss.inputs.base.model_config).__name__,
        "family": spec.family.name if spec else "",
        "motion_model": spec.name if spec else "",
        "rank": str(run.loss.trainee.rank or ""),
        "steps": str(run.step),
        "clips": str(len(run.loss.clips)),
        "fps": rates_in_words(run.loss.clips.rates),
        "data": run.loss.clips.fingerprint,
        "models": run.loss.trainee.models,
        "start": run.loss.trainee.start,
        "settings": digest_of(run.settings.decides()),
        "learning_rate": str(run.settings.learning_rate),
        "seed": str(run.settings.seed),
        "config": json.dumps(changed_settings(run)),
        **model_spec(run, title),
        **(calibration.entries() if calibration else {}),
    }
    return {key: value for key, value in entries.items() if value}


def rates_in_words(rates: Sequence[float]) -> str:
    """Such as `8`, or `8, 12` of sources that differ; of more than MOST_RATES their range, such as
    `7.5 to 29.97`. Empty where none is known."""
    words = [f"{rate:.6g}" for rate in sorted(rates)]
    return ", ".join(words) if len(words) <= MOST_RATES else f"{words[0]} to {words[-1]}"


def changed_settings(run: Run[ClipLoss]) -> dict[str, object]:
    """The settings that are not at their default."""
    settings = asdict(run.settings)
    return {name: settings[name] for name in FIELDS if settings[name] != FIELDS[name].default}


def model_spec(run: Run[ClipLoss], title: str) -> dict[str, str]:
    """What tools that list models show, whatever the file's own entries are."""
    loss = run.loss
    kind, words = KINDS[loss.trainee.stage]
    spec = loss.trainee.spec
    base = spec.family.base if spec else type(loss.inputs.base.model_config).__name__
    height, width = (side * PIXELS for side in loss.clips.shape(0)[-2:])
    on = f" for {spec.name}" if spec else ""
    return {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{ARCHITECTURES.get(base, base)}/{kind}",
        "modelspec.implementation": "https://github.com/guoyww/AnimateDiff",
        "modelspec.title": title,
        "modelspec.description": f"{words}{on}, trained by AnimateDiff Kit",
        "modelspec.resolution": f"{width}x{height}",
        "modelspec.prediction_type": "epsilon",
        "modelspec.trigger_phrase": trigger_of(loss.clips),
    }


def trigger_of(clips: Clips) -> str:
    """The words before a comma that all captions begin with, or the caption that all have."""
    captions = {clips.caption(index) for index in range(len(clips))}
    if len(captions) == 1:
        return captions.pop()
    starts = {caption.partition(",")[0] if "," in caption else "" for caption in captions}
    return starts.pop() if len(starts) == 1 else ""


def version() -> str:
    """The pack's version, as pyproject.toml has it."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    try:
        found = re.search(r'^version = "(.+)"', project.read_text(encoding="utf-8"), re.M)
    except OSError:
        found = None
    return found[1] if found else "unknown"
