"""Core's model patches on an animated model: before or after it, alone or in windows.

FreeU and Perturbed-Attention Guidance act on nothing in a model as small as the stand-in:
tests/sampling/test_core_patches.py.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adk_tests.integration.graphs import Link, Scene, all_differ, computed
from adk_tests.support.by_hand import relative
from animatediff_kit.launcher.server import Server

FRAMES = 4
PATCHES: dict[str, dict[str, Any]] = {
    "HyperTile": dict(tile_size=32, swap_size=1, max_depth=0, scale_depth=False),
    "TomePatchModel": dict(ratio=0.5),
    "APG": dict(eta=0.5, norm_threshold=5.0, momentum=0.5),
    "RescaleCFG": dict(multiplier=0.7),
}
ALONE_ALIKE = PATCHES.keys() - {"APG", "TomePatchModel"}
"""Those that keep nothing from call to call and draw nothing: in windows they are what they are
without."""


def patched(scene: Scene, patch: str, model: Link) -> Link:
    return scene.link(patch, model=model, **PATCHES[patch])


@pytest.mark.parametrize("patch", PATCHES)
def test_a_patch_acts_before_and_after_the_motion_model(server: Server, patch: str) -> None:
    scene = Scene(FRAMES)
    scene.latent = scene.link("EmptyLatentImage", width=64, height=64, batch_size=FRAMES)
    motion = scene.motion_model()
    animated = scene.animated(motion)
    models = [
        animated,
        patched(scene, patch, animated),
        scene.animated(motion, model=patched(scene, patch, scene.model)),
        scene.windowed(patched(scene, patch, animated), length=3, overlap=2),
    ]
    plain, after, before, windowed = computed(server, scene, [scene.sampled(m) for m in models])
    for frames in (after, before, windowed):
        assert torch.isfinite(frames).all() and all_differ(frames)
        assert relative(frames, plain) > 1e-3
    assert relative(after, before) < 1e-4


@pytest.mark.parametrize("patch", sorted(ALONE_ALIKE))
def test_a_patch_of_still_frames_is_the_same_in_windows(server: Server, patch: str) -> None:
    """Without motion no frame sees another, so windows change nothing, whatever is patched in."""
    scene = Scene(FRAMES)
    scene.latent = scene.link("EmptyLatentImage", width=64, height=64, batch_size=FRAMES)
    still = patched(scene, patch, scene.model)
    models = [still, scene.windowed(still, length=3, overlap=2)]
    whole, windowed = computed(server, scene, [scene.sampled(model) for model in models])
    assert relative(windowed, whole) < 1e-4


def test_differential_diffusion_follows_a_moving_mask(server: Server) -> None:
    """A mask a frame: what is white is drawn anew; what is black changes in the last step alone,
    whose noise is the lowest."""
    scene = Scene(FRAMES)
    first = scene.sampled(scene.animated())
    masks = [
        scene.link("SolidMask", value=float(frame % 2), width=32, height=32)
        for frame in range(FRAMES)
    ]
    pictures = [scene.link("MaskToImage", mask=mask) for mask in masks]
    batch = pictures[0]
    for picture in pictures[1:]:
        batch = scene.link("ImageBatch", image1=batch, image2=picture)
    mask = scene.link("ImageToMask", image=batch, channel="red")
    masked = scene.link("SetLatentNoiseMask", samples=first, mask=mask)
    model = scene.link("DifferentialDiffusion", model=scene.animated())
    windowed = scene.windowed(model, length=3, overlap=2)
    samplers = [
        scene.sampled(m, latent_image=masked, seed=7, denoise=0.8, steps=4)
        for m in (model, windowed)
    ]
    before, *results = computed(server, scene, [first, *samplers])
    for frames in results:
        changes = (frames - before).abs().amax((1, 2, 3))
        assert 10 * changes[::2].max() < changes[1::2].min()


def test_a_video_drawn_over_and_made_larger(server: Server) -> None:
    """Video to video at denoise < 1, then a latent made larger and sampled again, in windows."""
    scene = Scene(FRAMES)
    model = scene.windowed(scene.animated(), length=3, overlap=2)
    first = scene.sampled(model)
    over = scene.sampled(model, latent_image=first, denoise=0.5, seed=3)
    larger = scene.link(
        "LatentUpscale",
        samples=over,
        upscale_method="bilinear",
        width=64,
        height=64,
        crop="disabled",
    )
    twice = scene.sampled(model, latent_image=larger, denoise=0.5, seed=4)
    one, two, large = computed(server, scene, [first, over, twice])
    assert large.shape == (FRAMES, 4, 8, 8)
    for frames in (one, two, large):
        assert torch.isfinite(frames).all() and all_differ(frames)
    assert 1e-3 < relative(two, one) < relative(one.flip(0), one)
