"""`train.py` beside the queue of the real server: a run that ends, one that is stopped and kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from adk_tests.integration.graphs import Graph, fails, run
from adk_tests.integration.test_training_panel import RUNS, got, posted
from adk_tests.stand_in import files as stand_in
from adk_tests.support.videos import write_captioned
from animatediff_kit.launcher.server import Server
from safetensors import safe_open

PATIENCE = 600
TOML = """
[model]
checkpoint = "../models/checkpoints/{checkpoint}"
motion_model = "../models/animatediff_models/{motion}"
[clips]
source = "outside"
cache = "../output/animatediff_kit_cache/outside"
frames = 2
stride = 2
width = 64
height = 64
[stage]
name = "motion_lora"
rank = 2
[training]
steps = {steps}
learning_rate = 1e-3
preview_every = 2
[output]
folder = "../output/animatediff_kit_training/{name}"
name = "{name}"
"""


@pytest.fixture
def written(server: Server) -> Iterator[Callable[[str, int], str]]:
    """Writes the TOML file of a run.   -> its path in the input folder"""
    files = server.base / "input"
    write_captioned(files / "outside" / "car.mp4", 3, "a red car")

    def write(name: str, steps: int) -> str:
        models = {"checkpoint": stand_in.CHECKPOINT, "motion": stand_in.MOTION_MODEL}
        text = TOML.format(name=name, steps=steps, **models)
        (files / f"{name}.toml").write_text(text, encoding="utf-8")
        return f"{name}.toml"

    yield write


def state_of(server: Server, file: str, **inputs: Any) -> str:
    """What the node says."""
    done = run(server, graph := graph_of(file, **inputs))
    assert set(graph.prompt) <= done.executed(), "each execution looks anew"
    return server.client.history(done.prompt_id)["outputs"]["1"]["text"][0]


def graph_of(file: str, **inputs: Any) -> Graph:
    graph = Graph()
    graph.add("ADK_StartTraining", **{"file": file, "resume": False, "action": "start", **inputs})
    return graph


def waited(server: Server, name: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The run as the training panel is told of it, once it is so."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        known = json.loads(got(server, f"{RUNS}/{name}"))
        if is_so(known):
            return known
        time.sleep(0.5)
    raise AssertionError(known)


def process_of(folder: Path) -> str:
    return json.loads((folder / "started.json").read_text(encoding="utf-8"))["process"]


def test_a_run_beside_the_queue_ends_with_its_file(
    server: Server, written: Callable[[str, int], str]
) -> None:
    file, folder = written("beside", 3), server.base / "output/animatediff_kit_training/beside"
    assert state_of(server, file) == "beside: step 0 of 3, loading models and encoding clips"
    first = process_of(folder)
    assert state_of(server, file).startswith("beside: step ")
    assert process_of(folder) == first, "no second process"
    (listed,) = [one for one in json.loads(got(server, RUNS)) if one["run"] == "beside"]
    assert listed["state"] == "running" and listed["steps"] == 3
    told = waited(server, "beside", lambda known: known["state"] != "running")
    assert (told["state"], told["step"], told["error"]) == ("finished", 3, "")
    assert told["curve"]["steps"] == [1, 2, 3] and told["previews"] == [2]
    with safe_open(folder / "beside.safetensors", "pt") as weights:
        assert weights.metadata()["steps"] == "3"
    assert state_of(server, file) == "beside: step 3 of 3, finished, beside.safetensors"
    assert process_of(folder) == first, "what is finished is not started again"


def test_a_run_beside_the_queue_is_stopped_and_kept(
    server: Server, written: Callable[[str, int], str]
) -> None:
    """By the node; then resumed, and stopped by the panel."""
    file, folder = written("long", 100_000), server.base / "output/animatediff_kit_training/long"
    state_of(server, file)
    waited(server, "long", lambda known: known["step"] >= 2)
    other = graph_of(written("other", 2))
    words = r"The run long works in a process of its own\. Wait until it has ended, or end it in "
    fails(server, other, "ADK_StartTraining", words + r"the training panel\.")
    state_of(server, file, action="stop and keep")
    told = waited(server, "long", lambda known: known["state"] != "running")
    assert told["state"] == "kept" and told["file"] == "long.safetensors"
    assert (folder / "long.safetensors").is_file()

    assert state_of(server, file, resume=True).startswith(f"long: step {told['step']} of 100000")
    waited(server, "long", lambda known: known["step"] > told["step"] + 1)
    assert posted(server, f"{RUNS}/long/keep") == {"run": "long"}
    again = waited(server, "long", lambda known: known["state"] != "running")
    assert again["state"] == "kept" and again["file"] == "long_2.safetensors"
    assert again["curve"]["steps"][-1] == again["step"] > told["step"]
