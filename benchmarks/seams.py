"""Can the seams between context windows be found in the frames?

    .venv/bin/python benchmarks/seams.py [--checkpoint FILE --motion-model FILE] [--steps 4]

Samples one video for each schedule and fuse method, decodes it, and prints the three figures of
measures/seams.py: the effect at the seams, with the probability p of as large an effect without
seams. A figure passes where p is 0.05 or more, or the effect is below 10 %. `batched`, whose
windows do not overlap, is the control that must fail.

Without files of your own it takes the untrained stand-in weights of the tests. They show noise:
such figures say nothing of quality, only that the script runs. That the measures see what they
should is what tests/measures/test_seams.py shows, on drawn videos.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))
from launcher.comfyui import ComfyUI
from standalone.enter_comfyui import COMFYUI, ROOT, enter_comfyui, register_package

FUSE_METHODS = ("pyramid", "relative", "flat", "overlap-linear", "delayed-reverse-sawtooth")
CASES = [
    *(("standard_static", fuse) for fuse in FUSE_METHODS),
    ("standard_uniform", "pyramid"),
    ("looped_uniform", "pyramid"),
    ("views", "pyramid"),
    ("batched", "flat"),
]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--motion-model", type=Path)
    parser.add_argument("--prompt", default="waves on a beach")
    parser.add_argument("--schedule", nargs="*", help="these schedules alone")
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--size", type=int, default=64, help="pixels of width and height")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--length", type=int, default=16)
    parser.add_argument("--overlap", type=int, default=4)
    options = parser.parse_args()
    if (options.checkpoint is None) != (options.motion_model is None):
        parser.error("--checkpoint and --motion-model go together")
    return options


def files(options: argparse.Namespace) -> tuple[Path, Path]:
    """The checkpoint and the motion model: the user's, or the stand-ins."""
    if options.checkpoint is not None:
        return options.checkpoint, options.motion_model
    from adk_tests.stand_in import files as stand_in  # pyright: ignore[reportMissingImports]

    models = ROOT / ".comfy" / "base" / "models"
    comfy = ComfyUI(COMFYUI, Path(sys.executable), ours=COMFYUI.is_relative_to(ROOT))
    found = {path.name: path for path in stand_in.ensure(ROOT, comfy, models, print)}
    return found[stand_in.CHECKPOINT], found[stand_in.MOTION_MODEL]


class Studio:
    """A checkpoint with a motion model, and a prompt: renders videos in windows of any kind."""

    def __init__(self, checkpoint: Path, motion_model: Path, options: argparse.Namespace) -> None:
        import comfy.sd
        from animatediff_kit.motion_models.inject import apply_motion_model  # pyright: ignore[reportMissingImports]
        from animatediff_kit.motion_models.load import load_motion_model  # pyright: ignore[reportMissingImports]

        loaded: Any = comfy.sd.load_checkpoint_guess_config(str(checkpoint))
        model, clip, self.vae = loaded[:3]
        self.model = apply_motion_model(model, load_motion_model(str(motion_model), "automatic"))
        self.positive, self.negative = (self.encoded(clip, t) for t in (options.prompt, ""))
        self.options = options

    @staticmethod
    def encoded(clip: Any, text: str) -> list[Any]:
        encoded = clip.encode_from_tokens(clip.tokenize(text), return_pooled=True, return_dict=True)
        return [[encoded.pop("cond"), encoded]]

    def render(self, settings: Any) -> Any:
        """f h w 3 in 0..1"""
        import comfy.sample
        import torch
        from animatediff_kit.sampling.apply_windows import apply_context_windows  # pyright: ignore[reportMissingImports]

        o = self.options
        shape = (o.frames, 4, o.size // 8, o.size // 8)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            latents = comfy.sample.sample(
                apply_context_windows(self.model, settings),
                noise,
                o.steps,
                7.5,
                "euler",
                "normal",
                self.positive,
                self.negative,
                torch.zeros_like(noise),
                disable_pbar=True,
                seed=0,
            )
            return self.vae.decode(latents)


def told(figure: Any) -> str:
    if figure.effect is None:
        return "nothing to compare"
    return f"{figure.effect:+.0%} ({figure.chance:.3f})"


def main() -> None:
    options = arguments()
    enter_comfyui()
    register_package("adk_tests", ROOT / "tests")
    logging.getLogger().setLevel(logging.ERROR)
    from animatediff_kit.measures.motion_measures import (  # pyright: ignore[reportMissingImports]
        measure_motion,
    )
    from animatediff_kit.measures.seams import (  # pyright: ignore[reportMissingImports]
        measure_seams,
        seams_of,
    )
    from animatediff_kit.sampling.windows import (  # pyright: ignore[reportMissingImports]
        WindowSettings,
        windows_of,
    )

    if options.checkpoint is None:
        print("Untrained stand-in weights show noise: these figures say nothing of quality.")
    studio = Studio(*files(options), options)
    print(
        f"{options.frames} frames of {options.size}x{options.size}, {options.steps} steps, windows "
        f"of {options.length}, overlap {options.overlap}; effect at the seams (p)\n"
    )
    print("| schedule | fuse | motion | warp | sharpness | fails |")
    print("|---|---|---|---|---|---|")
    for schedule, fuse in CASES:
        if options.schedule and schedule not in options.schedule:
            continue
        overlap = 0 if schedule == "batched" else options.overlap
        settings = WindowSettings(options.length, overlap, schedule=schedule, fuse=fuse)
        windows = windows_of(options.frames, settings, options.steps - 1)
        measures = measure_motion(studio.render(settings))
        triple = vars(measure_seams(measures, seams_of(windows, options.frames)))
        cells = " | ".join(told(figure) for figure in triple.values())
        fails = ", ".join(name for name, figure in triple.items() if not figure.passes) or "none"
        print(f"| {schedule} | {fuse} | {cells} | {fails} |", flush=True)


if __name__ == "__main__":
    main()
