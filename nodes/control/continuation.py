"""An animation that goes on."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...sampling.continuation import continue_latent, join_continuation
from ..schema import CATEGORY, schema


class Continue(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_Continue",
            display_name="Continue Animation",
            category=f"{CATEGORY}/control",
            description="Goes on from the last frames of an animation or a video: they stand at "
            "the start of a new clip and stay as they are while the rest is sampled; blended ones "
            "pass over into it.",
            search_aliases=["extend video", "continue animation", "longer video", "last frame"],
            inputs=[
                io.Latent.Input(
                    "latent",
                    tooltip="The animation so far: a sampler's latent, a joined one, or a video "
                    "from VAE Encode.",
                ),
                io.Int.Input(
                    "kept",
                    default=4,
                    min=1,
                    max=1024,
                    tooltip="How many of its last frames the new clip begins with. More carry the "
                    "motion on more surely; fewer leave more room for new frames.",
                ),
                io.Int.Input(
                    "frames",
                    default=12,
                    min=1,
                    max=100_000,
                    tooltip="New frames. Kept and new ones together are best 16, or use context "
                    "windows.",
                ),
                io.Int.Input(
                    "blended",
                    default=0,
                    min=0,
                    max=1023,
                    optional=True,
                    tooltip="How many of the kept frames, the last ones, pass over into the new "
                    "clip, so that the motion does not change at once. Where the joint shows, keep "
                    "8 and blend 7. 0: all kept frames stay as they are.",
                ),
            ],
            outputs=[
                io.Latent.Output(
                    "continued",
                    display_name="latent",
                    tooltip="For a sampler at denoise 1, with the seed of the clip before.",
                ),
                io.Int.Output(
                    "length",
                    display_name="frames",
                    tooltip="Kept and new frames together: the number that Prompt Travel needs.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, latent: Any, kept: int = 4, frames: int = 12, blended: int = 0
    ) -> io.NodeOutput:
        return io.NodeOutput(continue_latent(latent, kept, frames, blended), kept + frames)


class JoinContinuation(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_JoinContinuation",
            display_name="Join Continuation",
            category=f"{CATEGORY}/control",
            description="Puts an animation and its sampled continuation together, every frame "
            "once. The result can be continued again.",
            search_aliases=["join latents", "concatenate video", "extend video"],
            inputs=[
                io.Latent.Input(
                    "before", tooltip="The animation that Continue Animation went on from."
                ),
                io.Latent.Input(
                    "continued", tooltip="What the sampler made of Continue Animation's latent."
                ),
            ],
            outputs=[
                io.Latent.Output(
                    "latent",
                    display_name="latent",
                    tooltip="The whole video: for VAE Decode, or for Continue Animation once more.",
                )
            ],
        )

    @classmethod
    def execute(cls, before: Any, continued: Any) -> io.NodeOutput:
        return io.NodeOutput(join_continuation(before, continued))
