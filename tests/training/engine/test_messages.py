"""The texts of errors of this room that other tests meet by their kind alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from animatediff_kit.training.engine.checkpoints import Checkpoint
from animatediff_kit.training.engine.identity import FINGERPRINTS, check_identity


@pytest.mark.parametrize("key", FINGERPRINTS)
def test_a_run_of_other_files_is_not_resumed(key: str) -> None:
    told = {
        "clips": "other clips, or clips encoded with another VAE or text encoder",
        "models": "another image model or motion model, or other LoRAs on them, the look of the "
        "clips among them",
        "start": "another MotionLoRA to start from, or none",
    }[key]
    text = (
        f"f.safetensors cannot be resumed: its run had {told}. Take those, or start a new run with "
        "an empty resume."
    )
    saved = Checkpoint(3, {key: "abc", "rank": 4}, {}, {}, {})
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        check_identity(saved, {key: "def", "rank": 4}, Path("f.safetensors"))
    check_identity(saved, {key: "abc", "rank": 4}, Path("f.safetensors"))
