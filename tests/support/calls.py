"""What the UNet is called with, written down call by call."""

from __future__ import annotations

from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor


class Calls:
    """An APPLY_MODEL wrapper inside the pack's.

    seen: of each call, what transformer_options say under `keys`.   batches: of each call, the
    latents in it.   widths: of all calls, the latents' widths.
    """

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.seen: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self.widths: set[int] = set()

    def __call__(self, executor: Any, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        options = kwargs["transformer_options"] if "transformer_options" in kwargs else args[4]
        self.seen.append({key: options.get(key) for key in self.keys})
        self.batches.append(x.shape[0])
        self.widths.add(x.shape[3])
        return executor(x, *args, **kwargs)

    def prompts(self) -> list[tuple[int, list[int]]]:
        """Of each call, its latents and the kinds of its prompts (0 positive, 1 negative)."""
        kinds = [list(seen["cond_or_uncond"]) for seen in self.seen]
        return list(zip(self.batches, kinds, strict=True))


def recorded(model: ModelPatcher, *keys: str) -> tuple[ModelPatcher, Calls]:
    calls = Calls(*keys)
    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "calls", calls)
    return model, calls
