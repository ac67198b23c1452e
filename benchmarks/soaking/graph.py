"""Graphs in the API format over the small world's models, built node by node."""

from __future__ import annotations

from typing import Any

Link = list[Any]

MOTION = "small_world_motion.safetensors"
ADAPTER, NEON = "small_world_adapter.safetensors", "small_world_neon.safetensors"
SETTINGS: dict[str, Any] = dict(
    batch_size=1,
    learning_rate=1e-3,
    optimizer="adamw",
    precision="automatic",
    gradient_checkpointing=False,
    gradient_accumulation=1,
    warmup=0,
    ema=0.0,
    seed=3,
    save_every=2,
    schedule="constant",
    caption_dropout=0.1,
    snr_gamma=0.0,
    noise_offset=0.0,
    debias=0.0,
    min_timestep=0,
    max_timestep=1000,
)
TRAINED = {
    # node -> (output with the file's name, folder below models/)
    "ADK_TrainDomainAdapter": (0, "loras"),
    "ADK_TrainMotionModule": (1, "animatediff_models"),
    "ADK_TrainMotionLoRA": (1, "animatediff_motion_lora"),
}


class Graph:
    """A graph with the small world's models and two prompts. `name`: what files of this run, which
    no other may meet, are called."""

    def __init__(self, name: str, image_model: str = "base", text: str = "a red star") -> None:
        self.name = name
        self.prompt: dict[str, dict[str, Any]] = {}
        models = self.add("ADK_SmallWorldModels", image_model=image_model)
        self.model, self.clip, self.vae = ([models, slot] for slot in range(3))
        self.positive = self.link("CLIPTextEncode", clip=self.clip, text=text)
        self.negative = self.link("CLIPTextEncode", clip=self.clip, text="")

    def add(self, kind: str, **inputs: Any) -> str:
        key = str(len(self.prompt) + 1)
        self.prompt[key] = {"class_type": kind, "inputs": inputs}
        return key

    def link(self, kind: str, **inputs: Any) -> Link:
        return [self.add(kind, **inputs), 0]

    def animate(self, lora: str = "none", length: int = 0, overlap: int = 4) -> None:
        self.model = self.link(
            "ADK_Animate",
            model=self.model,
            motion_model=MOTION,
            motion_lora=lora,
            lora_strength=1.0,
            motion_scale=1.0,
            context_length=length,
            context_overlap=overlap,
            beta_schedule="automatic",
        )

    def windows(self, schedule: str, length: int = 8, overlap: int = 2, loop: bool = False) -> None:
        self.model = self.link(
            "ADK_ContextWindows",
            model=self.model,
            length=length,
            overlap=overlap,
            stride=1,
            schedule=schedule,
            fuse="pyramid",
            closed_loop=loop,
        )

    def sample(self, frames: int, size: int = 32, steps: int = 1, cfg: float = 1.0) -> Link:
        return self.link(
            "KSampler",
            model=self.model,
            positive=self.positive,
            negative=self.negative,
            latent_image=self.empty(frames, size),
            seed=7,
            steps=steps,
            cfg=cfg,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        )

    def empty(self, frames: int, size: int = 32) -> Link:
        return self.link("EmptyLatentImage", width=size, height=size, batch_size=frames)

    def keep(self, samples: Link) -> None:
        self.add("SaveLatent", samples=samples, filename_prefix=f"soak/{self.name}")

    def decoded(self, samples: Link) -> Link:
        return self.link("VAEDecode", samples=samples, vae=self.vae)

    def encoded(self, frames: int) -> Link:
        """Two noisy stills that the camera zooms into, encoded anew for this run."""
        stills = self.link("EmptyImage", width=96, height=96, batch_size=2, color=0x3366CC)
        noisy = self.link("ImageAddNoise", image=stills, seed=4, strength=0.5)
        clips = self.link(
            "ADK_CameraMove",
            clips=noisy,
            move="zoom in",
            amount=1.0,
            caption="a blue wall",
            frames=frames,
            width=64,
            height=64,
            seed=0,
        )
        folder = f"soak_{self.name}"
        cache = dict(clips=clips, vae=self.vae, clip=self.clip, cache_folder=folder)
        return self.link("ADK_EncodeClips", **cache)

    def train(self, kind: str, steps: int, preview_every: int = 0) -> None:
        inputs: dict[str, Any] = dict(model=self.model, clips=self.encoded(2), resume="")
        settings = dict(steps=steps, preview_every=preview_every, **SETTINGS)
        inputs["settings"] = self.link("ADK_TrainingSettings", **settings)
        if kind != "ADK_TrainDomainAdapter":
            loader = dict(motion_model=MOTION, family="automatic")
            inputs["motion_model"] = self.link("ADK_LoadMotionModel", **loader)
            inputs["spelling"] = "official"
        inputs.update({"family": "v3"} if kind == "ADK_TrainMotionModule" else {"rank": 4})
        self.add(kind, name=f"soak_{self.name}", **inputs)
