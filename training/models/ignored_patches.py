"""What other nodes have put on a model that its private copy has not: attention patches, wrappers
and hooks, which are functions of sampling and have no backward pass that can be relied on."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterator
from typing import Any

from comfy.model_patcher import ModelPatcher

from ...motion_models.low_rank import attached
from ...motion_models.position_tables import settings_of

log = logging.getLogger(__name__)


def tell_ignored(model: ModelPatcher) -> None:
    """One line in the log that names them all, where there are any."""
    names = ignored(model)
    if names:
        log.warning(
            "AnimateDiff Kit: training leaves out what nodes have put on the model beside LoRAs: "
            "%s. The weights are trained for the model without.",
            ", ".join(names),
        )


def ignored(model: ModelPatcher) -> list[str]:
    """Each by the name of its function or class and the file that it is from, such as
    "FreeU_V2.patch (comfy_extras.nodes_freelunch)"; once, however many layers it is on."""
    options = model.model_options
    transformer = options.get("transformer_options", {})
    places = [
        transformer.get("patches"),
        transformer.get("patches_replace"),
        transformer.get("optimized_attention_override"),
        transformer.get("wrappers"),
        options.get("model_function_wrapper"),
        model.wrappers,
        [injection.inject for part in model.injections.values() for injection in part],
        model.weight_wrapper_patches,
        [patch for name, patch in model.object_patches.items() if "diffusion_model" in name],
    ]
    names = [origin(part) for part in leaves(places)]
    if model.hook_patches:
        names.append("hooks that change weights during sampling")
    names += [f"{low_rank.name} with a strength over time" for low_rank in attached(model)]
    names += ["stretched positions"] if settings_of(model) else []
    return list(dict.fromkeys(names))


def leaves(nested: Any) -> Iterator[Any]:
    """What lies in dicts and lists of any depth."""
    if isinstance(nested, dict):
        nested = list(nested.values())
    if isinstance(nested, (list, tuple)):
        for part in nested:
            yield from leaves(part)
    elif nested is not None:
        yield nested


def origin(part: Any) -> str:
    """A function by the function or method that made it; an object by its class. The module's name
    without the folders that ComfyUI puts before that of a pack."""
    while isinstance(part, functools.partial):
        part = part.func
    named = part if hasattr(part, "__qualname__") else type(part)
    name = named.__qualname__.partition(".<locals>")[0]
    module = re.split(r"[\\/]", named.__module__)[-1]
    return f"{name} ({module})"
