"""Parts that templates share: where models come from, prompts, the sampler, the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .kinds import Info
from .layout import Group, Lane
from .page import GREEN, RED, Look, Node, Output, Page

SD15 = "v1-5-pruned-emaonly-fp16.safetensors"
SDXL = "sd_xl_base_1.0.safetensors"
V2, V3 = "mm_sd15_v2.safetensors", "mm_sd15_v3.safetensors"
SMALL_MOTION = "small_world_motion.safetensors"
SCENE = "a lighthouse on a cliff, waves, evening light, best quality"
NEGATIVE = "blurry, low quality, watermark, text"
FPS = 8.0
PICTURE = 340  # pixels that a result is shown at

FOR, AGAINST = Look(room=30, color=GREEN), Look(color=RED)
WIDE, SHOWN = Look(wide=PICTURE), Look(room=PICTURE, wide=PICTURE)

SMALL = "**Nothing to download:** the models of this graph ship with the pack.\n\n"
WORDS = """Words that the small world knows:
- colours: red, green, blue, yellow, purple, orange
- shapes: circle, square, triangle, star, cross
- motions: moving left, right, up, down, going round, growing, bouncing
- grounds: black, gray, white, teal, pink; plain, gradient or checkered"""

TRY = """

Try *outlined* or *neon* as image_model, and a camera move as motion_lora.

For real pictures, put a Stable Diffusion 1.5 model and its motion model in their place."""
LINKS = """**Missing models?** The page offers them when this graph opens; the pack's README has a \
table with their links and folders.

"""

Conds = Sequence[Node | Output]


@dataclass
class Sheet:
    """A page with the outputs that most of its nodes ask for."""

    page: Page
    loader: Node
    clip: Output
    vae: Output
    small: bool

    @property
    def model(self) -> Output:
        return self.loader.out(0)

    def animate(self, model: Output | None = None, **more: Any) -> Node:
        """The node that does it all in one."""
        values = {"motion_model": SMALL_MOTION if self.small else V3, **more}
        return self.page.add("ADK_Animate", model=model or self.model, **values)

    def prompts(self, text: str) -> list[Node]:
        """Positive and negative, green and red."""
        return [self.prompt(text), self.negative()]

    def prompt(self, text: str, title: str = "Prompt") -> Node:
        return self.page.add("CLIPTextEncode", title, look=FOR, clip=self.clip, text=text)

    def negative(self) -> Node:
        text = "" if self.small else NEGATIVE
        given = {"clip": self.clip, "text": text}
        return self.page.add("CLIPTextEncode", "Negative prompt", look=AGAINST, **given)

    def latent(self, frames: int, size: int | None = None) -> Node:
        side = size or (64 if self.small else 512)
        title = "Size, and frames as batch_size"
        return self.page.add("EmptyLatentImage", title, width=side, height=side, batch_size=frames)

    def sampled(self, model: Output, prompts: Conds, latent: Output, **more: Any) -> Node:
        """The sampler; `prompts`: the nodes of the positive and the negative one, or outputs."""
        positive, negative = (
            given.out() if isinstance(given, Node) else given for given in prompts
        )
        values: dict[str, Any] = {
            "steps": 20 if self.small else 25,
            "cfg": 6.0 if self.small else 7.5,
            "sampler_name": "euler",
            "scheduler": "normal",
            "seed": 1,
            **more,
        }
        sources = {"positive": positive, "negative": negative, "latent_image": latent}
        return self.page.add("KSampler", model=model, **sources, **values)

    def decoded(self, samples: Output, vae: Output | None = None) -> Node:
        return self.page.add("VAEDecode", samples=samples, vae=vae or self.vae)

    def shown(self, samples: Output) -> tuple[list[Node], Output]:
        """Nodes that turn a latent into pictures to look at, and these pictures."""
        decoded = self.decoded(samples)
        if not self.small:
            return [decoded], decoded.out()
        larger = self.enlarged(decoded.out())
        return [decoded, larger], larger.out()

    def enlarged(self, images: Output, factor: float = 6.0) -> Node:
        values = {"upscale_method": "nearest-exact", "scale_by": factor}
        return self.page.add("ImageScaleBy", "Enlarge the 64x64 pixels", image=images, **values)

    def results(self, images: Output, name: str, **video: Any) -> Lane:
        """An animated picture and a video, each with room for its picture. `video`: what the video
        has besides, its `fps` and `audio`."""
        rate = video.get("fps", FPS)
        webp = self.picture(images, name, rate)
        create = self.page.add("CreateVideo", images=images, look=WIDE, **{"fps": FPS, **video})
        save = self.page.add(
            "SaveVideo",
            look=SHOWN,
            video=create.out(),
            filename_prefix=name,
            format="mp4",
            codec="h264",
        )
        return [Group("Result", [[webp], [create, save]])]

    def picture(self, images: Output, name: str, fps: Any = FPS, look: Look = SHOWN) -> Node:
        values = {"filename_prefix": name, "fps": fps, "lossless": False, "quality": 90}
        return self.page.add("SaveAnimatedWEBP", look=look, images=images, **values)


def small_world(info: Info) -> Sheet:
    """A page with the small world's models."""
    page = Page(info)
    loader = page.add("ADK_SmallWorldModels", image_model="base")
    return Sheet(page, loader, loader.out("clip"), loader.out("vae"), small=True)


def checkpoint(info: Info, name: str = SD15) -> Sheet:
    """A page with a checkpoint of the user's."""
    page = Page(info)
    loader = page.add("CheckpointLoaderSimple", ckpt_name=name)
    return Sheet(page, loader, loader.out("CLIP"), loader.out("VAE"), small=False)


def sheet(info: Info, small: bool) -> Sheet:
    return small_world(info) if small else checkpoint(info)
