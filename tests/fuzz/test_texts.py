"""Texts of any kind, where people write them: each is read, or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

from adk_tests.fuzz.sentences import refused
from animatediff_kit.nodes.texts import check_text, written_path
from animatediff_kit.sampling.prompt_schedule import check_words, parse_prompts
from animatediff_kit.sampling.prompt_travel import plan_travel
from animatediff_kit.training.data.sources import find_sources
from animatediff_kit.training.engine.export import check_name
from animatediff_kit.training.files.text import read_text
from hypothesis import given
from hypothesis import strategies as st

HALVES = st.characters(categories=["Cs", "Cc", "Cf", "L", "N", "P", "Z"])
ANY = st.text(HALVES, max_size=60)
PARTS = st.one_of(
    st.sampled_from(
        ['"', ":", "\n", ",", "\\", "{", "}", "[", "(", ")", "0", "16", " ", "\\u00e9", "`", "|"]
    ),
    st.sampled_from(['"0": "a cat",', "8: a dog\n", "max_f", "<lora:x:1>", "cat:1.2", "\ufeff"]),
    st.sampled_from(["`t`", "`1 / t`", "`sin(", ")`", "`2 ** pw_a`", " --neg "]),
    st.integers(-5, 10**12).map(str),
    st.text(max_size=6),
)
SCHEDULES = st.lists(PARTS, max_size=14).map("".join)


@given(st.one_of(SCHEDULES, ANY))
def test_prompts_over_frames(text: str) -> None:
    keyframes = refused(lambda: parse_prompts(text))
    if not isinstance(keyframes, str):
        frames = [frame for frame, _ in keyframes]
        assert frames[0] == 0 and frames == sorted(set(frames))
        assert all(isinstance(prompt, str) for _, prompt in keyframes)
        refused(lambda: plan_travel(keyframes, 3, "linear", {"pw_a": [0.5]}))


@given(st.one_of(ANY, SCHEDULES))
def test_words_and_captions(text: str) -> None:
    refused(lambda: check_text("caption", text))
    refused(lambda: check_words("before", text))


STEPS = st.lists(st.sampled_from(["a", "..", "/", "~", "b" * 300]), max_size=8).map("".join)


@given(st.one_of(ANY, STEPS))
def test_paths(text: str) -> None:
    path = refused(lambda: written_path("source", text, "/tmp"))
    if isinstance(path, Path):
        refused(path.exists)


@given(ANY)
def test_names_of_files(text: str) -> None:
    if refused(lambda: check_name(text)) is None:
        name = f"{text}.safetensors"
        assert Path(name).name == name and len(name.encode()) < 255


BYTES = st.one_of(
    st.binary(max_size=60),
    st.lists(PARTS, max_size=8).map(lambda parts: "".join(parts).encode("utf-8", "replace")),
    st.text(max_size=30).map(lambda text: text.encode("utf-16")),
)


def test_files_of_texts_and_tables(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"")
    caption, table = tmp_path / "clip.txt", tmp_path / "table.csv"

    @given(BYTES)
    def judged(content: bytes) -> None:
        caption.write_bytes(content)
        refused(lambda: read_text(caption, "The caption"))
        table.write_bytes(b"videoid,name\nclip," + content)
        refused(lambda: find_sources(table))
        table.write_bytes(content)
        refused(lambda: find_sources(table))

    judged()
