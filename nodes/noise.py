"""Noise that suits long videos."""

from __future__ import annotations

import logging
from typing import Any

from comfy_api.latest import io

from ..sampling.frames import samples_of
from ..sampling.free_init import COMPLEMENT, FILTERS, HIGH_PASSES, FreeInitSampler
from ..sampling.free_noise import FreeNoise
from ..sampling.windows import WindowSettings
from .inputs import length_input, overlap_input, seed_input
from .schema import CATEGORY, advanced, schema

log = logging.getLogger(__name__)


class FreeNoiseNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_FreeNoise",
            display_name="Repeat Noise (FreeNoise)",
            category=f"{CATEGORY}/noise",
            description="FreeNoise: noise that repeats over the context windows, so that long "
            "videos keep their look. For SamplerCustomAdvanced.",
            search_aliases=["freenoise", "free noise", "sample settings", "repeated context"],
            inputs=[
                io.Latent.Input(
                    "latent", tooltip="The latent that will be sampled; its batch is the frames."
                ),
                seed_input("Seed of the noise."),
                length_input(
                    "The length of the context windows: noise repeats after so many frames."
                ),
                overlap_input("The overlap of the context windows."),
            ],
            outputs=[
                io.Noise.Output(
                    "noise", display_name="noise", tooltip="For noise of SamplerCustomAdvanced."
                )
            ],
        )

    @classmethod
    def execute(
        cls, latent: Any, seed: int = 0, length: int = 16, overlap: int = 4
    ) -> io.NodeOutput:
        WindowSettings(length, overlap).check()
        frames = len(samples_of(latent))
        if frames <= length:
            log.warning(
                "FreeNoise has nothing to repeat: %d frames fit into one window of %d.",
                frames,
                length,
            )
        return io.NodeOutput(FreeNoise(seed, length, overlap))


class FreeInitNode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_FreeInit",
            display_name="Refine Initial Noise (FreeInit)",
            category=f"{CATEGORY}/noise",
            description="FreeInit: samples several times, each time from noise that keeps the low "
            "frequencies of the last result. Less flicker, for the time of all iterations. For "
            "SamplerCustomAdvanced.",
            search_aliases=["freeinit", "free init", "iteration options"],
            inputs=[
                io.Sampler.Input("sampler", tooltip="The sampler to run, from KSamplerSelect."),
                io.Int.Input(
                    "iterations",
                    default=3,
                    min=1,
                    max=20,
                    tooltip="How many times the whole sampling runs. 3 to 5 in the paper; 1 "
                    "changes nothing.",
                ),
                advanced(
                    io.Combo.Input,
                    "filter",
                    options=list(FILTERS),
                    default="butterworth",
                    tooltip="Which frequencies are kept: a soft edge, a bell, or a hard edge.",
                ),
                advanced(
                    io.Combo.Input,
                    "high_frequencies",
                    options=list(HIGH_PASSES),
                    default=COMPLEMENT,
                    optional=True,
                    tooltip="How much fresh noise is taken where the filter keeps a part. "
                    "complement: the rest, as in the paper, which is weaker than noise there. "
                    "constant variance: so much that it is as strong as noise everywhere.",
                ),
            ],
            outputs=[
                io.Sampler.Output(
                    "refining_sampler",
                    display_name="sampler",
                    tooltip="For sampler of SamplerCustomAdvanced.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        sampler: Any,
        iterations: int = 3,
        filter: str = "butterworth",
        high_frequencies: str = COMPLEMENT,
    ) -> io.NodeOutput:
        return io.NodeOutput(FreeInitSampler(sampler, iterations, filter, high_frequencies))
