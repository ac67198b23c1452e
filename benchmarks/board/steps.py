"""A step of the whole UNet with a motion model by one of the bare UNet, ours and another pack's."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

import torch

from .pairs import Times, apart

BARE, OURS, PEER = "bare UNet", "ours", "AnimateDiff-Evolved"
FRAMES = 16


def pack(name: str) -> Any:
    return importlib.import_module(f"animatediff_kit.motion_models.{name}")


def surcharge_row(size: int, width: int, rounds: int, peer: Path | None) -> dict[str, str]:
    """B2: a step with v3 by a step without, 16 frames of size x size pixels, cfg 1; the UNet has
    `width` channels at full resolution.   -> cells"""
    from sized_models import sd15
    from step_time import step_seconds

    bare = sd15(width)
    with tempfile.TemporaryDirectory() as place:
        models = {BARE: bare, **animated(bare, Path(place), width, peer)}
    outputs = {name: one_output(model, size) for name, model in models.items()}
    gaps = {name: apart(outputs[name], outputs[OURS]) for name in models if name != OURS}
    if gaps.pop(BARE) < 1e-3 or max(gaps.values(), default=0.0) > 1e-4:
        raise ValueError(f"The outputs are not those that should be compared: {gaps}.")
    seconds: dict[str, list[float]] = {name: [] for name in models}
    from .pairs import now

    for _ in range(rounds):
        for name, model in models.items():
            seconds[name].append(step_seconds(model, FRAMES, size, now))
    times = Times(seconds)
    cells = {f"{name} / {BARE}": times.ratio(name, BARE) for name in models if name != BARE}
    if PEER in models:
        cells["surcharge, ours / theirs"] = surcharges(times)
    cells["bare again, slowest / fastest"] = times.spread(BARE)
    cells["outputs apart"] = ", ".join(f"{name} {gap:.1e}" for name, gap in gaps.items())
    return cells


def surcharges(times: Times) -> str:
    """(ours - bare) / (theirs - bare), of the medians."""
    bare = times.median(BARE)
    return f"{(times.median(OURS) - bare) / (times.median(PEER) - bare):.2f}"


def animated(bare: Any, folder: Path, width: int, peer: Path | None) -> dict[str, Any]:
    """`bare` with one file of weights, by our loader and by the other pack's."""
    path = write_model(folder, width)
    motion = pack("load").load_motion_model(str(path), "automatic")
    models = {OURS: pack("inject").apply_motion_model(bare, motion)}
    if peer is not None:
        from evolved_parity import load_peer, small_copy

        node = load_peer(small_copy(peer, folder, width))["ADE_AnimateDiffLoaderGen1"]
        load = getattr(node(), node.FUNCTION)
        models[PEER] = load(model=bare, model_name=path.name, beta_schedule="use existing")[0]
    return models


def write_model(folder: Path, width: int) -> Path:
    """A v3 file of that width with live weights, where both packs look for it."""
    import folder_paths
    from evolved_parity import live
    from safetensors.torch import save_file

    specs, modules = pack("specs"), pack("modules")
    layout = specs.MotionLayout((width, 2 * width, 4 * width, 4 * width), False)
    weights = live(specs.expected_shapes(layout), 0)
    for key, shape in specs.table_shapes(layout, 32).items():
        weights[key] = modules.sinusoidal_positions(32, int(shape[2])).contiguous()
    folder_paths.folder_names_and_paths["animatediff_models"] = ([str(folder)], {".safetensors"})
    path = folder / "v3.safetensors"
    save_file(weights, str(path))
    return path


def one_output(model: Any, size: int) -> torch.Tensor:
    """What ComfyUI's sampler gives after a step; it loads and warms up as well."""
    import comfy.sample

    latent = size // 8
    noise = torch.randn((FRAMES, 4, latent, latent), generator=torch.Generator().manual_seed(0))
    prompt = [[torch.randn((1, 77, 768), generator=torch.Generator().manual_seed(1)), {}]]
    how = (2, 1.0, "euler", "normal", prompt, prompt, torch.zeros_like(noise))
    with torch.inference_mode():
        return comfy.sample.sample(model, noise, *how, disable_pbar=True, seed=0)
