"""Texts of workflows that no prompt, caption, path or name can hold: a sentence that a log can
write, and nothing written elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import folder_paths
import pytest
import torch
from animatediff_kit.nodes.motion_model import ApplyMotionModel
from animatediff_kit.nodes.texts import check_choice, check_text, written_path
from animatediff_kit.nodes.training.camera import MoveCamera
from animatediff_kit.nodes.training.clips import LoadVideoClips
from animatediff_kit.nodes.training.clips_from_images import ClipsFromImages
from animatediff_kit.nodes.training.encode import EncodeClips, cache_path

HALF = "cats \ud800 and dogs"
CONTROL = {"nul": "a\0b", "line break": "a\nb", "escape": "a\x1b[2J"}


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("input", "output"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(folder_paths, f"{name}_directory", str(tmp_path / name))


@pytest.mark.parametrize("text", ["", "a cat", "caf\u00e9 \N{GRINNING FACE}", "a\n\tb", "a\0b"])
def test_texts_are_passed_on(text: str) -> None:
    assert check_text("caption", text) is text


@pytest.mark.parametrize("text", [None, 5, ["a"], b"a"])
def test_what_is_no_text_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="^caption is .*, which is no text. Write one, or leave"):
        check_text("caption", text)


TAKES_TEXT = {
    "source": lambda text: LoadVideoClips.execute(source=text),
    "cache_folder": cache_path,
    "caption": lambda text: ClipsFromImages.execute(torch.rand(2, 64, 64, 3), text),
    "caption of clips": lambda text: LoadVideoClips.execute(source="x", caption=text),
    "caption of stills": lambda text: MoveCamera.execute(torch.rand(2, 64, 64, 3), caption=text),
}


@pytest.mark.parametrize("node", TAKES_TEXT)
def test_half_a_character_is_a_sentence_that_a_log_can_write(node: str) -> None:
    with pytest.raises(ValueError) as told:
        TAKES_TEXT[node](HALF)
    assert str(told.value) == (
        rf"{node.split()[0]} 'cats \ud800 and dogs' holds half a character, '\ud800', as its "
        "character 6. Remove it."
    )
    str(told.value).encode()


@pytest.mark.parametrize("written", CONTROL.values(), ids=CONTROL)
@pytest.mark.parametrize("name", ["source", "cache_folder"])
def test_paths_hold_no_control_characters(name: str, written: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} .* holds a character that no path has, '.+', "):
        TAKES_TEXT[name](written)


@pytest.mark.parametrize(
    ("written", "reason"),
    [("x" * 300, "300 bytes"), ("/".join("x" * 5000), "too long")],
)
@pytest.mark.parametrize("name", ["source", "cache_folder"])
def test_paths_that_no_system_has(name: str, written: str, reason: str) -> None:
    with pytest.raises(ValueError) as told:
        TAKES_TEXT[name](written)
    message = str(told.value)
    assert message.startswith(f"{name} '") and message.endswith(". Write another.")
    assert "cannot be used as a path: " in message and reason in message
    assert len(message) < 300


def test_paths_as_people_write_them(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert written_path("source", ' "a b" ', root) == tmp_path / "a b"
    assert written_path("source", str(tmp_path / "c"), "/elsewhere") == tmp_path / "c"
    assert written_path("source", "~", root) == Path.home()


def test_a_tilde_before_a_name_is_part_of_it(tmp_path: Path) -> None:
    """A folder may be called so; a user's home is nobody's business but the user's."""
    assert written_path("source", "~root", str(tmp_path)) == tmp_path / "~root"
    assert written_path("source", "~nosuchuser/x", str(tmp_path)) == tmp_path / "~nosuchuser/x"
    assert written_path("source", "~/x", str(tmp_path)) == Path.home() / "x"


@pytest.mark.parametrize("written", ["\u202a{}", "'{}'", '"{}"', ' "{}" ', "\ufeff{}\u202c"])
def test_a_path_is_taken_out_of_what_is_copied_with_it(tmp_path: Path, written: str) -> None:
    assert written_path("source", written.format(tmp_path), "/") == tmp_path


def test_a_cache_folder_of_quotes_alone_is_none() -> None:
    assert cache_path(' "" ') is None and cache_path("''") is None


@pytest.mark.parametrize("node", TAKES_TEXT)
def test_texts_that_no_encoder_reads(node: str) -> None:
    with pytest.raises(
        ValueError,
        match=rf"^{node.split()[0]} has 1,000,000 characters, and 20,000 are the most\. Shorten it",
    ):
        TAKES_TEXT[node]("x" * 1_000_000)


@pytest.mark.parametrize("value", [None, 5, ["a"]])
def test_clips_that_come_from_no_node(value: Any) -> None:
    """As a workflow in JSON may give them."""
    for call in (lambda: EncodeClips.execute(value, None, None), lambda: MoveCamera.execute(value)):
        with pytest.raises(
            ValueError, match=r"^clips is .*\. Connect the node Load Video Clips, or"
        ):
            call()
    with pytest.raises(
        ValueError, match=r"^motion_model is .*, which is none\. Connect the node Lo"
    ):
        ApplyMotionModel.execute(None, value)


@pytest.mark.parametrize("value", [{}, 3, None, "up"])
def test_a_choice_that_is_none(value: Any) -> None:
    assert check_choice("way", "left", ("left", "right")) == "left"
    with pytest.raises(ValueError, match=r"^way is .*; it must be one of left, right\.$"):
        check_choice("way", value, ("left", "right"))
