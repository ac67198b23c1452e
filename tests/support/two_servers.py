"""Two servers that are the ranks of one another, and small prompts of a long animation for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.launcher import comfyui, workflow
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.serve import Options, variables
from animatediff_kit.launcher.server import Server, free_port
from animatediff_kit.lockstep.settings import Settings
from animatediff_kit.lockstep.store import Store

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "example_workflows" / "04-Small-world-long-animation.json"
SMALL = {"EmptyLatentImage": {"batch_size": 24}, "BasicScheduler": {"steps": 2}}
NOISE, SAMPLER, DECODER = "6", "10", "11"
VIDEO = ("14", "15")
TIMEOUT = 30
Prompt = dict[str, dict[str, Any]]


class TwoServers:
    """Both ranks, running."""

    def __init__(self, servers: tuple[Server, Server], port: int) -> None:
        self.servers = self.first, self.second = servers
        self.store = Store(Settings(1, 2, "127.0.0.1", port, False, TIMEOUT))

    def sampled_together(self) -> list[int]:
        """How many videos each rank has sampled with the other."""
        logs = (each.log.read_text(encoding="utf-8", errors="replace") for each in self.servers)
        return [log.count("AnimateDiff Kit: sampled on 2 ranks in ") for log in logs]


@contextmanager
def two_servers(comfy: ComfyUI, folder: Path) -> Iterator[TwoServers]:
    """Started side by side; each keeps the results of the last graph alone."""
    port = free_port()
    made: dict[int, Server] = {}

    def start(rank: int) -> None:
        base = comfyui.prepare_base(folder / str(rank), ROOT)
        made[rank] = Server(comfy, base, base / "comfyui.log", ("--cache-classic",))

    with pytest.MonkeyPatch.context() as environment, ExitStack() as stack:
        environment.setenv("ADK_RANK_TIMEOUT", str(TIMEOUT))
        threads = []
        for rank in (0, 1):
            for name, value in variables(Options(2, rank, f"127.0.0.1:{port}")).items():
                environment.setenv(name, value)
            threads.append(threading.Thread(target=start, args=(rank,)))
            threads[-1].start()
            log = folder / str(rank) / "comfyui.log"
            while threads[-1].is_alive() and not log.is_file():
                threads[-1].join(0.01)  # then it has read the variables
        for thread in threads:
            thread.join()
        for server in made.values():
            stack.enter_context(server)
        yield TwoServers((made[0], made[1]), port)
        for server in made.values():
            comfyui.unlink(server.base / "custom_nodes" / comfyui.PACK_NAME)


def animation(server: Server, seed: int, steps: int = 2) -> Prompt:
    """The template, made short, without its second file."""
    prompt = workflow.to_prompt(workflow.load(TEMPLATE), server.client.object_info())
    for node in prompt.values():
        node["inputs"] |= SMALL.get(node["class_type"], {})
        if node["class_type"] == "BasicScheduler":
            node["inputs"]["steps"] = steps
    prompt[NOISE]["inputs"]["seed"] = seed
    return {key: node for key, node in prompt.items() if key not in VIDEO}


def beside(prompt: Prompt, name: str, seed: int) -> Prompt:
    """A second sampler and all behind it, as nodes of their own."""
    own = (NOISE, SAMPLER, DECODER, "12", "13")

    def moved(value: Any) -> Any:
        return [name + value[0], value[1]] if isinstance(value, list) and value[0] in own else value

    added = {
        name + key: {**node, "inputs": {k: moved(v) for k, v in node["inputs"].items()}}
        for key, node in prompt.items()
        if key in own
    }
    added[name + NOISE]["inputs"]["seed"] = seed
    return prompt | added


def behind(prompt: Prompt, steps: int) -> Prompt:
    """A second sampler that goes on with what the first gives."""
    schedule = prompt["9"]
    inputs = prompt[SAMPLER]["inputs"] | {"latent_image": [SAMPLER, 0], "sigmas": ["late 9", 0]}
    added = {
        "late 9": {**schedule, "inputs": schedule["inputs"] | {"steps": steps, "denoise": 0.5}},
        "late 10": {**prompt[SAMPLER], "inputs": inputs},
    }
    decoder = prompt[DECODER]
    decoder = {**decoder, "inputs": decoder["inputs"] | {"samples": ["late 10", 0]}}
    return prompt | added | {DECODER: decoder}


def forget(server: Server) -> None:
    """Have a server's cache hold another graph."""
    list(
        server.client.run(
            {
                "1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}},
                "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
            }
        )
    )


def rendered(server: Server, prompt: Prompt) -> dict[str, bytes]:
    """The animations of a prompt, by the node that saves them."""
    (prompt_id,) = [
        event.data["prompt_id"] for event in server.client.run(prompt) if event.kind == "queued"
    ]
    made = {}
    for file in server.client.outputs(prompt_id):
        with server.client.opened(file) as content:
            made[file.node] = content.read()
    return made


def until(happened: Callable[[], Any], seconds: float = 60) -> Any:
    """What `happened` gives, once it gives something."""
    began = time.monotonic()
    while not (found := happened()):
        assert time.monotonic() - began < seconds, "it did not happen"
        time.sleep(0.05)
    return found
