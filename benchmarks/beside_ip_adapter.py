"""Does each frame get its own picture from the IPAdapter pack, in our windows and with motion?

    .venv/bin/python benchmarks/beside_ip_adapter.py --pack FOLDER

FOLDER holds ComfyUI_IPAdapter_plus. Its node IPAdapter Embeds Batch is put on a tiny SD1.5 model
with live random weights, with embeds of another picture for every frame, before and behind our
nodes. What must hold, without a motion model, where no frame sees another: each frame of a video in
windows is what it is alone with its own embeds, as without windows. With one: the frames change
when their pictures are dealt in another order, and the order of the two packs' nodes makes no
difference.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui, register_package

ROOT = Path(__file__).resolve().parent.parent

ROUNDING = 1e-5
"""In standard deviations; what the size of a batch makes in float32."""
PICTURE, TOKENS, LAYERS = 16, 4, 16
"""Numbers of a picture's embedding, tokens that it becomes, and cross-attentions of SD1.5."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pack", type=Path, required=True)
    return parser.parse_args()


def live(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator) * shape[-1] ** -0.5


def adapter(unet: Any, context: int) -> dict[str, dict[str, Tensor]]:
    """An IPAdapter's file for this UNet, with random weights: the layers by odd numbers, first all
    of the way down, then up, then the middle."""
    generator = torch.Generator().manual_seed(4)
    keys = [key for key in unet.state_dict() if key.endswith("attn2.to_k.weight")]
    order = ("input_blocks", "output_blocks", "middle_block")
    keys.sort(key=lambda key: (order.index(key.split(".")[0]), *map(int, numbers_in(key))))
    assert len(keys) == LAYERS
    layers: dict[str, Tensor] = {}
    for number, key in enumerate(keys):
        width = unet.state_dict()[key].shape[0]
        for part in ("k", "v"):
            layers[f"{2 * number + 1}.to_{part}_ip.weight"] = live(generator, width, context)
    norm = {"norm.weight": torch.ones(context), "norm.bias": torch.zeros(context)}
    proj = live(generator, TOKENS * context, PICTURE)
    image = {"proj.weight": proj, "proj.bias": torch.zeros(TOKENS * context), **norm}
    return {"image_proj": image, "ip_adapter": layers}


def numbers_in(key: str) -> list[str]:
    return [part for part in key.split(".") if part.isdigit()]


class Beside:
    """The two packs on one model."""

    def __init__(self, pack: Path) -> None:
        enter_comfyui(cpu=True)
        register_package("adk_tests", ROOT / "tests")
        register_package("ip_adapter_plus", pack.resolve())
        self.node = importlib.import_module("ip_adapter_plus.IPAdapterPlus").IPAdapterEmbedsBatch()
        self.tiny = importlib.import_module("adk_tests.support.tiny")
        self.video = importlib.import_module("adk_tests.support.windowed")
        inject = importlib.import_module("animatediff_kit.motion_models.inject")
        self.model = self.tiny.image_model()
        self.moving = inject.apply_motion_model(self.model, self.tiny.motion_patcher("v2"))
        self.file = adapter(self.model.model.diffusion_model, self.tiny.CONTEXT)
        generator = torch.Generator().manual_seed(5)
        self.pictures = torch.randn((self.video.FRAMES, 1, PICTURE), generator=generator)[:, 0]

    def seen(self, model: Any, pictures: Tensor) -> Any:
        """The model with the pictures' embeds, one for each frame."""
        more = dict(neg_embed=torch.zeros_like(pictures), embeds_scaling="V only")
        found = self.node.apply_ipadapter(
            model, self.file, pictures, 1.0, "linear", 0.0, 1.0, **more
        )
        return found[0] if isinstance(found, tuple) else found

    def sampled(self, model: Any, noise: Tensor | None = None) -> Tensor:
        return self.video.sample_noise(model, self.video.noise_of() if noise is None else noise)


def off(one: Tensor, other: Tensor) -> float:
    """The largest difference in standard deviations."""
    return float((one - other).abs().max() / other.std())


def main() -> int:
    both = Beside(arguments().pack)
    windowed, noise = both.video.windowed, both.video.noise_of()
    alone = torch.cat(
        [
            both.sampled(both.seen(both.model, both.pictures[i : i + 1]), noise[i : i + 1])
            for i in range(len(noise))
        ]
    )
    flipped = both.pictures.flip(0)
    behind = both.sampled(windowed(both.seen(both.moving, both.pictures)))
    before = both.sampled(both.seen(windowed(both.moving), both.pictures))
    held = {
        "all frames at once, each as alone": off(
            both.sampled(both.seen(both.model, both.pictures)), alone
        ),
        "in windows, each as alone": off(
            both.sampled(windowed(both.seen(both.model, both.pictures))), alone
        ),
        "with motion in windows, IPAdapter before or behind": off(behind, before),
    }
    moved = {
        "without IPAdapter": off(both.sampled(windowed(both.moving)), behind),
        "with the pictures in another order": off(
            both.sampled(windowed(both.seen(both.moving, flipped))), behind
        ),
    }
    for what, error in held.items():
        print(f"{what}: {error:.2g}, at most {ROUNDING:g}")
    for what, error in moved.items():
        print(f"with motion in windows, {what}: {error:.2g}, at least 0.01")
    return 0 if max(held.values()) <= ROUNDING and min(moved.values()) >= 0.01 else 1


if __name__ == "__main__":
    sys.exit(main())
