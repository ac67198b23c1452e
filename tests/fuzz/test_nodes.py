"""Every node with inputs of any kind, in ComfyUI's own validation and executor: it runs and gives
numbers, or is refused with a sentence."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy_execution.progress
import pytest
import torch
from adk_tests.fuzz.damage import packed
from adk_tests.fuzz.prompts import inputs, is_small, prompt_of, run, start_of, validated
from adk_tests.fuzz.sentences import what_is_wrong_with
from adk_tests.fuzz.sources import KEPT, SOURCES, WIDE, keeper, source
from adk_tests.fuzz.test_weights_files import adapter_weights, lora_weights, motion_weights
from adk_tests.support.training_folders import own_folders
from adk_tests.support.videos import write_captioned
from animatediff_kit.nodes import AnimateDiffKit
from hypothesis import given, settings
from hypothesis import strategies as st

import nodes

NOT_HERE = {
    "ADK_LoadSparseControl",
    "ADK_ApplySparseControl",
    "ADK_ApplyPIA",
    "ADK_ApplyImageToVideo",
    "ADK_ApplyCameraControl",
    "ADK_JoinContinuation",
}
"""They take files of a family of their own, or latents that belong together. AnimateDiff-Evolved's
ids (ADE) are adapters over what is fuzzed here."""

NODES = {
    n.GET_SCHEMA().node_id: n
    for n in asyncio.run(AnimateDiffKit().get_node_list())
    if n.GET_SCHEMA().node_id.startswith("ADK_") and n.GET_SCHEMA().node_id not in NOT_HERE
}
KINDS = (*SOURCES, "NOISE", "STRING", "INT", "FLOAT")
SHARE = {"ADK_TrainDomainAdapter": 6, "ADK_TrainMotionModule": 6, "ADK_TrainMotionLoRA": 6}
SHARE |= {"ADK_SmallWorldModels": 12, "ADK_EncodeClips": 4, "ADK_MeasureMotion": 4}
"""Nodes that take long: one in so many of the examples that others have."""


@pytest.fixture(autouse=True)
def comfyui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The pack and the tests' nodes in ComfyUI's table, its folders below a folder of the test's
    own, with a file of each kind and a folder of two videos."""
    for kind in KINDS:
        monkeypatch.setitem(nodes.NODE_CLASS_MAPPINGS, f"Fuzz_{kind}", source(kind))
        monkeypatch.setitem(nodes.NODE_CLASS_MAPPINGS, f"FuzzKeep_{kind}", keeper(kind))
    for kind in WIDE:
        monkeypatch.setitem(nodes.NODE_CLASS_MAPPINGS, f"FuzzWide_{kind}", source(kind, WIDE))
    for name, node in NODES.items():
        monkeypatch.setitem(nodes.NODE_CLASS_MAPPINGS, name, node)
    with own_folders(tmp_path) as root:
        files = {"animatediff_models": motion_weights, "loras": adapter_weights}
        for folder, weights in {**files, "animatediff_motion_lora": lora_weights}.items():
            (root / folder).mkdir()
            (root / folder / "whole.safetensors").write_bytes(packed(weights(), ".safetensors"))
        (root / "videos").mkdir()
        for name in "ab":
            write_captioned(root / "videos" / f"{name}.mp4", 8, f"a dog {name}")
        yield root


def texts_of(root: Path) -> dict[str, st.SearchStrategy[str]]:
    """Texts that mean something to the widgets they are for."""
    return {
        "source": st.sampled_from([str(root / "videos"), str(root / "videos" / "a.mp4")]),
        "prompts": st.lists(
            st.tuples(st.integers(0, 20), st.text(max_size=8)), min_size=1, max_size=4
        ).map(lambda lines: "\n".join(f"{frame}: {text}" for frame, text in lines)),
        "name": st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12),
    }


def check(said: list[tuple[str, str]], failed: bool) -> None:
    for kind, text in said:
        assert not kind.startswith("exception_during"), (kind, ascii(text))
        if failed:
            assert kind == "ValueError", (kind, ascii(text)[:500])
        if failed or kind == "custom_validation_failed":
            text = text.partition(" - ")[2] if not failed else text
            assert not what_is_wrong_with(text), (what_is_wrong_with(text), ascii(text)[:500])


def is_finite(thing: Any) -> bool:
    """Whether all numbers in what a node gave are such; what holds none is taken as it is."""
    if isinstance(thing, dict):
        return is_finite(thing.get("samples"))
    if hasattr(thing, "generate_noise"):
        return is_finite(thing.generate_noise({"samples": torch.zeros((4, 4, 8, 8))}))
    return not isinstance(thing, torch.Tensor) or bool(thing.isfinite().all())


@pytest.mark.parametrize("name", NODES)
def test_a_node_runs_or_says_why_not(name: str, comfyui: Path) -> None:
    ends: Counter[str] = Counter()
    node = NODES[name]
    start = start_of(node, {"source": str(comfyui / "videos"), "prompts": "0: a ball"})
    prompt = prompt_of(node, start)
    valid, outputs, said = validated(prompt)
    assert valid and run(prompt, outputs).said == [], said
    examples = max(4, settings().max_examples // 25 // SHARE.get(name, 1))

    @settings(max_examples=examples)
    @given(inputs(node, start, texts_of(comfyui)))
    def judged(values: dict[str, Any]) -> None:
        prompt = prompt_of(node, values)
        valid, outputs, said = validated(prompt)
        if not valid:
            ends["not valid"] += 1
            check(said, False)
        elif not is_small(values):
            ends["too large for a test"] += 1
        else:
            came = run(prompt, outputs)
            ends[came.ended] += 1
            check(came.said, came.ended == "failed")
            assert all(map(is_finite, KEPT))

    judged()
    comfy_execution.progress.global_progress_registry = None


@pytest.mark.parametrize("name", NODES)
def test_a_choice_that_is_none_is_refused(name: str, comfyui: Path) -> None:
    """ComfyUI 0.3.75 looks at no choice of these nodes itself, so a prompt may hold any JSON."""
    node = NODES[name]
    start = start_of(node, {"source": str(comfyui / "videos"), "prompts": "0: a ball"})
    choices = [given.id for given in node.GET_SCHEMA().inputs if given.get_io_type() == "COMBO"]
    for choice in choices:
        for value in ({}, 3, "no such thing"):
            prompt = prompt_of(node, {**start, choice: value})
            valid, outputs, said = validated(prompt)
            came = run(prompt, outputs) if valid else None
            assert came is None or came.ended == "failed", (choice, value)
            check(said if came is None else came.said, came is not None)
    comfy_execution.progress.global_progress_registry = None
