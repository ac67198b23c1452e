"""Trained files are read by every tool: this pack, ComfyUI, diffusers, AnimateDiff-Evolved."""

from __future__ import annotations

import os
import re
from pathlib import Path

import comfy.lora
import comfy.model_management
import pytest
import torch
from adk_tests.support import tiny
from animatediff_kit.motion_models.domain_adapter import apply_domain_adapter
from animatediff_kit.motion_models.kinds import kind_of
from animatediff_kit.motion_models.load import load_motion_model, motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.motion_models.read import read_weights
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.export import (
    check_name,
    export,
    file_tensors,
    paths_for,
    save_weights,
)
from animatediff_kit.training.engine.file_about import rates_in_words
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.files.fingerprints import digest_of
from animatediff_kit.training.models import stages
from torch import Tensor

from ..clips import ClipsInMemory
from ..trained import CPU, STAGES, trained_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run[ClipLoss]]:
    return {stage: trained_run(stage, tmp_path_factory.mktemp(stage)) for stage in STAGES}


def text_and_noise() -> tuple[Tensor, Tensor, Tensor]:
    """noisy 1 f 4 h w, t, text 1 t c: one clip, live."""
    clips = ClipsInMemory()
    return clips.latents(0)[None], torch.tensor([321]), clips.text("a caption").embedding[None]


def trained_prediction(run: Run[ClipLoss]) -> Tensor:
    noisy, t, text = text_and_noise()
    denoiser = run.loss.trainee.denoiser
    with torch.no_grad(), denoiser.animated(1, noisy.shape[1]):
        return denoiser(noisy, t, text, None)


def fresh_prediction(trainee: stages.Trainee) -> Tensor:
    noisy, t, text = text_and_noise()
    with torch.no_grad(), trainee.denoiser.animated(1, noisy.shape[1]):
        return trainee.denoiser(noisy, t, text, None)


def difference(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_says_what_it_is(runs: dict[str, Run[ClipLoss]], stage: str, tmp_path: Path) -> None:
    run = runs[stage]
    path = export(run, tmp_path / "out", "first try")
    tensors, about = read_weights(str(path))
    kinds = {
        stages.DOMAIN_ADAPTER: "spatial LoRA",
        stages.MOTION_MODULE: "motion model",
        stages.MOTION_LORA: "MotionLoRA",
    }
    assert kind_of(tensors) == kinds[stage]
    assert about["stage"] == stage and about["steps"] == "2" and about["clips"] == "2"
    assert about["data"] == "in memory" and about["models"] == run.loss.trainee.models
    assert about["settings"] == digest_of(run.settings.decides())
    assert about["tool"].startswith("AnimateDiff Kit ")
    assert about["base"] == ("TinySD15" if stage == stages.DOMAIN_ADAPTER else "SD1.5")
    assert about.get("rank") == (None if stage == stages.MOTION_MODULE else "4")
    assert "fps" not in about  # nobody knows it of clips in memory
    assert not any("alpha" in key for key in tensors)


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ((), ""),
        ((8.0,), "8"),
        ((8.0, 12.5), "8, 12.5"),
        ((7.492, 8.0, 10.0, 12.0, 29.97), "7.492 to 29.97"),
    ],
)
def test_frame_rates_of_clips_in_words(rates: tuple[float, ...], told: str) -> None:
    assert rates_in_words(rates) == told


def test_a_motion_module_loads_as_it_was_trained(
    runs: dict[str, Run[ClipLoss]], tmp_path: Path
) -> None:
    run = runs[stages.MOTION_MODULE]
    loaded = motion_model(load_motion_model(str(export(run, tmp_path, "mine"))))
    weights = loaded.state_dict()
    assert set(weights) == set(run.parameters)
    for name, parameter in run.parameters.items():
        assert torch.equal(weights[name], parameter.detach()), name
    assert loaded.spec.family.name == "v3" and loaded.spec.positions == 32


@pytest.mark.parametrize("family", ["v1", "AnimateLCM", "LongAnimateDiff"])
def test_the_family_survives(family: str, tmp_path: Path) -> None:
    """AnimateLCM and LongAnimateDiff have the same shapes: only the metadata tells them apart."""
    run = trained_run(stages.MOTION_MODULE, tmp_path, family, steps=1)
    loaded = motion_model(load_motion_model(str(export(run, tmp_path, "mine"))))
    assert loaded.spec.family.name == family


def test_a_motion_lora_moves_as_it_was_trained(
    runs: dict[str, Run[ClipLoss]], tmp_path: Path
) -> None:
    """The merged weights predict what the trained layers predict."""
    run = runs[stages.MOTION_LORA]
    tensors, _ = read_weights(str(export(run, tmp_path, "pan")))
    motion = apply_motion_lora(tiny.motion_patcher("v3"), tensors, 1.0, "pan")
    again = stages.motion_module(tiny.image_model(), motion, "v3", 0, CPU)
    wanted = trained_prediction(run)
    untrained = stages.motion_module(tiny.image_model(), tiny.motion_patcher("v3"), "v3", 0, CPU)
    assert difference(fresh_prediction(again), wanted) < 2e-6
    assert difference(fresh_prediction(untrained), wanted) > 1e-3


def test_a_domain_adapter_loads_here_and_in_comfyui(
    runs: dict[str, Run[ClipLoss]], tmp_path: Path
) -> None:
    run = runs[stages.DOMAIN_ADAPTER]
    tensors, _ = read_weights(str(export(run, tmp_path, "look")))
    model = tiny.image_model()
    adapted = apply_domain_adapter(model, tensors, 1.0, "look")
    key_map = comfy.lora.model_lora_keys_unet(model.model, {})
    core = model.clone()
    used = core.add_patches(comfy.lora.load_lora(tensors, key_map), 1.0)
    assert len(used) == len(tensors) // 2 == len(adapted.patches)
    wanted = trained_prediction(run)
    for patched in (adapted, core):
        plain = stages.domain_adapter(patched, 1, 0, CPU)  # its LoRA starts from zero
        assert difference(fresh_prediction(plain), wanted) < 2e-6


def test_evolved_reads_a_motion_lora(runs: dict[str, Run[ClipLoss]]) -> None:
    """Its rules, written out: keys with `temporal`, `processor.` and `_lora` taken out, up @ down,
    every key that is no `up.` is a `down`."""
    run = runs[stages.MOTION_LORA]
    tensors = file_tensors(run)
    targets: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        assert "temporal" in key
        half = "up" if "up." in key else "down"
        layer = re.sub(r"\.(up|down)\.", ".", key.replace("processor.", "").replace("_lora", ""))
        targets.setdefault(layer.replace("to_out.", "to_out.0."), {})[half] = tensor
    weights = motion_model(tiny.motion_patcher("v3")).state_dict()
    for layer, pair in targets.items():
        assert torch.mm(pair["up"], pair["down"]).shape == weights[layer].shape, layer
    assert len(targets) == 20 * 8  # 20 modules, 2 attentions of 4 projections


def test_diffusers_reads_a_motion_module(runs: dict[str, Run[ClipLoss]]) -> None:
    from diffusers import MotionAdapter  # pyright: ignore[reportPrivateImportUsage]

    run = runs[stages.MOTION_MODULE]
    adapter = MotionAdapter(
        block_out_channels=(32, 64, 128, 128),
        motion_layers_per_block=2,
        motion_num_attention_heads=8,
        motion_max_seq_length=32,
        use_motion_mid_block=False,
    )
    adapter.load_state_dict(file_tensors(run, "diffusers"), strict=True)


def test_diffusers_reads_a_motion_lora(runs: dict[str, Run[ClipLoss]], tmp_path: Path) -> None:
    """As `load_lora_weights` of its AnimateDiff pipelines does, onto a motion UNet."""
    from diffusers import UNetMotionModel  # pyright: ignore[reportPrivateImportUsage]
    from diffusers.loaders import StableDiffusionLoraLoaderMixin

    run = runs[stages.MOTION_LORA]
    path = export(run, tmp_path, "pan", "diffusers")
    unet = UNetMotionModel(
        block_out_channels=(32, 64, 128, 128),
        down_block_types=("CrossAttnDownBlockMotion",) * 3 + ("DownBlockMotion",),
        up_block_types=("UpBlockMotion",) + ("CrossAttnUpBlockMotion",) * 3,
        cross_attention_dim=tiny.CONTEXT,
        use_motion_mid_block=False,
        motion_num_attention_heads=8,
        num_attention_heads=8,
    )
    loader = StableDiffusionLoraLoaderMixin
    found = loader.lora_state_dict(str(path))
    state = found[0] if isinstance(found, tuple) else found
    loader.load_lora_into_unet(state, network_alphas=None, unet=unet, adapter_name="pan")
    loaded = {k: v for k, v in unet.state_dict().items() if ".lora_A." in k or ".lora_B." in k}
    assert len(loaded) == len(run.parameters) == 320
    name = "down_blocks.0.motion_modules.0"
    ours = f"{name}.temporal_transformer.transformer_blocks.0.attention_blocks.1.processor"
    theirs = f"{name}.transformer_blocks.0.attn2.to_q.lora_A.pan.weight"
    assert torch.equal(loaded[theirs], run.parameters[f"{ours}.to_q_lora.down.weight"].detach())


def test_the_running_average_is_exported(tmp_path: Path) -> None:
    run = trained_run(stages.MOTION_LORA, tmp_path, ema=0.9)
    assert run.average is not None
    for name, tensor in file_tensors(run).items():
        assert torch.equal(tensor, run.average.values[name])
    moved = [not torch.equal(run.parameters[k], t) for k, t in run.average.values.items()]
    assert any(moved)


def test_nothing_is_overwritten(runs: dict[str, Run[ClipLoss]], tmp_path: Path) -> None:
    run = runs[stages.MOTION_LORA]
    first, second = (export(run, tmp_path / "out", "pan") for _ in range(2))
    assert (first.name, second.name) == ("pan.safetensors", "pan_2.safetensors")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted([first.name, second.name])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_files_have_the_users_permissions(runs: dict[str, Run[ClipLoss]], tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        path = export(runs[stages.MOTION_LORA], tmp_path, "pan")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["CON", "nul.old", "com1", "pan.", "pan "])
def test_a_name_must_do_for_windows_too(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name!r} is no name for a file on Windows"):
        check_name(name)


@pytest.mark.parametrize("letter", ["a", "\u00e9"])
def test_a_name_leaves_room_for_a_number(letter: str, tmp_path: Path) -> None:
    """What is refused after training has cost the training."""
    fits = letter * (200 // len(letter.encode()))
    check_name(fits)
    save_weights(tmp_path / f"{fits}_10000.safetensors", {"a": torch.ones(2)}, {})
    with pytest.raises(ValueError, match="has 20[12] bytes; files are written under names of 200"):
        check_name(fits + letter)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\\b", ".hidden", "/abs"])
def test_a_name_cannot_leave_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{name!r} is no name for a file")):
        paths_for(tmp_path, name)


def test_an_unknown_spelling_is_refused(runs: dict[str, Run[ClipLoss]]) -> None:
    run = runs[stages.MOTION_LORA]
    with pytest.raises(ValueError, match="'kohya' is no spelling; choose one of official, diffus"):
        file_tensors(run, "kohya")
