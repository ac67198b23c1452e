"""The models that ship with the pack."""

from __future__ import annotations

from comfy_api.latest import io

from ..small_world.files import BASE, IMAGE_MODELS, load
from .schema import CATEGORY, schema


class SmallWorldModels(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="ADK_SmallWorldModels",
            display_name="Load Small World Models",
            category=CATEGORY,
            description="Loads the text-to-image models that ship with the pack: Stable Diffusion "
            "1.5 at a size of a few megabytes, trained on coloured shapes. They draw 64x64 pixels "
            "in seconds on a CPU, and animate like any SD1.5 model.",
            search_aliases=["small world", "tiny model", "test model", "checkpoint loader"],
            inputs=[
                io.Combo.Input(
                    "image_model",
                    options=list(IMAGE_MODELS),
                    default=BASE,
                    tooltip="base: filled shapes on plain, gradient and checkered grounds. "
                    "outlined: the base trained on with pictures of outlines. neon: the base with "
                    "a LoRA of glowing colours on dark grounds.",
                )
            ],
            outputs=[
                io.Model.Output(
                    "loaded_model",
                    display_name="model",
                    tooltip="A model for 64x64 pixels: for Animate Model or a sampler.",
                ),
                io.Clip.Output(
                    "text_encoder",
                    display_name="clip",
                    tooltip="For CLIP Text Encode or Prompt Travel.",
                ),
                io.Vae.Output(
                    "autoencoder", display_name="vae", tooltip="For VAE Decode and Encode Clips."
                ),
            ],
        )

    @classmethod
    def execute(cls, image_model: str = BASE) -> io.NodeOutput:
        return io.NodeOutput(*load(image_model))
