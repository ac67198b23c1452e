"""The kinds of prompts of a soak; each gives the same whenever it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .graph import ADAPTER, NEON, TRAINED, Graph


def plain(name: str) -> Graph:
    graph = Graph(name)
    graph.animate()
    graph.keep(graph.sample(6, size=64, steps=2, cfg=4.0))
    return graph


def outlined(name: str) -> Graph:
    graph = Graph(name, "outlined", "a blue square")
    graph.animate("small_world_zoom_in.safetensors")
    graph.keep(graph.sample(9))
    return graph


def larger(name: str) -> Graph:
    graph = Graph(name, "neon")
    graph.animate("small_world_pan_left.safetensors")
    graph.keep(graph.sample(4, size=96))
    return graph


def in_windows(name: str) -> Graph:
    graph = Graph(name)
    graph.animate(length=8, overlap=3)
    graph.keep(graph.sample(12, steps=2, cfg=4.0))
    return graph


def looped(name: str) -> Graph:
    graph = Graph(name, "outlined")
    graph.animate("small_world_roll_clockwise.safetensors")
    graph.windows("looped_uniform", loop=True)
    graph.keep(graph.sample(12))
    return graph


def in_views(name: str) -> Graph:
    graph = Graph(name)
    graph.animate()
    graph.windows("views")
    graph.keep(graph.sample(14, cfg=4.0))
    return graph


def adapted(name: str) -> Graph:
    graph = Graph(name)
    inputs = dict(model=graph.model, adapter=ADAPTER, scale=0.8)
    graph.model = graph.link("ADK_DomainAdapter", **inputs)
    lora = dict(lora_name=NEON, strength_model=0.7)
    graph.model = graph.link("LoraLoaderModelOnly", model=graph.model, **lora)
    graph.animate()
    graph.keep(graph.sample(6))
    return graph


def travelling(name: str) -> Graph:
    graph = Graph(name)
    graph.animate(length=8, overlap=2)
    graph.positive = graph.link(
        "ADK_PromptTravel",
        clip=graph.clip,
        prompts="0: a red star\n10: a blue square",
        frames=12,
        before="",
        after="",
        interpolation="linear",
    )
    graph.keep(graph.sample(12))
    return graph


def free_init(name: str) -> Graph:
    """FreeInit's sampler over FreeNoise's noise."""
    graph = Graph(name)
    graph.animate(length=8, overlap=2)
    latent = graph.empty(12)
    noise = graph.link("ADK_FreeNoise", latent=latent, seed=5, length=8, overlap=2)
    euler = graph.link("KSamplerSelect", sampler_name="euler")
    refined = dict(iterations=2, filter="butterworth")
    sampler = graph.link("ADK_FreeInit", sampler=euler, **refined)
    steps = dict(scheduler="normal", steps=2, denoise=1.0)
    sigmas = graph.link("BasicScheduler", model=graph.model, **steps)
    conds = dict(positive=graph.positive, negative=graph.negative)
    guider = graph.link("CFGGuider", model=graph.model, cfg=4.0, **conds)
    inputs = dict(noise=noise, guider=guider, sampler=sampler, sigmas=sigmas, latent_image=latent)
    graph.keep(graph.link("SamplerCustomAdvanced", **inputs))
    return graph


def measured(name: str) -> Graph:
    graph = Graph(name)
    graph.animate("small_world_pan_right.safetensors", length=8, overlap=2)
    frames = graph.decoded(graph.sample(10, size=64))
    measures = graph.add("ADK_MeasureMotion", images=frames, window_length=8, window_overlap=2)
    graph.add("PreviewAny", source=[measures, 1])
    return graph


def trains(kind: str, steps: int, preview_every: int = 0) -> Callable[[str], Graph]:
    def make(name: str) -> Graph:
        graph = Graph(name)
        graph.train(kind, steps, preview_every)
        return graph

    return make


def no_step_forward(name: str) -> Graph:
    graph = Graph(name)
    graph.animate(length=8, overlap=8)
    graph.keep(graph.sample(9))
    return graph


def no_such_file(name: str) -> Graph:
    graph = Graph(name)
    graph.animate("nowhere.safetensors")
    graph.keep(graph.sample(4))
    return graph


def too_many_frames(name: str) -> Graph:
    graph = Graph(name)
    graph.animate()
    graph.keep(graph.sample(80))
    return graph


def bad_prompts(name: str) -> Graph:
    graph = travelling(name)
    graph.prompt[graph.positive[0]]["inputs"]["prompts"] = "0: a red star\n4: one\n4: two"
    return graph


def nothing_to_resume(name: str) -> Graph:
    graph = trains("ADK_TrainMotionLoRA", 3)(name)
    trainer = next(node for node in graph.prompt.values() if node["class_type"] in TRAINED)
    trainer["inputs"]["resume"] = "nowhere"
    return graph


@dataclass(frozen=True)
class Kind:
    """A kind of prompt. refused: what the server must say of one that is bad."""

    make: Callable[[str], Graph]
    refused: str = ""


KINDS: dict[str, Kind] = {
    "plain": Kind(plain),
    "MotionLoRA, outlined": Kind(outlined),
    "96 pixels, neon": Kind(larger),
    "windows": Kind(in_windows),
    "closed loop": Kind(looped),
    "views": Kind(in_views),
    "adapter and LoRA": Kind(adapted),
    "prompt travel": Kind(travelling),
    "FreeInit, FreeNoise": Kind(free_init),
    "Measure Motion": Kind(measured),
    "train adapter, 3 steps": Kind(trains("ADK_TrainDomainAdapter", 3)),
    "train module, 5 steps": Kind(trains("ADK_TrainMotionModule", 5, 4)),
    "train MotionLoRA, 10 steps": Kind(trains("ADK_TrainMotionLoRA", 10)),
    "bad overlap": Kind(no_step_forward, "leaves windows of 8 no step forward"),
    "bad file": Kind(no_such_file, "nowhere.safetensors"),
    "bad length": Kind(too_many_frames, "80 frames exceed the"),
    "bad prompts": Kind(bad_prompts, "frame 4 has a prompt already"),
    "bad resume": Kind(nothing_to_resume, "There is no run 'nowhere' with a checkpoint"),
}
GOOD = [name for name, kind in KINDS.items() if not kind.refused]
BAD = [name for name, kind in KINDS.items() if kind.refused]
