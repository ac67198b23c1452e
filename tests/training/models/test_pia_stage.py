"""The stage that makes PIA models: what it trains, from what it starts, and that training and
sampling compute the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from adk_tests.support import encoders, image_to_video, tiny
from adk_tests.support import pia as pia_files
from adk_tests.training import small
from adk_tests.training.sampled import STEPS, noisy_clips, predicted_noise
from animatediff_kit.motion_models.adapters.pia.affinity import PRESETS, Affinity
from animatediff_kit.motion_models.adapters.pia.apply import apply_pia
from animatediff_kit.motion_models.load import load_motion_model
from animatediff_kit.training.engine.export import export
from animatediff_kit.training.models import stages
from animatediff_kit.training.models.pia_stage import pia
from animatediff_kit.training.models.seen import Seen, seen_in_preview

FRAMES, SIDE = 4, 8
LARGE = [0.8, 1.0, 0.8, 0.7]
"""PIA's large motion, of a picture that is the second of four frames."""


def test_training_computes_what_apply_pia_samples_with_the_file(tmp_path: Path) -> None:
    """Two clips with one picture; the convolution and all else has been trained for two steps."""
    run = small.run(tmp_path, stages.PIA, steps=2, learning_rate=1e-2, picture_dropout=0.0)
    run.train()
    denoiser = run.loss.trainee.denoiser
    generator = torch.Generator().manual_seed(3)
    picture = torch.randn((1, 4, SIDE, SIDE), generator=generator)
    text = torch.randn((2, 7, tiny.CONTEXT), generator=generator)
    noisy, t = noisy_clips(frames=FRAMES, side=SIDE), torch.tensor(STEPS)
    seen = Seen(picture.expand(2, -1, -1, -1), torch.tensor([LARGE, LARGE]))
    with torch.no_grad(), denoiser.animated(2, FRAMES, seen):
        trained = denoiser(noisy, t, text, None)
    file = export(run, tmp_path / "files", "mine")
    motion, image = load_motion_model(str(file)), pia_files.picture()
    model = apply_pia(
        small.image_model(), motion, image, encoders.vae(), Affinity(PRESETS["large motion"], 1)
    )
    sampled = predicted_noise(model, noisy, t, text, animatediff_kit_0_picture=picture)
    assert torch.allclose(trained, sampled.float(), atol=2e-5)
    with torch.no_grad(), denoiser.animated(2, FRAMES):
        without = denoiser(noisy, t, text, None)
    assert float((without - trained).abs().max()) > 100 * 2e-5
    with torch.no_grad(), denoiser.animated(2, FRAMES, Seen(seen.pictures * 0, seen.affinity * 0)):
        assert torch.equal(denoiser(noisy, t, text, None), without)


def test_every_clip_has_its_own_picture_and_affinity() -> None:
    trainee = small.trainee(stages.PIA)
    torch.nn.init.normal_(trainee.parameters["conv_in.weight"], std=0.1)
    pictures = noisy_clips(7, frames=2, side=4)[:, 0]
    affinity = torch.tensor([[1.0, 0.5], [0.3, 1.0]])
    noisy, t = noisy_clips(frames=2, side=4), torch.tensor(STEPS)
    text = torch.randn((2, 7, tiny.CONTEXT), generator=torch.Generator().manual_seed(1))

    def predicted(chosen: slice) -> torch.Tensor:
        seen = Seen(pictures[chosen], affinity[chosen])
        clips = len(pictures[chosen])
        with torch.no_grad(), trainee.denoiser.animated(clips, 2, seen):
            return trainee.denoiser(noisy[chosen], t[chosen], text[chosen], None)

    both = predicted(slice(None))
    alone = torch.cat((predicted(slice(0, 1)), predicted(slice(1, 2))))
    assert torch.allclose(both, alone, atol=1e-5)
    pictures = pictures.flip(0)
    assert float((predicted(slice(None)) - both).abs().max()) > 1e-3


def test_a_plain_motion_model_is_the_start_and_its_middle_module_is_left_out() -> None:
    source = tiny.motion_patcher("v2")
    trainee = pia(tiny.image_model(), source, 0, small.CPU)
    assert trainee.spec is not None and trainee.stage == stages.PIA
    assert (trainee.spec.family.name, trainee.spec.positions) == ("PIA", 32)
    theirs = source.model.state_dict()
    assert {k for k in theirs if k not in trainee.parameters} == {
        k for k in theirs if k.startswith("mid_block.")
    }
    own = dict(trainee.parameters)
    convolution = own.pop("conv_in.weight")
    assert convolution.shape == (32, 5, 3, 3) and not convolution.any()
    assert all(torch.equal(p, theirs[name].float()) for name, p in own.items())
    assert all(p.requires_grad for p in trainee.parameters.values())
    assert not any(p.requires_grad for p in trainee.denoiser.unet.parameters())


def test_positions_stay_the_sources() -> None:
    trainee = pia(tiny.image_model(), tiny.motion_patcher("v1"), 0, small.CPU)
    assert trainee.spec is not None and trainee.spec.positions == 24
    assert trainee.denoiser.motion is not None
    assert {len(e.pe[0]) for e in trainee.denoiser.motion.encoders().values()} == {24}


def test_a_pia_model_goes_on_with_its_own_convolution(tmp_path: Path) -> None:
    trainee = pia(tiny.image_model(), pia_files.patcher(tmp_path), 0, small.CPU)
    file = pia_files.weights()
    assert torch.equal(trainee.parameters["conv_in.weight"], file["conv_in.weight"][:, 4:])
    assert all(torch.equal(p, file[k]) for k, p in trainee.parameters.items() if "motion" in k)


def test_a_new_one_leaves_the_image_model_as_it_is() -> None:
    model = small.image_model()
    before = torch.get_rng_state()
    trainee = pia(model, None, 0, small.CPU)
    assert torch.equal(torch.get_rng_state(), before)
    outputs = [p for name, p in trainee.parameters.items() if ".proj_out." in name]
    assert outputs and not any(p.any() for p in (*outputs, trainee.parameters["conv_in.weight"]))
    assert trainee.spec is not None and trainee.spec.name == "a new PIA motion model"


def test_a_preview_begins_from_its_picture_with_medium_motion() -> None:
    picture = torch.randn((4, 4, 4))
    seen = seen_in_preview(picture, 8, videos=2)
    medium = [1.0, 0.8, 0.8, 0.8, 0.79, 0.78, 0.75, 0.75]
    assert seen.affinity.tolist() == [pytest.approx(medium), pytest.approx(medium)]
    assert torch.equal(seen.pictures, torch.stack((picture, picture)))


def test_what_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^A PIA model is for SD1.5, and the checkpoint is SDXL."):
        pia(tiny.image_model("SDXL"), None, 0, small.CPU)
    with pytest.raises(ValueError, match="which begins from a picture. Connect it to Apply Image"):
        pia(tiny.image_model(), image_to_video.patcher(tmp_path), 0, small.CPU)
