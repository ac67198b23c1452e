"""Previews are drawn by sampling with the weights in training."""

from __future__ import annotations

import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.training.engine.batch_order import generator_for
from animatediff_kit.training.engine.previews import GUIDANCE, STEPS, sample_clip
from animatediff_kit.training.models import stages
from animatediff_kit.training.models.conditioning import ModelInputs

from ..clips import ClipsInMemory
from ..trained import STAGES as ALL_STAGES
from ..trained import trainee


@pytest.mark.parametrize("stage", ALL_STAGES)
def test_a_preview_has_the_clips_frames(stage: str) -> None:
    model, clips = tiny.image_model(), ClipsInMemory(frames=3)
    found = trainee(stage, model, tiny.motion_patcher("v3"))
    latents = sample_clip(found, clips, ModelInputs(model), torch.float32)
    frames = 1 if stage == stages.DOMAIN_ADAPTER else 3
    assert latents.shape == (frames, 4, 8, 8) and latents.isfinite().all()


def test_previews_follow_weights_and_seed() -> None:
    model, clips = tiny.image_model(), ClipsInMemory(frames=2)
    found = trainee(stages.MOTION_MODULE, model, tiny.motion_patcher("v3"))
    inputs = ModelInputs(model)

    def draw(seed: int = 0) -> torch.Tensor:
        return sample_clip(found, clips, inputs, torch.float32, seed)

    first = draw()
    assert torch.equal(draw(), first)
    assert not torch.allclose(draw(seed=1), first)
    with torch.no_grad():
        next(iter(found.parameters.values())).mul_(1.5)
    assert not torch.allclose(draw(), first)


def test_ddim_is_diffusers_ddim() -> None:
    """The same steps by diffusers' scheduler, around the same predictions."""
    from diffusers import DDIMScheduler  # pyright: ignore[reportPrivateImportUsage]

    model, clips = tiny.image_model(), ClipsInMemory(frames=2)
    found = trainee(stages.MOTION_MODULE, model, tiny.motion_patcher("v3"))
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        clip_sample=False,
        set_alpha_to_one=True,
    )
    times = torch.linspace(999, 0, STEPS).round().long().tolist()
    x = torch.randn((1, 2, 4, 8, 8), generator=generator_for(0, 2))
    with_text, without = (clips.text(c).embedding[None] for c in (clips.caption(0), ""))
    for t, t_next in zip(times, [*times[1:], -1], strict=True):
        with torch.no_grad(), found.denoiser.animated(1, 2):
            conditional, plain = (
                found.denoiser(x, torch.tensor([t]), text, None) for text in (with_text, without)
            )
        noise = plain + GUIDANCE * (conditional - plain)
        scheduler.num_inference_steps = 1
        scheduler.config.num_train_timesteps = t - t_next  # so that its previous step is ours
        x = scheduler.step(noise, t, x).prev_sample
    ours = sample_clip(found, clips, ModelInputs(model), torch.float32)
    assert float((ours - x[0]).norm() / x.norm()) < 1e-5
