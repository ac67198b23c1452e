"""Inputs of old nodes: the names, types and defaults are AnimateDiff-Evolved's."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from comfy_api.latest import io

from ...motion_models.folders import MOTION_LORAS, MOTION_MODELS, list_files
from ..weights_files import found

BETAS: dict[str, str | None] = {
    # the old name -> a name in BETA_SCHEDULES; None keeps what the model has
    "autoselect": None,
    "use existing": None,
    "sqrt_linear (AnimateDiff)": "AnimateDiff",
    "linear (AnimateDiff-SDXL)": "AnimateDiff-SDXL",
    "linear (HotshotXL/default)": "Stable Diffusion",
    "avg(sqrt_linear,linear)": "average",
    "lcm avg(sqrt_linear,linear)": "LCM average",
    "lcm": "LCM",
    "lcm[100_ots]": "LCM 100 steps",
    "lcm >> sqrt_linear": "LCM sqrt_linear",
    "sqrt": "sqrt",
    "cosine": "cosine",
    "squaredcos_cap_v2": "squaredcos_cap_v2",
}
CORE: Any = import_module("nodes")
"""ComfyUI's own module, which has the name of this pack's room."""

AUTOSELECT, USE_EXISTING = "autoselect", "use existing"
ACTIVE = [name for name, ours in BETAS.items() if ours is not None]
LARGE = 2**53 - 1


def socket(kind: str, name: str, optional: bool = True) -> Any:
    return io.Custom(kind).Input(name, optional=optional)


def sockets(*pairs: str) -> list[Any]:
    """Optional sockets, each given as "TYPE name"."""
    return [socket(kind, name) for kind, name in (pair.split() for pair in pairs)]


def model() -> Any:
    return io.Model.Input("model")


def whole(
    name: str, default: int, low: int = 0, high: int = LARGE, optional: bool = False, **more: Any
) -> Any:
    return io.Int.Input(name, default=default, min=low, max=high, optional=optional, **more)


def number(
    name: str,
    default: float,
    low: float = 0.0,
    high: float = 10000.0,
    step: float = 0.001,
    optional: bool = False,
) -> Any:
    return io.Float.Input(name, default=default, optional=optional, min=low, max=high, step=step)


def percent(name: str, default: float, optional: bool = False) -> Any:
    return number(name, default, 0.0, 1.0, optional=optional)


def switch(name: str, default: bool = False, optional: bool = False) -> Any:
    return io.Boolean.Input(name, default=default, optional=optional)


def choice(
    name: str, options: list[str], default: str | None = None, optional: bool = False
) -> Any:
    """A list; without a default the page takes the first, as the old pack's lists do."""
    more: dict[str, Any] = {} if default is None else {"default": default}
    return io.Combo.Input(name, options=options, optional=optional, **more)


def betas(default: str) -> Any:
    return choice("beta_schedule", list(BETAS), default)


def motion_model() -> Any:
    return choice("model_name", list_files(MOTION_MODELS) or [""])


def motion_lora() -> Any:
    return choice("name", list_files(MOTION_LORAS) or [""])


def is_motion_model(name: Any) -> bool | str:
    return found(name, MOTION_MODELS)


def is_motion_lora(name: Any) -> bool | str:
    """ "None" stood for no file in the old lists."""
    return True if name == "None" else found(name, MOTION_LORAS)


def is_beta_schedule(name: Any) -> bool | str:
    if name in BETAS:
        return True
    return f"{name!r} is no beta schedule; choose one of {', '.join(BETAS)}."
