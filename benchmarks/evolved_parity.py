"""Old graphs in AnimateDiff-Evolved and in this pack: how far apart the frames are.

    python benchmarks/evolved_parity.py --evolved PATH [--only WORD]

PATH is a copy of ComfyUI-AnimateDiff-Evolved. Each case is a small graph of its nodes, run twice on
the same random weights, in float32 on the CPU: by that pack and by this pack's nodes of the same
ids. Printed is |ours - theirs| / |theirs| over all frames. Both must be below 1e-4, but where a
remark says why not.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path += map(str, Path(__file__).resolve().parents[:2])  # isolated Pythons add neither
from standalone.enter_comfyui import enter_comfyui

WIDTH = 32
"""Channels of the first level, in the place of 320: that pack has the widths in its code."""

FAMILIES = {
    # file -> (family, positions that the file holds, 0 for none)
    "v1.safetensors": ("v1", 24),
    "v2.safetensors": ("v2", 32),
    "v3.safetensors": ("v3", 32),
    "AnimateLCM.safetensors": ("AnimateLCM", 0),
    "sdxl.safetensors": ("SDXL beta", 32),
}
LORA = "zoom.safetensors"


def small_copy(evolved: Path, folder: Path, width: int = WIDTH) -> Path:
    """A copy of the other pack whose modules have `width` channels at full resolution."""
    copy = folder / "custom_nodes" / "evolved"
    ignored = shutil.ignore_patterns(".git", "freeinit_*", "*.ckpt", "*.safetensors")
    shutil.copytree(evolved, copy, ignore=ignored)
    code = copy / "animatediff" / "motion_module_ad.py"
    small = {"320": width, "640": 2 * width, "1280": 4 * width}
    text = code.read_text(encoding="utf-8")
    text, count = re.subn(r"\b(320|640|1280)\b", lambda found: str(small[found.group()]), text)
    if count < 8:
        raise ValueError(f"{code} names other widths than were known; adapt `small_copy`.")
    code.write_text(text, encoding="utf-8")
    return copy


def load_peer(copy: Path) -> dict[str, Any]:
    """The other pack's node classes by id."""
    spec = importlib.util.spec_from_file_location(
        "evolved_peer", copy / "__init__.py", submodule_search_locations=[str(copy)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["evolved_peer"] = module
    spec.loader.exec_module(module)
    return module.NODE_CLASS_MAPPINGS


def live(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, Any]:
    """Random weights of these shapes that move frames."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for key, shape in shapes.items():
        noise = torch.randn(shape, generator=generator)
        fan = shape[-1] if len(shape) > 1 else 1
        is_norm = len(shape) == 1 and key.endswith("weight")
        weights[key] = 1 + 0.1 * noise if is_norm else noise * (fan**-0.5 if fan > 1 else 0.1)
    return weights


def write_files(folder: Path) -> None:
    """Motion models of each family and a MotionLoRA, where both packs look for them."""
    import folder_paths
    from animatediff_kit.motion_models import specs  # pyright: ignore[reportMissingImports]
    from animatediff_kit.motion_models.modules import sinusoidal_positions  # pyright: ignore
    from safetensors.torch import save_file

    for name in ("animatediff_models", "animatediff_motion_lora"):
        (folder / name).mkdir()
        folder_paths.folder_names_and_paths[name] = ([str(folder / name)], {".safetensors"})
    for seed, (file, (family, rows)) in enumerate(FAMILIES.items()):
        known = specs.FAMILIES[family]
        widths = (WIDTH, 2 * WIDTH, 4 * WIDTH, 4 * WIDTH)[: specs.LEVELS[known.base]]
        layout = specs.MotionLayout(widths, known.mid_block)
        weights = live(specs.expected_shapes(layout), seed)
        for key, shape in specs.table_shapes(layout, rows).items() if rows else ():
            weights[key] = sinusoidal_positions(rows, int(shape[2] or 0)).contiguous()
        save_file(weights, str(folder / "animatediff_models" / file))
    save_file(lora_weights(specs), str(folder / "animatediff_motion_lora" / LORA))


def lora_weights(specs: Any) -> dict[str, Any]:
    """A MotionLoRA of rank 4 for v2, in the authors' spelling."""
    layout = specs.MotionLayout((WIDTH, 2 * WIDTH, 4 * WIDTH, 4 * WIDTH), True)
    shapes = {}
    for module, c in layout.modules().items():
        for attention in (0, 1):
            block = f"{module}.temporal_transformer.transformer_blocks.0.attention_blocks"
            for layer in ("to_q", "to_k", "to_v", "to_out"):
                key = f"{block}.{attention}.processor.{layer}_lora"
                shapes |= {f"{key}.down.weight": (4, c), f"{key}.up.weight": (c, 4)}
    return live(shapes, 77)


class Packs:
    """Both packs' nodes, called alike."""

    def __init__(self, peer: dict[str, Any]) -> None:
        from animatediff_kit.nodes.evolved import OLD_NODES  # pyright: ignore[reportMissingImports]

        self.peer, self.ours = peer, OLD_NODES

    def call(self, pack: str, name: str, inputs: dict[str, Any]) -> Any:
        if pack == "ours":
            return self.ours[name].run(**inputs)[0]
        node = self.peer[name]
        return getattr(node(), node.FUNCTION)(**inputs)[0]

    def run(self, pack: str, value: Any, model: Any) -> Any:
        """A nested graph: (node id, {input: value}); MODEL stands for the image model."""
        from evolved_graphs import MODEL

        if value is MODEL:
            return model
        if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], dict)):
            return value
        name, inputs = value
        return self.call(pack, name, {k: self.run(pack, v, model) for k, v in inputs.items()})


def image_model(base: str) -> Any:
    """A narrow SD1.5 or SDXL with live weights."""
    import comfy.supported_models
    import torch
    from animatediff_kit.small_world.unet_config import SDXL_BLOCKS, unet_config  # pyright: ignore
    from comfy.model_patcher import ModelPatcher
    from evolved_cases import CONTEXT
    from sized_models import random_weights

    torch.manual_seed(0)
    kind = "SDXL" if base == "SDXL" else "SD15"
    more = SDXL_BLOCKS if base == "SDXL" else {}
    config = getattr(comfy.supported_models, kind)(
        unet_config(WIDTH, CONTEXT, dtype=torch.float32, **more)
    )
    config.set_inference_dtype(torch.float32, None)
    model = config.get_model({}, "", device=torch.device("cpu"))
    random_weights(model.diffusion_model)
    return ModelPatcher(model, torch.device("cpu"), torch.device("cpu"))


def sample(model: Any, case: Any) -> Any:
    """ComfyUI's KSampler.   -> f 4 8 8"""
    import comfy.sample
    import torch
    from evolved_cases import CONTEXT

    def prompt(seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        pooled = torch.randn((1, 1280), generator=generator)
        text = torch.randn((1, 7, CONTEXT), generator=generator)
        return [[text, {"pooled_output": pooled}]]

    shape = (case.frames, 4, 8, 8)
    latent = case.picture * torch.randn(shape, generator=torch.Generator().manual_seed(9))
    noise = comfy.sample.prepare_noise(latent, 5)
    conds = dict(positive=prompt(11), negative=prompt(12), latent_image=latent)
    how = (case.steps, case.cfg, case.sampler, "normal")
    with torch.inference_mode():
        return comfy.sample.sample(model, noise, *how, **conds, disable_pbar=True, seed=5)


def main() -> None:
    parser = argparse.ArgumentParser(description="Old graphs in both packs.")
    parser.add_argument("--evolved", type=Path, required=True, help="the other pack's folder")
    parser.add_argument("--only", default="", help="cases whose name holds this word")
    options = parser.parse_args()
    enter_comfyui(cpu=True)
    import torch
    from evolved_cases import CASES

    torch.set_num_threads(1)

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_files(folder)
        packs = Packs(load_peer(small_copy(options.evolved, folder)))
        models = {base: image_model(base) for base in ("SD1.5", "SDXL")}
        print(f"{'case':44s} {'relative':>9s}  moved by the case")
        for name, case in CASES.items():
            if options.only in name:
                compare(packs, name, case, models[case.base])


def compare(packs: Packs, name: str, case: Any, model: Any) -> None:
    plain = sample(model, case).double()
    try:
        theirs = sample(packs.run("theirs", case.graph, model), case).double()
    except Exception as error:  # the other pack fails where it fails
        theirs = None
        print(f"{name:44s} theirs: {type(error).__name__}: {str(error)[:200]}")
    ours = sample(packs.run("ours", case.graph, model), case).double()
    if theirs is not None:
        gap = float((ours - theirs).norm() / theirs.norm())
        moved = float((theirs - plain).norm() / theirs.norm())
        remark = f"  ({case.remark})" if case.remark else ""
        print(f"{name:44s} {gap:9.1e}  {moved:.2f}{remark}", flush=True)


if __name__ == "__main__":
    main()
