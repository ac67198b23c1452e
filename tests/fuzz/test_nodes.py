"""Every node with inputs of any kind, in ComfyUI's own validation and executor: it runs and gives
numbers, or is refused with a sentence."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy_execution.progress
import numpy as np
import pytest
import torch
from adk_tests.fuzz.conftest import EXAMPLES
from adk_tests.fuzz.damage import packed
from adk_tests.fuzz.executor import run, validated
from adk_tests.fuzz.prompts import inputs, is_small, is_widget, start_of
from adk_tests.fuzz.seen_run import write_seen_run
from adk_tests.fuzz.sentences import what_is_wrong_with
from adk_tests.fuzz.sources import KEPT, SOURCES, keeper, source
from adk_tests.fuzz.sources_of_old_nodes import OLD_SOURCES, WHOLE, is_old
from adk_tests.fuzz.sources_of_their_own import own_sources
from adk_tests.fuzz.test_weights_files import adapter_weights, lora_weights, motion_weights
from adk_tests.fuzz.wires import prompt_of
from adk_tests.sampling.test_prompt_schedule import LONG
from adk_tests.support import camera, image_to_video, pia, sparse
from adk_tests.support.clock import seconds
from adk_tests.support.training_folders import own_folders
from adk_tests.support.videos import write_captioned
from animatediff_kit.motion_models.adapters.camera_control.path import CameraPath
from animatediff_kit.nodes import AnimateDiffKit
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

import nodes

NOT_HERE = {"CheckpointLoaderSimpleWithNoiseSelect"}
"""It is ComfyUI's own loader of whole checkpoints, with a noise schedule behind it."""

NODES = {
    n.GET_SCHEMA().node_id: n
    for n in asyncio.run(AnimateDiffKit().get_node_list())
    if n.GET_SCHEMA().node_id not in NOT_HERE
}
SOURCE_NODES = {f"Fuzz_{kind}": (kind, make) for kind, make in {**SOURCES, **OLD_SOURCES}.items()}
SOURCE_NODES |= own_sources()
KINDS = (*SOURCES, *OLD_SOURCES, "NOISE", "STRING", "INT", "FLOAT", "GIF")
FILES = {
    # the file of a node that takes files of one kind alone
    "ADK_LoadSparseControl": {"sparse_control": "x_sparse.safetensors"},
    "ADK_ApplyCameraControl": {"camera_control": "x_camera.safetensors"},
    "ADE_LoadAnimateLCMI2VModel": {"model_name": "x_i2v.safetensors"},
}
SHARE = {"ADK_TrainDomainAdapter": 6, "ADK_TrainMotionModule": 6, "ADK_TrainMotionLoRA": 6}
SHARE |= {"ADK_SmallWorldModels": 12, "ADK_EncodeClips": 4, "ADK_MeasureMotion": 4}
"""Nodes that take long: one in so many of the examples that others have."""
PER_NODE = 25 if EXAMPLES else 50
"""One in so many of the examples that other properties have: few in the suite, where all nodes
together must not take minutes."""


OF_FAMILIES = {
    # files of motion models that are applied in ways of their own
    "x_camera.safetensors": camera.weights,
    "x_i2v.safetensors": image_to_video.weights,
    "x_pia.safetensors": pia.weights,
    "x_sparse.safetensors": lambda: sparse.weights("rgb"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ComfyUI's, with a file of each kind and a folder of two videos."""
    root = tmp_path_factory.mktemp("files")
    whole = {"animatediff_models": motion_weights, "loras": adapter_weights}
    for folder, weights in {**whole, "animatediff_motion_lora": lora_weights}.items():
        (root / folder).mkdir()
        (root / folder / WHOLE).write_bytes(packed(weights(), ".safetensors"))
    for name, weights in OF_FAMILIES.items():
        save_file(weights(), root / "animatediff_models" / name)
    (root / "videos").mkdir()
    for name in "ab":
        write_captioned(root / "videos" / f"{name}.mp4", 8, f"a dog {name}")
    write_seen_run(root, f"loras/{WHOLE}")
    return root


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    """The pack and the tests' nodes in ComfyUI's table of nodes."""
    classes = {name: source(*given) for name, given in SOURCE_NODES.items()}
    classes |= {f"FuzzKeep_{kind}": keeper(kind) for kind in KINDS}
    with pytest.MonkeyPatch.context() as patch:
        for name, node in {**classes, **NODES}.items():
            patch.setitem(nodes.NODE_CLASS_MAPPINGS, name, node)
        yield


@pytest.fixture
def comfyui(tmp_path: Path, files: Path) -> Iterator[Path]:
    """ComfyUI's folders below a folder of the test's own, in which the files are."""
    with own_folders(tmp_path) as root:
        shutil.copytree(files, root, copy_function=os.link, dirs_exist_ok=True)
        yield root


def start_values(name: str, root: Path) -> dict[str, Any]:
    """With which the node runs, where its own defaults would not do."""
    texts = {
        "source": str(root / "videos"),
        "prompts": "0: a ball",
        "file": str(root / "seen.toml"),
    }
    return {**texts, **FILES.get(name, {})}


def texts_of(root: Path) -> dict[str, st.SearchStrategy[str]]:
    """Texts that mean something to the widgets they are for."""
    return {
        "file": st.sampled_from([str(root / "seen.toml"), str(root / "videos" / "a.mp4")]),
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
    if isinstance(thing, CameraPath):
        return bool(np.isfinite(thing.poses).all() and np.isfinite(thing.lenses).all())
    if hasattr(thing, "generate_noise"):
        return is_finite(thing.generate_noise({"samples": torch.zeros((4, 4, 8, 8))}))
    return not isinstance(thing, torch.Tensor) or bool(thing.isfinite().all())


@pytest.mark.parametrize("name", NODES)
def test_a_node_runs_or_says_why_not(name: str, comfyui: Path) -> None:
    ends: Counter[str] = Counter()
    node = NODES[name]
    start = start_of(node, start_values(name, comfyui))
    prompt = prompt_of(node, start)
    valid, outputs, said = validated(prompt)
    assert valid and run(prompt, outputs).said == [], said
    examples = max(2, settings().max_examples // PER_NODE // SHARE.get(name, 1))

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
    start = start_of(node, start_values(name, comfyui))
    choices = [given.id for given in node.GET_SCHEMA().inputs if given.get_io_type() == "COMBO"]
    for choice in choices:
        for value in ({}, 3, "no such thing"):
            prompt = prompt_of(node, {**start, choice: value})
            valid, outputs, said = validated(prompt)
            came = run(prompt, outputs) if valid else None
            # of an old node a name of a later version may be told of, and another taken
            may_run = is_old(name) and isinstance(value, str)
            assert came is None or came.ended == "failed" or may_run, (choice, value)
            check(said if came is None else came.said, came is not None)
    comfy_execution.progress.global_progress_registry = None


def widgets_of(name: str) -> list[Any]:
    return [given for given in NODES[name].GET_SCHEMA().inputs if is_widget(given)]


def test_a_widget_that_is_missing_is_named(comfyui: Path) -> None:
    for name, node in NODES.items():
        start = start_of(node, start_values(name, comfyui))
        for widget in widgets_of(name):
            values = {key: value for key, value in start.items() if key != widget.id}
            valid, _, said = validated(prompt_of(node, values, sampled=False))
            if widget.optional:
                assert valid, (name, widget.id, said)
            else:
                assert said == [("required_input_missing", widget.id)], (name, said)


@pytest.mark.parametrize("kind", LONG)
def test_no_text_keeps_the_server_from_others(kind: str, comfyui: Path) -> None:
    """Validation runs in the thread that answers all requests: 50 ms of it are the most."""
    for name, node in NODES.items():
        start = start_of(node, start_values(name, comfyui))
        for widget in widgets_of(name):
            if widget.get_io_type() == "STRING":
                for length in (20_000, 49_000):
                    values = {**start, widget.id: LONG[kind](length)}
                    prompt = prompt_of(node, values, sampled=False)
                    taken = seconds(lambda p=prompt: validated(p), enough=0.05)
                    assert taken < 0.05, (name, widget.id, length)
