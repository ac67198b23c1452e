"""Trains the text-to-image models: the base from nothing, a personalised one from the base.

UNet and text encoder learn together to predict the noise in latents (Rombach et al. 2022, eq. 3);
the personalised model is the base trained on, with pictures of its style alone, as DreamBooth does
(Ruiz et al. 2023). It keeps the text encoder, and the UNet's lowest level, whose map is one latent.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.clip_model
import comfy.ops
import torch
from comfy.ldm.modules.attention import attention_pytorch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.ldm.modules.diffusionmodules.util import make_beta_schedule
from torch import Tensor, nn

from ..training.engine.losses import min_snr_weight
from ..training.models.denoiser import torch_attention
from ..training.models.private_copy import PlainLayers
from .initial import initialised
from .models import TEXT, TEXT_PREFIX, TOKEN_IDS, TOKENS, UNET, UNET_PREFIX, Tokenizer, part
from .words import COLOURS, GROUNDS, MOTIONS, PATTERNS, SHAPES

log = logging.getLogger(__name__)

CPU = torch.device("cpu")
STEPS = 1000
EMPTY = ""
UNSAID = "plain"
"""The pattern that captions leave out."""

LOW = (
    "time_embed.",
    "middle_block.",
    *(f"input_blocks.{i}." for i in range(7, 12)),
    *(f"output_blocks.{i}." for i in range(5)),
)
"""The UNet's layers whose maps are 2 x 2 latents or one, and those that read the time: they place
things, and a style is a matter of edges and colours."""


class Words:
    """Captions -> places in the table of token embeddings.

    The table has a row for each token of the world's words; `ids` are SD1's numbers of them.
    `unsaid`: the places that no caption trains. A file has zeros there, as for any other word.
    """

    def __init__(self) -> None:
        self.tokenizer = Tokenizer()
        words = [*SHAPES, *COLOURS, *GROUNDS, *PATTERNS, *MOTIONS.values()]
        text = " ".join(["a an on background", *words])
        self.ids = sorted(set(self.tokens(EMPTY)) | set(self.tokens(text)))
        self.places = {token: place for place, token in enumerate(self.ids)}
        unsaid = set(self.tokens(UNSAID)) - set(self.tokens(EMPTY))
        self.unsaid = [self.places[token] for token in unsaid]

    def tokens(self, caption: str) -> list[int]:
        (batch,) = self.tokenizer.tokenize_with_weights(caption)["l"]
        return [token for token, _ in batch]

    def rows(self, caption: str) -> list[int]:
        return [self.places[token] for token in self.tokens(caption)]


class TextModel(nn.Module):
    """The text encoder, differentiable: ComfyUI's own adds in place, which loses gradients.

    Parameter names are ComfyUI's, but for the table of embeddings, which has the rows of `Words`.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()
        ops = comfy.ops.disable_weight_init
        self.transformer = comfy.clip_model.CLIPTextModel(TEXT, torch.float32, "cpu", ops)
        self.text_model: Any = self.transformer.text_model
        self.text_model.embeddings.token_embedding = nn.Embedding(rows, TEXT["hidden_size"])

    def forward(self, rows: Tensor) -> Tensor:
        """rows: b t -> b t c"""
        embeddings = self.text_model.embeddings
        x = embeddings.token_embedding(rows) + embeddings.position_embedding.weight
        far = torch.full((x.shape[1],) * 2, -torch.finfo(x.dtype).max, device=x.device)
        mask = far.triu_(1)
        for layer in self.text_model.encoder.layers:
            x = x + layer.self_attn(layer.layer_norm1(x), mask, attention_pytorch)
            x = x + layer.mlp(layer.layer_norm2(x))
        return self.text_model.final_layer_norm(x)


class TextToImage(nn.Module):
    """UNet and text encoder of one model, in training."""

    def __init__(self, words: Words, seed: int) -> None:
        super().__init__()
        unet = UNetModel(**UNET, dtype=torch.float32, operations=PlainLayers)  # pyright: ignore
        self.unet = initialised(unet, seed, ("out_layers.3", "proj_out", "out.2"))
        self.text = initialised(TextModel(len(words.ids)), seed + 1)

    def forward(self, noisy: Tensor, t: Tensor, rows: Tensor) -> Tensor:
        """noisy: b 4 h w;   t: b, 0..T-1;   rows: b t -> b 4 h w"""
        options = {"optimized_attention_override": torch_attention}
        return self.unet(noisy, t.float(), context=self.text(rows), transformer_options=options)

    def load(self, weights: dict[str, Tensor]) -> None:
        """Weights of a checkpoint file."""
        self.unet.load_state_dict({k: w.float() for k, w in part(weights, UNET_PREFIX).items()})
        text = {k: w.float() for k, w in part(weights, TEXT_PREFIX).items()}
        self.text.transformer.load_state_dict(text)

    def freeze_but_style(self) -> None:
        """What a personalised model has in common with its base."""
        self.text.requires_grad_(False)
        for name, parameter in self.unet.named_parameters():
            parameter.requires_grad_(not name.startswith(LOW))

    def file_tensors(self, values: dict[str, Tensor], words: Words) -> dict[str, Tensor]:
        """The checkpoint's tensors under SD1.5's names."""
        named = {UNET_PREFIX + k: w for k, w in part(values, "unet.").items()}
        named.update({TEXT_PREFIX + k: w for k, w in part(values, "text.transformer.").items()})
        named[TOKENS] = named[TOKENS].clone()
        named[TOKENS][words.unsaid] = 0
        return {**named, TOKEN_IDS: torch.tensor(words.ids, dtype=torch.int32)}


@dataclass(frozen=True)
class Pictures:
    """A pool of encoded pictures.   latents: n 4 h w, scaled;   captions: n"""

    latents: Tensor
    captions: Sequence[str]


@dataclass(frozen=True)
class Recipe:
    """average: decay of the running average that is exported;   fall: the share of steps, at the
    end, over which the rate falls to 0;   snr_gamma: weight of min(SNR, gamma) / SNR (Hang et al.
    2023). Without it the noise of single pixels, which no caption tells, outweighs what goes where.
    """

    steps: int
    batch: int = 64
    rate: float = 1e-3
    warmup: int = 100
    average: float = 0.998
    dropout: float = 0.1
    fall: float = 0.2
    snr_gamma: float = 1.0
    seed: int = 0
    save_every: int = 100

    def rate_at(self, step: int) -> float:
        """Rises, stays, and falls at the end, so that a run can be made longer."""
        left = (self.steps - step) / (self.fall * self.steps)
        return self.rate * min(1.0, (step + 1) / self.warmup, left)


def signals() -> Tensor:
    """a_1..a_T of SD1.5's schedule.   -> T"""
    betas = make_beta_schedule("linear", STEPS, linear_start=0.00085, linear_end=0.012)
    return (1 - torch.as_tensor(betas)).cumprod(0).float()


class ImageTraining:
    """One run. Every step's draws hang on the seed and the step alone, so it can be resumed; they
    are the CPU's on every device."""

    def __init__(
        self,
        model: TextToImage,
        words: Words,
        pictures: Pictures,
        recipe: Recipe,
        folder: Path,
        device: torch.device = CPU,
    ) -> None:
        self.model, self.pictures, self.recipe, self.folder = model, pictures, recipe, folder
        self.device = device
        model.to(device)
        trained = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            trained, lr=recipe.rate, betas=(0.9, 0.99), weight_decay=0.01
        )
        self.average = {k: w.detach().clone() for k, w in model.state_dict().items()}
        self.signal = signals()
        self.rows = torch.tensor([words.rows(caption) for caption in pictures.captions])
        self.empty = torch.tensor(words.rows(EMPTY))
        self.step = 0

    @property
    def checkpoint(self) -> Path:
        return self.folder / "newest.ckpt"

    def resume(self) -> None:
        if self.checkpoint.is_file():
            state = torch.load(self.checkpoint, self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.average, self.step = state["average"], state["step"]

    def save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "step": self.step,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def loss(self, generator: torch.Generator) -> Tensor:
        recipe = self.recipe
        chosen = torch.randint(len(self.pictures.latents), (recipe.batch,), generator=generator)
        clean = self.pictures.latents[chosen]
        noise = torch.randn(clean.shape, generator=generator)
        t = torch.randint(STEPS, (recipe.batch,), generator=generator)
        rows = self.rows[chosen]
        rows[torch.rand(recipe.batch, generator=generator) < recipe.dropout] = self.empty
        a = self.signal[t].view(-1, 1, 1, 1)
        noisy = a.sqrt() * clean + (1 - a).sqrt() * noise
        predicted = self.model(*(part.to(self.device) for part in (noisy, t, rows)))
        weight = min_snr_weight(self.signal[t], recipe.snr_gamma).to(self.device)
        errors = (predicted - noise.to(self.device)).square().mean((1, 2, 3))
        return (errors * weight).mean()

    def train(self) -> None:
        total, count = 0.0, 0
        while self.step < self.recipe.steps:
            generator = torch.Generator().manual_seed(self.recipe.seed * 10**6 + self.step)
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.rate_at(self.step)
            loss = self.loss(generator)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.update_average()
            self.step += 1
            total, count = total + loss.item(), count + 1
            if self.step % 50 == 0:
                log.info("step %d: loss %.4f", self.step, total / count)
                total, count = 0.0, 0
            if self.step % self.recipe.save_every == 0:
                self.save()
        self.save()

    @torch.no_grad()
    def update_average(self) -> None:
        """Young averages forget faster, so that the random beginning does not last."""
        decay = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        for key, value in self.model.state_dict().items():
            self.average[key].lerp_(value, 1 - decay)
