"""The untrained stand-in files: their names, their folders, and the call that writes them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .comfyui import ComfyUI
from .environment import Say, run_logged

CHECKPOINT = "adk_stand_in_sd15.safetensors"
MOTION_MODEL = "adk_stand_in_v3_motion_model.ckpt"
MOTION_LORA = "adk_stand_in_motion_lora.safetensors"
DOMAIN_ADAPTER = "adk_stand_in_v3_domain_adapter.safetensors"

# By the option of demo/stand_in_weights.py that names the file to write.
FILES = {
    "--checkpoint": Path("checkpoints", CHECKPOINT),
    "--motion-model": Path("animatediff_models", MOTION_MODEL),
    "--motion-lora": Path("animatediff_motion_lora", MOTION_LORA),
    "--domain-adapter": Path("loras", DOMAIN_ADAPTER),
}


def ensure(root: Path, comfy: ComfyUI, models: Path, say: Say) -> list[Path]:
    """Writes the files under `models` unless the same code has written them; returns them."""
    code = b"".join(file.read_bytes() for file in sorted((root / "demo").glob("*.py")))
    stamp = hashlib.sha256(code).hexdigest()
    mark = models / "adk_stand_in.sha256"
    files = [models / file for file in FILES.values()]
    if mark.is_file() and mark.read_text() == stamp and all(file.is_file() for file in files):
        return files
    say("writing untrained stand-in weights (no trained model comes with the pack)")
    mark.unlink(missing_ok=True)
    command = [str(comfy.python), "-m", "demo.stand_in_weights", "--comfyui", str(comfy.folder)]
    for option, file in zip(FILES, files, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        command += [option, str(file)]
    log = root / ".comfy" / "logs" / "stand_in_weights.log"
    run_logged(command, log, "The stand-in weights could not be written", cwd=root)
    mark.write_text(stamp)
    return files
