"""Trains all that ships, one step after the other; recipes.toml says with what.

All goes through the pack's own engine: adapter, motion module and MotionLoRAs, and the LoRA of the
neon palette, as a user's would; autoencoder and image models with losses of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management as memory
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..motion_models.domain_adapter import apply_domain_adapter
from ..motion_models.load import load_motion_model
from ..training.data.cache import EncodedClips
from ..training.data.fill_cache import encode_clips
from ..training.engine.clip_loss import ClipLoss
from ..training.engine.config import TrainingSettings
from ..training.engine.export import file_tensors, metadata, save_weights
from ..training.engine.loop import Run
from ..training.files.fingerprints import digest_of
from ..training.models import stages
from ..training.models.conditioning import ModelInputs
from ..training.models.stages import DeviceAndDtype, Trainee
from . import files, train_autoencoder
from .models import PICTURE_PREFIX, PREVIEW, UNET_PREFIX, part
from .motions import MOVES
from .pictures import everything, stills
from .runs import Watch, trained
from .temporal_convolution import TEMPORAL_CONVOLUTION, convolution_module
from .train_autoencoder import AutoencoderRecipe
from .train_images import ImageLoss, ImageRecipe, Pictures, TextToImage, Words, averaged
from .world_clips import WorldClips

log = logging.getLogger(__name__)

CAMERA_MOVES = tuple(move for move in MOVES if move != "none")
PLAIN = dict(gradient_checkpointing=False, save_every=100, preview_every=0)
"""Settings of every stage: models as small as these need no saving of memory."""

ALIGNED_BY = 2000
"""Pictures by which the latents' scale is found."""


@dataclass
class Workshop:
    """folder: gets checkpoints and caches;   recipes: the tables of recipes.toml"""

    folder: Path
    recipes: Mapping[str, Any]

    def recipe(self, name: str) -> dict[str, Any]:
        """A table of recipes.toml. Moves of the camera share one; `like` names one to change."""
        if name in CAMERA_MOVES:
            camera = self.recipes["camera"]
            return {**camera, "clips": {"kind": name, **camera["clips"]}}
        recipe = dict(self.recipes[name])
        return {**self.recipe(recipe["like"]), **recipe} if "like" in recipe else recipe


def as_float16(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        k: (t.detach().half() if t.is_floating_point() else t).cpu().contiguous()
        for k, t in tensors.items()
    }


def about(name: str, **more: Any) -> dict[str, str]:
    entries = {"format": "pt", "model": f"AnimateDiff Kit's small world: {name}", **more}
    return {key: str(value) for key, value in entries.items()}


def autoencoder_file(shop: Workshop) -> Path:
    return shop.folder / "autoencoder.safetensors"


def train_pictures(shop: Workshop) -> None:
    recipe = AutoencoderRecipe(**shop.recipe("autoencoder"))
    folder, device = shop.folder / "autoencoder", memory.get_torch_device()
    pool = torch.from_numpy(everything(ALIGNED_BY, seed=1))
    model, preview = train_autoencoder.finished(
        train_autoencoder.train(folder, recipe, device), pool
    )
    tensors = {PICTURE_PREFIX + k: w for k, w in model.state_dict().items()}
    tensors[PREVIEW] = preview
    save_weights(autoencoder_file(shop), as_float16(tensors), about("pictures"))


def trained_autoencoder(shop: Workshop) -> Any:
    """As it ships, rounding included: this folder's, or where it has none, the base model's."""
    trained = autoencoder_file(shop)
    file = trained if trained.is_file() else files.CHECKPOINTS / "base.safetensors"
    return train_autoencoder.from_weights(part(files.weights_of(file), PICTURE_PREFIX))


def trained_images(shop: Workshop, name: str, start: Path | None) -> Run[ImageLoss]:
    """The run of an image model, from where it was stopped; from the model in `start`, if any."""
    recipe = shop.recipe(name)
    pictures = Pictures(*encoded_stills(shop, recipe.pop("pictures"), name))
    words = Words()
    model = TextToImage(words, seed=0)
    if start is not None:
        model.load(files.weights_of(start))
        model.freeze_but_style()
    device = memory.get_torch_device()
    loss = ImageLoss(model, words, pictures, ImageRecipe(**recipe), device)
    return trained(Run(loss, shop.folder / name, Watch()))


def encoded_stills(shop: Workshop, count: int, style: str) -> tuple[Tensor, list[str]]:
    """Drawn and encoded anew each time: it takes a minute or two."""
    log.info("Drawing %d pictures.", count)
    captions, drawn = stills(count, seed=0, style=style)
    model = trained_autoencoder(shop)
    return train_autoencoder.encode(model, torch.from_numpy(drawn)), captions


def image_tensors(run: Run[ImageLoss]) -> dict[str, Tensor]:
    return run.loss.model.file_tensors(averaged(run), Words())


def about_images(run: Run[ImageLoss], name: str) -> dict[str, str]:
    return about(name, steps=run.step, seed=run.settings.seed)


def train_base(shop: Workshop) -> None:
    run = trained_images(shop, files.BASE, None)
    tensors = {**image_tensors(run), **files.weights_of(autoencoder_file(shop))}
    path = files.CHECKPOINTS / "base.safetensors"
    save_weights(path, as_float16(tensors), about_images(run, "base"))


def train_outlined(shop: Workshop) -> None:
    run = trained_images(shop, files.OUTLINED, files.CHECKPOINTS / "base.safetensors")
    names = {UNET_PREFIX + name.removeprefix("unet.") for name in run.parameters}
    unet = {name: w for name, w in image_tensors(run).items() if name in names}
    path = files.CHECKPOINTS / "outlined.safetensors"
    save_weights(path, as_float16(unet), about_images(run, "outlined"))


def clips_for(shop: Workshop, name: str, clip: Any, vae: Any) -> EncodedClips:
    recipe = shop.recipe(name)
    table, folder = recipe["clips"], shop.folder / "clips" / place_of(recipe.get("like", name))
    log.info("Encoding %d clips for %s.", table["count"], name)
    with torch.inference_mode():
        encode_clips(WorldClips(**table), vae, clip, folder)
    return EncodedClips(folder)


def place_of(name: str) -> str:
    return name.replace(" ", "_")


def train_stage(shop: Workshop, name: str, folder: Path, file: str) -> None:
    """A stage of the pack's engine, as recipes.toml has it: one run, or several of which each goes
    on from the file of the one before."""
    recipe = shop.recipe(name)
    model, clip, vae = files.load(files.BASE)
    clips = clips_for(shop, name, clip, vae)
    if recipe.get("adapter"):
        adapter = files.weights_of(files.LORAS / files.ADAPTER)
        model = apply_domain_adapter(model, adapter, 1.0, files.ADAPTER)
    place, runs = shop.folder / place_of(name), list[Run]()
    for number, changes in enumerate(recipe.get("runs", [{}]), 1):
        settings = TrainingSettings(**{**PLAIN, **recipe["training"], **changes})
        start = as_float16(file_tensors(runs[-1])) if runs else None
        trainee = trainee_of(recipe, model, settings.seed, start)
        inner = place / f"run_{number}" if "runs" in recipe else place
        runs.append(
            trained(Run(ClipLoss(trainee, clips, ModelInputs(model), settings), inner, Watch()))
        )
    strength = recipe.get("strength", 1.0)
    tensors = at_strength(file_tensors(runs[-1]), strength)
    save_weights(folder / file, as_float16(tensors), about_runs(runs, strength))


def at_strength(tensors: Mapping[str, Tensor], strength: float) -> dict[str, Tensor]:
    """A LoRA in the authors' spelling that does at strength 1 what this one does at `strength`."""
    return {name: t * strength if ".up." in name else t for name, t in tensors.items()}


def about_runs(runs: Sequence[Run], strength: float = 1.0) -> dict[str, str]:
    """The last one's metadata, with the steps and the settings of all; and the strength that is in
    the file, part of the settings too, where it is not 1."""
    entries = metadata(runs[-1])
    decides: list[Any] = [run.settings.decides() for run in runs]
    if len(runs) > 1:
        entries["steps"] = str(sum(run.step for run in runs))
    if strength != 1:
        entries["strength"] = str(strength)
        decides.append({"strength": strength})
    if len(decides) > 1:
        entries["settings"] = digest_of(decides)
    return entries


def trainee_of(
    recipe: Mapping[str, Any],
    model: ModelPatcher,
    seed: int,
    start: Mapping[str, Tensor] | None = None,
) -> Trainee:
    where = placement()
    if recipe["stage"] == stages.DOMAIN_ADAPTER:
        return stages.domain_adapter(model, recipe["rank"], seed, where)
    if recipe["stage"] == stages.MOTION_MODULE:
        return stages.motion_module(model, None, "v3", seed, where)
    if recipe["stage"] == TEMPORAL_CONVOLUTION:
        return convolution_module(model, seed, where)
    motion = load_motion_model(str(files.MOTION_MODELS / files.MOTION_MODEL))
    return stages.motion_lora(model, motion, recipe["rank"], seed, where, start)


def placement() -> DeviceAndDtype:
    return DeviceAndDtype(memory.get_torch_device(), torch.float32)


def steps_of(shop: Workshop) -> dict[str, tuple[Path, Callable[[], None]]]:
    """Name -> the file that it makes, and what makes it; in order."""
    made: dict[str, tuple[Path, Callable[[], None]]] = {
        "autoencoder": (autoencoder_file(shop), lambda: train_pictures(shop)),
        "base": (files.CHECKPOINTS / "base.safetensors", lambda: train_base(shop)),
        "outlined": (files.CHECKPOINTS / "outlined.safetensors", lambda: train_outlined(shop)),
    }
    engine = {"neon": (files.LORAS, files.NEON_LORA), "adapter": (files.LORAS, files.ADAPTER)}
    engine["motion"] = (files.MOTION_MODELS, files.MOTION_MODEL)
    engine.update({m: (files.MOTION_LORAS, files.motion_lora(m)) for m in CAMERA_MOVES})
    for name, (folder, file) in engine.items():
        made[name] = (
            folder / file,
            lambda name=name, folder=folder, file=file: train_stage(shop, name, folder, file),
        )
    return made
