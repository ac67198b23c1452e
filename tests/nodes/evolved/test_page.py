"""Arrays of every length that pages saved, through the code that runs in the page."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from adk_tests.nodes.evolved.facts import FACTS, SOCKET

WEB = Path(__file__).resolve().parents[3] / "web"
NODE = shutil.which("node")

LEGACY = "ADE_AnimateDiffLoaderWithContext"
UNIFORM = "ADE_AnimateDiffUniformContextOptions"
SETTINGS = "ADE_AnimateDiffSamplingSettings"
CHECKPOINT = "CheckpointLoaderSimpleWithNoiseSelect"
SQRT = "sqrt_linear (AnimateDiff)"
FILE = "mm_sd_v15_v2.ckpt"
PREVIEW = "/view?filename=A_00008_.mp4&subfolder=&type=output&format=video%2Fh264-mp4"

SAVED: list[tuple[str, Any, list[Any]]] = [
    # id, what a page saved, what stands in the widgets
    (LEGACY, [FILE, SQRT], [FILE, SQRT, 1, True]),
    (LEGACY, [FILE, SQRT, 1.1, False], [FILE, SQRT, 1.1, False]),
    (LEGACY, [FILE, "lcm", 1.35, True, ""], [FILE, "lcm", 1.35, True]),
    (LEGACY, {"model_name": FILE, "beta_schedule": SQRT}, [FILE, SQRT, 1, True]),
    (
        UNIFORM,
        [16, 1, 4, "uniform", True],
        [16, 1, 4, "uniform", True, "flat", False, 0, 1],
    ),
    (
        UNIFORM,
        [16, 2, 2, "uniform", False, "pyramid", False, 0, 1],
        [16, 2, 2, "uniform", False, "pyramid", False, 0, 1],
    ),
    (
        UNIFORM,
        [16, 1, 4, "uniform", False, "flat", False, 0, 1, ""],
        [16, 1, 4, "uniform", False, "flat", False, 0, 1],
    ),
    (SETTINGS, [0, "FreeNoise", "comfy", 1, True], [0, "FreeNoise", "comfy", 1, True]),
    (SETTINGS, [0, "FreeNoise", "comfy", 1, 77, True], [0, "FreeNoise", "comfy", 1, True]),
    (SETTINGS, [0, "empty", "auto1111", 0, 5, False, ""], [0, "empty", "auto1111", 0, False]),
    (SETTINGS, [0, "empty", "auto1111", 0, False, ""], [0, "empty", "auto1111", 0, False]),
    (CHECKPOINT, ["a.safetensors", SQRT], ["a.safetensors", SQRT, False, 0.18215]),
    (CHECKPOINT, ["a.ckpt", "lcm", False, 1], ["a.ckpt", "lcm", False, 1]),
    ("ADE_MultivalDynamic", [1.1, ""], [1.1]),
    ("ADE_AnimateDiffLoRALoader", [None, 1], ["None", 1]),
    ("ADE_LoadAnimateDiffModel", {"model_name": None}, ["None"]),
    ("ADE_AnimateDiffLoRALoader", ["zoom.ckpt", 0.8, ""], ["zoom.ckpt", 0.8]),
    ("ADE_ApplyAnimateDiffModelSimple", [""], []),
    (
        "ADE_AnimateDiffCombine",
        [10, 0, "", "image/gif", False, True, PREVIEW],
        [10, 0, "", "image/gif", False, True],
    ),
    ("ADE_AdjustPESweetspotStretch", [16, 18, False, ""], [16, 18, False]),
]


def widgets(name: str) -> list[str]:
    sockets = ("seed_override",)
    return [
        given
        for group in FACTS[name][:2]
        for given, _, default in group
        if default is not SOCKET and given not in sockets
    ]


@pytest.mark.skipif(NODE is None, reason="no Node.js is installed to run the page's code")
def test_each_value_finds_its_widget() -> None:
    cases = [[name, saved, widgets(name)] for name, saved, _ in SAVED]
    code = (
        f"import {{ corrected }} from {json.dumps((WEB / 'evolved_values.js').as_uri())};"
        f"const cases = {json.dumps(cases)};"
        "console.log(JSON.stringify(cases.map((c) => corrected(...c))));"
    )
    command = [str(NODE), "--input-type=module", "-e", code]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    for (name, saved, expected), given in zip(SAVED, json.loads(found.stdout), strict=True):
        assert given == expected, (name, saved)


def test_the_arrays_fit_the_widgets() -> None:
    for name, _, expected in SAVED:
        assert len(expected) == len(widgets(name)), name


def test_only_nodes_of_this_pack_are_changed() -> None:
    text = (WEB / "evolved_widgets.js").read_text(encoding="utf-8")
    assert 'const OURS = "AnimateDiff Kit/AnimateDiff-Evolved";' in text
    assert "if (nodeData.category !== OURS) return;" in text
