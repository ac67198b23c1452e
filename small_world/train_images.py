"""Trains the text-to-image models: the base from nothing, a personalised one from the base.

UNet and text encoder learn together to predict the noise in latents (Rombach et al. 2022, eq. 3);
the personalised model is the base trained on, with pictures of its style alone, as DreamBooth does
(Ruiz et al. 2023). It keeps the text encoder, and the UNet's lowest level, whose map is one latent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comfy.clip_model
import comfy.ops
import torch
from comfy.ldm.modules.attention import attention_pytorch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.ldm.modules.diffusionmodules.util import make_beta_schedule
from torch import Tensor, nn

from ..training.engine.loop import Run
from ..training.engine.losses import min_snr_weight
from ..training.models.denoiser import torch_attention
from ..training.models.private_copy import PlainLayers
from .initial import initialised
from .models import TEXT, TEXT_PREFIX, TOKEN_IDS, TOKENS, UNET, UNET_PREFIX, Tokenizer, part
from .runs import NetworkLoss, Recipe
from .words import COLOURS, GROUNDS, MOTIONS, PATTERNS, SHAPES

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
class ImageRecipe(Recipe):
    """fall: the share of steps, at the end, over which the rate falls to 0;   snr_gamma: weight of
    min(SNR, gamma) / SNR (Hang et al. 2023). Without it the noise of single pixels, which no
    caption tells, outweighs what goes where.
    """

    warmup: int = 100
    average: float = 0.998
    dropout: float = 0.1
    fall: float = 0.2
    snr_gamma: float = 1.0

    def rate_at(self, step: int) -> float:
        """Rises, stays, and falls at the end, so that a run can be made longer."""
        left = (self.steps - step) / (self.fall * self.steps)
        return self.rate * min(1.0, (step + 1) / self.warmup, left)


def signals() -> Tensor:
    """a_1..a_T of SD1.5's schedule.   -> T"""
    betas = make_beta_schedule("linear", STEPS, linear_start=0.00085, linear_end=0.012)
    return (1 - torch.as_tensor(betas)).cumprod(0).float()


class ImageLoss(NetworkLoss):
    """How far the predicted noise of pictures is from the noise that was added."""

    def __init__(
        self,
        model: TextToImage,
        words: Words,
        pictures: Pictures,
        recipe: ImageRecipe,
        device: torch.device = CPU,
    ) -> None:
        super().__init__(model, recipe, device)
        self.model, self.pictures, self.recipe = model, pictures, recipe
        self.signal = signals()
        self.rows = torch.tensor([words.rows(caption) for caption in pictures.captions])
        self.empty = torch.tensor(words.rows(EMPTY))

    def of(self, generator: torch.Generator) -> Tensor:
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


def averaged(run: Run[ImageLoss]) -> dict[str, Tensor]:
    """The running average of the trained weights, and the others as they are."""
    return {**run.loss.model.state_dict(), **run.weights()}
