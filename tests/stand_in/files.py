"""The untrained stand-in files, for tests and benchmarks that need SD1.5's own layout: their names,
their folders, the call that writes them, and graphs that are given them."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

from animatediff_kit.launcher.client import Prompt
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.environment import Say, run_logged

HERE = Path(__file__).resolve().parent
CODE = ("checkpoint.py", "weights.py")
"""What the files' content hangs on."""

CHECKPOINT = "adk_stand_in_sd15.safetensors"
MOTION_MODEL = "adk_stand_in_v3_motion_model.ckpt"
MOTION_LORA = "adk_stand_in_motion_lora.safetensors"
DOMAIN_ADAPTER = "adk_stand_in_v3_domain_adapter.safetensors"

# By the option of tests/stand_in/weights.py that names the file to write.
FILES = {
    "--checkpoint": Path("checkpoints", CHECKPOINT),
    "--motion-model": Path("animatediff_models", MOTION_MODEL),
    "--motion-lora": Path("animatediff_motion_lora", MOTION_LORA),
    "--domain-adapter": Path("loras", DOMAIN_ADAPTER),
}

# What stands in an example workflow in place of a user's files, at a size for two CPU cores.
OVERRIDES: dict[tuple[str, str], Any] = {
    ("CheckpointLoaderSimple", "ckpt_name"): CHECKPOINT,
    ("ADK_Animate", "motion_model"): MOTION_MODEL,
    ("ADK_Animate", "motion_lora"): MOTION_LORA,
    ("ADK_LoadMotionModel", "motion_model"): MOTION_MODEL,
    ("ADK_LoadMotionLoRA", "lora"): MOTION_LORA,
    ("ADK_DomainAdapter", "adapter"): DOMAIN_ADAPTER,
    ("EmptyLatentImage", "width"): 96,
    ("EmptyLatentImage", "height"): 96,
    ("KSampler", "steps"): 4,
}


def overridden(prompt: Prompt) -> Prompt:
    """A graph with `OVERRIDES` in place."""
    changed = copy.deepcopy(prompt)
    for node in changed.values():
        for (kind, name), value in OVERRIDES.items():
            if node["class_type"] == kind and name in node["inputs"]:
                node["inputs"][name] = value
    return changed


def ensure(root: Path, comfy: ComfyUI, models: Path, say: Say) -> list[Path]:
    """Writes the files under `models` unless the same code has written them; returns them."""
    code = b"".join((HERE / name).read_bytes() for name in CODE)
    stamp = hashlib.sha256(code).hexdigest()
    mark = models / "adk_stand_in.sha256"
    files = [models / file for file in FILES.values()]
    if mark.is_file() and mark.read_text() == stamp and all(file.is_file() for file in files):
        return files
    say("writing untrained stand-in weights of SD1.5's layout")
    mark.unlink(missing_ok=True)
    command = [str(comfy.python), "-m", "stand_in.weights", "--comfyui", str(comfy.folder)]
    for option, file in zip(FILES, files, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        command += [option, str(file)]
    log = root / ".comfy" / "logs" / "stand_in_weights.log"
    run_logged(command, log, "The stand-in weights could not be written", cwd=HERE.parent)
    mark.write_text(stamp)
    return files
