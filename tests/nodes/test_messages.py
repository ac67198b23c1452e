"""The texts of nodes' errors that other tests meet by their kind alone."""

from __future__ import annotations

import re

import pytest
from animatediff_kit.nodes.prompts import PromptTravel
from animatediff_kit.nodes.texts import written_path


def test_a_checkpoint_without_a_text_encoder_has_no_prompts_to_travel() -> None:
    text = (
        "There is no text encoder: the checkpoint has none. Load one with Load CLIP, and connect "
        "it here."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        PromptTravel.execute(None, "0: a cat", 4)


def test_a_part_of_a_path_that_is_too_long_is_counted_in_bytes() -> None:
    name = "é" * 200
    text = "cannot be used as a path: a part of it has 400 bytes, and 255 are the most. Write anoth"
    with pytest.raises(ValueError, match=rf"^source .* {re.escape(text)}er\.$"):
        written_path("source", f"clips/{name}", "/tmp")
