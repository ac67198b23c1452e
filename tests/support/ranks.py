"""A second rank: a process that samples what it is told to, beside the one that runs the tests.

    python tests/support/ranks.py        with torchrun's variables in the environment

It reads a name of JOBS a line, samples it, and writes what came of it, as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def enter() -> None:
    """ComfyUI and the pack on the path, where this file is a process of its own."""
    sys.path.insert(0, str(ROOT / "standalone"))
    from enter_comfyui import enter_comfyui, register_package

    enter_comfyui(cpu=True)
    register_package("adk_tests", ROOT / "tests")
    import torch

    torch.set_num_threads(1)


def jobs() -> dict[str, Callable[[], Any]]:
    """Videos in windows, by name; each call samples one.   -> f 4 8 8"""
    from adk_tests.support import tiny, windowed
    from animatediff_kit.motion_models.inject import apply_motion_model
    from animatediff_kit.sampling.windows import SCHEDULES
    from comfy.controlnet import ControlNet

    model = apply_motion_model(tiny.image_model(), tiny.motion_patcher("v2"))

    def sampled(
        schedule: str = "standard_static", lora: int = 0, wrapper: Any = None, **call: Any
    ) -> Any:
        moved = model
        if lora:
            from comfy.lora import model_lora_keys_unet

            key = sorted(model_lora_keys_unet(model.model, {}).values())[10]
            weight = model.model_state_dict()[key]
            moved = model.clone()
            change = tiny.randomise({key: weight}, lora)[key]
            moved.add_patches({key: ("diff", (change,))}, 0.5)
        given = windowed.windowed(moved, schedule=schedule, stride=2)
        if wrapper is not None:
            given.set_model_unet_function_wrapper(wrapper)
        return tiny.sample(given, 9, **call)

    def controlled() -> Any:
        control = ControlNet.set_cond_hint(
            windowed.control_net(), windowed.random(9, 3, 64, 64), 0.8
        )
        return sampled(positive=windowed.with_entries(tiny.prompt(11), control=control))

    def wrapped(wrapper: Callable[..., Any]) -> Any:
        """A video whose UNet is called by `wrapper`."""
        given = windowed.windowed(model)
        given.set_model_unet_function_wrapper(wrapper)
        return tiny.sample(given, 9)

    def slow(call: Callable[..., Any], told: dict[str, Any]) -> Any:
        """A device that takes longer for a window than the others wait for one that is silent."""
        time.sleep(1.2 * float(os.environ["ADK_RANK_TIMEOUT"]))
        return call(told["input"], told["timestep"], **told["c"])

    def broken(*_: Any) -> Any:
        raise ValueError("the card fell out")

    return {
        **{f"schedule {name}": (lambda name=name: sampled(name)) for name in SCHEDULES},
        "guidance 1": lambda: sampled(cfg=1.0),
        "lora": lambda: sampled(lora=3),
        "controlnet": controlled,
        "prompt travel": lambda: sampled(positive=windowed.frame_prompts(31, 9)),
        "ancestral": lambda: sampled(sampler_name="euler_ancestral", steps=3),
        "another seed": lambda: sampled(seed=2),
        "slow lora": lambda: sampled(lora=3, wrapper=slow),
        "die": lambda: wrapped(lambda *_: os._exit(3)),
        "hang": lambda: wrapped(lambda *_: os.kill(os.getpid(), signal.SIGSTOP)),
        "fail": lambda: wrapped(broken),
    }


class OtherRank:
    """A process that is rank 1 of 2."""

    def __init__(self, port: int, timeout: int) -> None:
        told = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
        told |= {"MASTER_PORT": str(port), "ADK_RANK_TIMEOUT": str(timeout)}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **told},
        )

    def begin(self, job: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(job + "\n")
        self.process.stdin.flush()

    def told(self) -> dict[str, Any]:
        """What came of the last job."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def tell(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    enter()
    from animatediff_kit.lockstep.ranks import Ranks
    from animatediff_kit.lockstep.settings import settings_of
    from animatediff_kit.sampling.crew import set_crew

    settings = settings_of(os.environ)
    assert settings is not None
    set_crew(Ranks(settings))
    known = jobs()
    tell({"ready": True})
    for line in sys.stdin:
        try:
            told: dict[str, Any] = {"sum": float(known[line.strip()]().double().sum())}
        except Exception as error:
            told = {"error": str(error), "kind": type(error).__name__}
        tell(told)


if __name__ == "__main__":
    main()
