"""A weights file that is replaced, or goes, while the server runs or a prompt waits in a queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from adk_tests.integration.graphs import Run, refusal, run
from animatediff_kit.benchmarks.soaking.graph import ADAPTER, MOTION, Graph
from animatediff_kit.launcher.server import Server
from animatediff_kit.small_world.files import WEIGHTS
from safetensors.torch import load_file, save_file
from torch import Tensor

Place = Callable[[str, str], Path]
PAN = "small_world_pan_left.safetensors"


def animate(graph: Graph, name: str) -> None:
    graph.animate()
    graph.prompt[graph.model[0]]["inputs"]["motion_model"] = name


def animate_with_lora(graph: Graph, name: str) -> None:
    graph.animate(name)


def motion_of(graph: Graph, name: str) -> list[object]:
    return graph.link("ADK_LoadMotionModel", motion_model=name, family="automatic")


def applied(graph: Graph, motion: list[object]) -> None:
    graph.model = graph.link(
        "ADK_ApplyMotionModel",
        model=graph.model,
        motion_model=motion,
        strength=1.0,
        motion_scale=1.0,
        beta_schedule="automatic",
        start_percent=0.0,
        end_percent=1.0,
    )


def load_motion_model(graph: Graph, name: str) -> None:
    applied(graph, motion_of(graph, name))


def load_lora(graph: Graph, name: str) -> None:
    moved = dict(motion_model=motion_of(graph, MOTION), lora=name, strength=1.0)
    applied(graph, graph.link("ADK_LoadMotionLoRA", **moved))


def adapt(graph: Graph, name: str) -> None:
    graph.model = graph.link("ADK_DomainAdapter", model=graph.model, adapter=name, scale=1.0)


CASES = {
    # how a file is used -> ComfyUI's folder of it, the file that ships
    animate: ("animatediff_models", "motion_models", MOTION),
    animate_with_lora: ("animatediff_motion_lora", "motion_loras", PAN),
    load_motion_model: ("animatediff_models", "motion_models", MOTION),
    load_lora: ("animatediff_motion_lora", "motion_loras", PAN),
    adapt: ("loras", "loras", ADAPTER),
}


def other_weights(path: Path) -> dict[str, Tensor]:
    """Of the same layout; all that is a matrix is half as large."""
    return {k: t if t.ndim < 2 or "pe" in k else t * 0.5 for k, t in load_file(path).items()}


def graph_of(use: Callable[[Graph, str], None], name: str) -> tuple[Graph, str]:
    """A graph that uses the file, and its node that keeps the latents."""
    graph = Graph("replaced")
    use(graph, name)
    graph.keep(graph.sample(3, steps=1))
    return graph, str(len(graph.prompt))


def latent(server: Server, use: Callable[[Graph, str], None], name: str) -> Tensor:
    graph, keeper = graph_of(use, name)
    return run(server, graph).latent(keeper)  # pyright: ignore


@pytest.mark.parametrize("use", CASES, ids=lambda use: use.__name__)
def test_the_next_run_takes_the_new_file(
    server: Server, place: Place, use: Callable[[Graph, str], None]
) -> None:
    folder, shipped, file = CASES[use]
    path = place(folder, "replaced.safetensors")
    path.write_bytes((WEIGHTS / shipped / file).read_bytes())
    before = latent(server, use, path.name)
    new = other_weights(WEIGHTS / shipped / file)
    save_file(new, path)
    after = latent(server, use, path.name)
    other = place(folder, "another.safetensors")
    save_file(new, other)
    assert torch.equal(after, latent(server, use, other.name))
    assert not torch.equal(after, before)


def while_it_waits(server: Server, graph: Graph, change: Callable[[], object]) -> str:
    """The id of a prompt that is queued behind another; `change` is done before it begins."""
    busy = Graph("busy")
    busy.animate()
    busy.keep(busy.sample(8, steps=12))
    first = server.client.queue_prompt(busy.prompt)
    while [entry[1] for entry in server.client.get_json("/queue")["queue_running"]] != [first]:
        assert not server.client.get_json(f"/history/{first}"), "it was done too soon"
        time.sleep(0.01)
    waiting = server.client.queue_prompt(graph.prompt)
    change()
    running = server.client.get_json("/queue")
    assert [entry[1] for entry in running["queue_pending"]] == [waiting], "it had begun already"
    assert [entry[1] for entry in running["queue_running"]] == [first]
    while not server.client.get_json(f"/history/{waiting}"):
        time.sleep(0.05)
    return waiting


def test_a_file_that_is_replaced_in_the_queue(server: Server, place: Place) -> None:
    path = place("animatediff_models", "replaced.safetensors")
    path.write_bytes((WEIGHTS / "motion_models" / MOTION).read_bytes())
    before = latent(server, load_motion_model, path.name)
    new = place("animatediff_models", "new.safetensors")
    save_file(other_weights(path), new)
    expected = latent(server, load_motion_model, new.name)
    graph, keeper = graph_of(load_motion_model, path.name)
    prompt = while_it_waits(server, graph, lambda: new.replace(path))
    after = Run(server, prompt, []).latent(keeper)
    assert torch.equal(after, expected) and not torch.equal(after, before)


def test_a_file_that_goes_in_the_queue(server: Server, place: Place) -> None:
    path = place("animatediff_models", "going.safetensors")
    path.write_bytes((WEIGHTS / "motion_models" / MOTION).read_bytes())
    graph, keeper = graph_of(load_motion_model, path.name)
    expected = latent(server, load_motion_model, MOTION)
    prompt = while_it_waits(server, graph, path.unlink)
    status = server.client.history(prompt)["status"]
    said = [about for kind, about in status["messages"] if kind == "execution_error"]
    assert [about["exception_type"] for about in said] == ["ValueError"]
    assert "going.safetensors" in said[0]["exception_message"]
    assert "going.safetensors" in refusal(server, graph)  # pyright: ignore
    assert torch.equal(latent(server, load_motion_model, MOTION), expected)
