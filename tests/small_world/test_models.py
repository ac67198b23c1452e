"""The small world's models go every way that ComfyUI's large ones go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import comfy.cli_args
import comfy.latent_formats
import comfy.lora
import comfy.sample
import comfy.sd
import comfy.supported_models
import latent_preview
import numpy
import pytest
import torch
from adk_tests.support import folders
from adk_tests.support.folders import register_folders
from animatediff_kit.nodes.animate import Animate
from animatediff_kit.small_world import files
from animatediff_kit.small_world.models import (
    PICTURE_PREFIX,
    PREVIEW,
    TEXT_PREFIX,
    TOKENS,
    UNET_PREFIX,
    SmallWorld,
    part,
)
from animatediff_kit.small_world.train_images import TextToImage, Words
from comfy.model_patcher import ModelPatcher
from safetensors.torch import load_file
from torch import Tensor

RED, BLUE = "a red star moving right on a teal background", "a blue square on a gray background"


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return files.weights_of(files.CHECKPOINTS / "base.safetensors")


@pytest.fixture(scope="module")
def world() -> tuple[ModelPatcher, comfy.sd.CLIP, comfy.sd.VAE]:
    return files.load(files.BASE)


@pytest.fixture
def own_models(tmp_path, monkeypatch) -> None:
    """No files of the user's; the pack's are registered."""
    folders.install(tmp_path, monkeypatch)
    register_folders()


def encoded(clip: comfy.sd.CLIP, text: str) -> Any:
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def sampled(
    model: ModelPatcher, clip: comfy.sd.CLIP, text: str = RED, frames: int = 3, **overrides: Any
) -> Tensor:
    """One or more steps of ComfyUI's own sampler, every frame from its own noise.   -> f 4 8 8"""
    call: dict[str, Any] = dict(steps=1, cfg=6.0, sampler_name="euler", scheduler="normal", seed=1)
    call.update(positive=encoded(clip, text), negative=encoded(clip, ""), **overrides)
    noise = torch.randn((frames, 4, 8, 8), generator=torch.Generator().manual_seed(call["seed"]))
    with torch.inference_mode():
        latent = torch.zeros_like(noise)
        return comfy.sample.sample(model, noise, latent_image=latent, disable_pbar=True, **call)


def animated(model: ModelPatcher, **choices: Any) -> ModelPatcher:
    (result,) = Animate.execute(model, files.MOTION_MODEL, **choices).result
    return result


def all_differ(frames: Tensor) -> bool:
    return all(not torch.equal(one, other) for i, one in enumerate(frames) for other in frames[:i])


def test_the_model_samples_and_the_prompt_matters(world) -> None:
    model, clip, _ = world
    red, blue = (sampled(model, clip, text, steps=2) for text in (RED, BLUE))
    assert red.shape == (3, 4, 8, 8) and bool(torch.isfinite(red).all())
    assert all_differ(red)
    assert (red - blue).std() > 1e-3 * red.std()


def test_it_is_animated_in_windows_like_any_model_and_is_unharmed(world, own_models) -> None:
    model, clip, _ = world
    still = sampled(model, clip, frames=20)
    before = {k: w.clone() for k, w in model.model.diffusion_model.state_dict().items()}
    moving = sampled(animated(model), clip, frames=20)
    turning = animated(model, motion_lora=files.motion_lora("roll clockwise"))
    assert all_differ(moving) and bool(torch.isfinite(moving).all())
    assert (moving - still).std() > 1e-3 * still.std()
    assert not torch.equal(sampled(turning, clip, frames=20), moving)
    assert torch.equal(sampled(model, clip, frames=20), still)
    after = model.model.diffusion_model.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[k], before[k]) for k in before)


def test_prompts_become_77_tokens_of_width_64(world) -> None:
    _, clip, _ = world
    ((tokens, extras),) = encoded(clip, RED)
    assert tokens.shape == (1, 77, 64) and extras["pooled_output"].shape == (1, 64)
    ((long, _),) = encoded(clip, ", ".join([RED] * 12))
    assert long.shape == (1, 154, 64)


def test_words_that_the_world_lacks_are_allowed_and_mean_nothing(world) -> None:
    _, clip, _ = world
    zebra, lion, star = (encoded(clip, f"a red {word}")[0][0] for word in ("zebra", "lion", "star"))
    assert bool(torch.isfinite(zebra).all())
    assert torch.equal(zebra, lion) and not torch.equal(zebra, star)


def test_words_can_be_weighed_as_in_any_prompt(world) -> None:
    _, clip, _ = world
    plain, strong = (encoded(clip, text)[0][0] for text in ("a red star", "a (red:1.5) star"))
    assert not torch.allclose(plain, strong, atol=1e-3)


@pytest.mark.parametrize(
    "text", [RED, "an orange cross growing on a pink checkered background", ""]
)
def test_the_text_encoder_in_training_is_comfyuis(weights, world, text: str) -> None:
    """ComfyUI's adds in place, so that training has one of its own."""
    words = Words()
    model = TextToImage(words, seed=0)
    model.load(weights)
    with torch.no_grad():
        trained = model.text(torch.tensor([words.rows(text)]))
    ((used, _),) = encoded(world[1], text)
    assert trained.std() > 0.1
    torch.testing.assert_close(trained, used.float(), atol=1e-5, rtol=1e-5)


def test_a_word_that_no_caption_says_means_nothing() -> None:
    """Its row is as random as it began; in a file it is as any other word's of no meaning."""
    words = Words()
    model = TextToImage(words, seed=0)
    values = model.state_dict()
    named = model.file_tensors(values, words)
    kept = values["text.transformer.text_model.embeddings.token_embedding.weight"]
    assert (kept[words.unsaid] != 0).all() and not named[TOKENS][words.unsaid].any()
    others = [row for row in range(len(words.ids)) if row not in words.unsaid]
    assert torch.equal(named[TOKENS][others], kept[others])


def test_the_unet_in_training_is_comfyuis(weights, world) -> None:
    model = TextToImage(Words(), seed=0)
    model.load(weights)
    ours, theirs = model.unet.state_dict(), world[0].model.diffusion_model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key].float()) for key in ours)


@pytest.mark.parametrize("frames", [1, 5])
def test_pictures_go_to_8x8_latents_and_back(world, frames: int) -> None:
    _, _, vae = world
    pictures = torch.rand((frames, 64, 64, 3), generator=torch.Generator().manual_seed(3))
    latents = vae.encode(pictures)
    decoded = vae.decode(latents)
    assert latents.shape == (frames, 4, 8, 8) and decoded.shape == pictures.shape
    assert 0 <= float(decoded.min()) and float(decoded.max()) <= 1
    assert float(decoded.std()) > 0.01 and torch.equal(vae.decode(latents), decoded)
    assert len({picture.numpy().tobytes() for picture in decoded}) == frames


def test_the_autoencoder_works_in_tiles_and_crops_odd_sizes(world) -> None:
    _, _, vae = world
    picture = torch.rand((1, 100, 131, 3), generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        latent = vae.encode(picture)
        tiled = vae.encode_tiled(picture, tile_x=64, tile_y=64, overlap=16)
        decoded = vae.decode(latent)
        in_tiles = vae.decode_tiled(latent, tile_x=8, tile_y=8, overlap=2)
    assert latent.shape == tiled.shape == (1, 4, 12, 16)
    assert decoded.shape == in_tiles.shape == (1, 96, 128, 3)
    assert not torch.equal(in_tiles, decoded)
    assert torch.corrcoef(torch.stack([in_tiles.flatten(), decoded.flatten()]))[0, 1] > 0.9


def test_the_autoencoder_tells_its_own_size(weights, world) -> None:
    _, _, vae = world
    count = sum(weight.numel() for weight in part(weights, PICTURE_PREFIX).values())
    size = count * torch.finfo(vae.vae_dtype).bits // 8
    assert vae.model_size() == vae.patcher.model_size() == size


@pytest.fixture
def previews() -> Iterator[None]:
    before = comfy.cli_args.args.preview_method
    comfy.cli_args.args.preview_method = comfy.cli_args.LatentPreviewMethod.Auto
    yield
    comfy.cli_args.args.preview_method = before


def test_previews_show_the_latents_in_the_worlds_colours(weights, world, previews) -> None:
    model = world[0]
    latent = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(5)) / 4
    previewer = latent_preview.get_previewer(torch.device("cpu"), model.model.latent_format)
    shown = numpy.asarray(previewer.decode_latent_to_preview(latent), dtype=numpy.float32)
    *factors, bias = weights[PREVIEW].float().unbind()
    colours = torch.einsum("chw,cr->hwr", latent[0], torch.stack(factors)) + bias
    expected = ((colours + 1) / 2).clamp(0, 1) * 255
    assert shown.shape == (8, 8, 3)
    assert float(abs(torch.from_numpy(shown) - expected).max()) <= 1.5
    assert len({pixel.tobytes() for pixel in shown.reshape(-1, 3)}) > 20


def test_comfyuis_own_models_stay_as_they_are(world) -> None:
    assert world[0].model.model_config.__class__ is SmallWorld
    assert SmallWorld not in comfy.supported_models.models
    assert comfy.supported_models.SD15.unet_config["context_dim"] == 768
    own, sd15 = world[0].model.latent_format, comfy.latent_formats.SD15()
    assert own.latent_rgb_factors != sd15.latent_rgb_factors
    assert sd15.taesd_decoder_name == "taesd_decoder"


def test_a_saved_checkpoint_is_the_base_under_sd15s_names(
    weights, world, own_models, tmp_path
) -> None:
    model, clip, vae = world
    moving = animated(model)
    sampled(moving, clip)
    path = tmp_path / "saved.safetensors"
    comfy.sd.save_checkpoint(str(path), moving, clip, vae)
    saved = load_file(path)
    unsaved = {TOKENS, f"{TEXT_PREFIX}text_projection.weight"}  # SD1.5 has no projection
    for key, weight in weights.items():
        if key not in unsaved and key.startswith((UNET_PREFIX, TEXT_PREFIX, PICTURE_PREFIX)):
            assert torch.equal(saved[key].float(), weight.float()), key
    assert saved[TOKENS].shape == (49408, 64)
    assert {key for key in saved if key.startswith(UNET_PREFIX)} == {
        key for key in weights if key.startswith(UNET_PREFIX)
    }


def test_loras_find_every_layer_by_the_usual_names(world) -> None:
    model, clip, _ = world
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    spatial = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    assert names[f"lora_unet_{spatial}"].startswith("diffusion_model.input_blocks.1.1.")
    assert set(names.values()) >= {
        f"diffusion_model.{key}"
        for key in model.model.diffusion_model.state_dict()
        if ".attn" in key and key.endswith("weight")
    }
    words = comfy.lora.model_lora_keys_clip(clip.cond_stage_model, {})
    assert "lora_te_text_model_encoder_layers_1_self_attn_q_proj" in words


def test_a_lora_of_the_text_encoder_changes_what_prompts_say(world) -> None:
    model, clip, _ = world
    layer = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    random = torch.Generator().manual_seed(6)
    lora = {
        f"{layer}.lora_up.weight": torch.randn((256, 2), generator=random),
        f"{layer}.lora_down.weight": torch.randn((2, 64), generator=random),
    }
    plain = encoded(clip, RED)[0][0]
    _, changed = comfy.sd.load_lora_for_models(model, clip, lora, 1.0, 1.0)
    assert not torch.allclose(encoded(changed, RED)[0][0], plain, atol=1e-3)
    assert torch.equal(encoded(clip, RED)[0][0], plain)
