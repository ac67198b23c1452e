"""A noise schedule whose tables are no weights of the model.

ComfyUI's samplings keep `sigmas` and `log_sigmas` as buffers. Its dynamic VRAM (0.33) puts buffers
back by the path `model_sampling.sigmas` when it loads a clone of the model, where the sampling of
another clone may stand by then: each goes on with the other's noise (ComfyUI's issue 16490). Here
the two are plain attributes, which loading neither sees nor sets.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from comfy.model_sampling import ModelSamplingDiscrete
from torch import Tensor

TABLES = ("sigmas", "log_sigmas")


class OwnTables(ModelSamplingDiscrete):
    """A sampling of the class behind this one in the order of bases, with tables of its own, both
    of n float32 values, the least noise first. `to` moves them, as it moves buffers."""

    def set_sigmas(self, sigmas: Tensor) -> None:
        self.sigmas, self.log_sigmas = sigmas.float(), sigmas.log().float()

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """As torch's; but a table that comes so is another sampling's, which a loader puts back."""
        if name not in TABLES:
            super().register_buffer(name, tensor, persistent)

    def _apply(self, fn: Callable[[Tensor], Tensor], *args: Any, **kwargs: Any) -> Any:
        super()._apply(fn, *args, **kwargs)
        for name in TABLES:
            setattr(self, name, fn(getattr(self, name)))
        return self


def with_own_tables(sampling: ModelSamplingDiscrete) -> Any:
    """A copy of a sampling, of its own class and with its attributes, whose tables are its own."""
    copied: Any = copy.copy(sampling)
    tables = {name: getattr(sampling, name) for name in TABLES}
    # a copied module shares this table with the first
    copied._buffers = {k: v for k, v in sampling._buffers.items() if k not in TABLES}
    copied.__class__ = owning(type(sampling))
    vars(copied).update(tables)
    return copied


def owning(kind: type) -> type:
    """A class of samplings with tables of their own, under its own name; itself where it has."""
    return kind if issubclass(kind, OwnTables) else type(kind.__name__, (OwnTables, kind), {})
