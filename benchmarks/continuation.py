"""Can the joints of a continued animation be found in the frames?

    .venv/bin/python benchmarks/continuation.py [--clips 16] [--kept 8] [--blended 7]

Each clip of the small world, 16 frames, goes on to 64 frames, each time with as many new ones as
make 16 with the kept ones. Its joints are judged as context windows' seams are, by
measures/seams.py: where frames are blended, at both ends of each cross-fade. The control is as many
frames of clips that share none; most of it must fail. Printed: how many clips pass, and the
mean effects at the joints.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui

FRAMES, TOTAL, STEPS, GUIDANCE = 16, 64, 20, 6.0
MOTIONS = ("going round", "bouncing")
"""Those that go on for ever; the others of the small world end where they leave the picture."""


class Studio:
    """The small world's models, animated."""

    def __init__(self) -> None:
        from animatediff_kit.motion_models.inject import apply_motion_model  # pyright: ignore[reportMissingImports]
        from animatediff_kit.motion_models.load import load_motion_model  # pyright: ignore[reportMissingImports]
        from animatediff_kit.motion_models.model import motion_model  # pyright: ignore[reportMissingImports]
        from animatediff_kit.sampling.betas import (  # pyright: ignore[reportMissingImports]
            AUTOMATIC,
            apply_beta_schedule,
        )
        from animatediff_kit.small_world import files  # pyright: ignore[reportMissingImports]

        model, self.clip, self.vae = files.load(files.BASE)
        motion = load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))
        animated = apply_motion_model(model, motion)
        family = motion_model(motion).spec.family
        self.model = apply_beta_schedule(animated, AUTOMATIC, family)

    def sample(self, latent: dict[str, Any], caption: str, seed: int) -> dict[str, Any]:
        import torch

        from nodes import KSampler  # pyright: ignore[reportAttributeAccessIssue]

        asked, nothing = (
            self.clip.encode_from_tokens_scheduled(self.clip.tokenize(text))
            for text in (caption, "")
        )
        with torch.inference_mode():
            return KSampler().sample(
                self.model, seed, STEPS, GUIDANCE, "euler", "normal", asked, nothing, latent
            )[0]

    def decoded(self, samples: Any) -> Any:
        """f 4 h w -> f h w 3 in 0..1"""
        import torch

        with torch.inference_mode():
            return self.vae.decode(samples).float().clamp(0, 1)


def caption_of(number: int) -> str:
    shapes, colours = ("star", "circle", "square", "triangle"), ("red", "blue", "green", "yellow")
    motion = MOTIONS[number % len(MOTIONS)]
    return f"a {colours[number // 2 % 4]} {shapes[number // 3 % 4]} {motion} on a gray background"


def continued(studio: Studio, caption: str, seed: int, kept: int, blended: int) -> Any:
    from animatediff_kit.sampling.continuation import (  # pyright: ignore[reportMissingImports]
        continue_latent,
        join_continuation,
    )

    video = studio.sample(empty(FRAMES), caption, seed)
    while len(video["samples"]) < TOTAL:
        more = studio.sample(continue_latent(video, kept, FRAMES - kept, blended), caption, seed)
        video = join_continuation(video, more)
    return studio.decoded(video["samples"])


def unrelated(studio: Studio, caption: str, seed: int, kept: int, _: int) -> Any:
    """As many frames, of clips that share none."""
    import torch

    lengths = [FRAMES] + [FRAMES - kept] * ((TOTAL - FRAMES) // (FRAMES - kept))
    clips = [
        studio.sample(empty(FRAMES), caption, 1000 * (seed + 1) + k)["samples"][:length]
        for k, length in enumerate(lengths)
    ]
    return studio.decoded(torch.cat(clips))


def windows(kept: int, blended: int) -> list[range]:
    """The frames that each clip has a part in: as windows are, which share the blended ones."""
    starts = range(0, TOTAL - FRAMES + 1, FRAMES - kept)
    return [range(start + (kept - blended) * (start > 0), start + FRAMES) for start in starts]


def empty(frames: int) -> dict[str, Any]:
    import torch

    return {"samples": torch.zeros(frames, 4, 8, 8)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--kept", type=int, default=8)
    parser.add_argument("--blended", type=int, default=7)
    options = parser.parse_args()
    enter_comfyui()
    from animatediff_kit.measures.motion_measures import (  # pyright: ignore[reportMissingImports]
        measure_motion,
    )
    from animatediff_kit.measures.seams import (  # pyright: ignore[reportMissingImports]
        measure_seams,
        seams_of,
    )

    studio = Studio()
    kept, blended = options.kept, options.blended
    seams = seams_of(windows(kept, blended), TOTAL)
    told = f"{kept} frames kept, {blended} of them blended"
    print(f"{options.clips} clips, {told}, joints at {sorted(seams.steps)}")
    print("| | pass | motion | warp | sharpness |\n|---|---|---|---|---|")
    for name, render in (("continued", continued), ("unrelated clips", unrelated)):
        triples = [
            measure_seams(measure_motion(render(studio, caption_of(k), k, kept, blended)), seams)
            for k in range(options.clips)
        ]
        passed = sum(triple.passes for triple in triples)
        effects = [
            np.mean([getattr(triple, figure).effect or 0.0 for triple in triples])
            for figure in ("motion", "warp", "sharpness")
        ]
        told = " | ".join(f"{effect:+.2f}" for effect in effects)
        print(f"| {name} | {passed} of {options.clips} | {told} |", flush=True)


if __name__ == "__main__":
    main()
