"""Files with a prompt a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from animatediff_kit.training.data.prompt_file import in_turn, is_prompt_file, prompts_in


def test_each_line_is_a_prompt(tmp_path: Path) -> None:
    file = tmp_path / "Prompts.TXT"
    file.write_text("a\n\n  b \n", encoding="utf-16")
    assert is_prompt_file(file) and prompts_in(file) == ["a", "b"]
    assert not is_prompt_file(tmp_path) and not is_prompt_file(tmp_path / "no.txt")
    assert in_turn(["a", "b"], 5) == ["a", "b", "a", "b", "a"] and in_turn(["a", "b"], 1) == ["a"]


def test_no_prompt_is_told(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text(" \n", encoding="utf-8")
    with pytest.raises(ValueError, match="^prompts.txt holds no prompt. Write what the pictures s"):
        prompts_in(file)
