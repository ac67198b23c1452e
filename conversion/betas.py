"""Noise schedules: AnimateDiff-Evolved's names and ours for the same curve."""

from __future__ import annotations

from .graph import Wire
from .names import is_lcm
from .old_nodes import AUTOSELECT, USE_EXISTING
from .plan import Stays

AUTOMATIC, CHECKPOINT = "automatic", "checkpoint"

SCHEDULES: dict[str, str] = {
    USE_EXISTING: CHECKPOINT,
    "sqrt_linear (AnimateDiff)": "AnimateDiff",
    "linear (AnimateDiff-SDXL)": "AnimateDiff-SDXL",
    "linear (HotshotXL/default)": "Stable Diffusion",
    "avg(sqrt_linear,linear)": "average",
    "lcm": "LCM",
    "lcm[100_ots]": "LCM 100 steps",
    "lcm >> sqrt_linear": "LCM sqrt_linear",
    "lcm avg(sqrt_linear,linear)": "LCM average",
    "sqrt": "sqrt",
    "cosine": "cosine",
    "squaredcos_cap_v2": "squaredcos_cap_v2",
}
"""The old pack's names of the two linear curves are ComfyUI's, which are the other way round than
elsewhere."""


def beta_schedule(value: object, model_name: str = "") -> str:
    """Our name. "autoselect" goes by the motion model there as here, but for AnimateLCM, whose
    files it gave `lcm`."""
    if isinstance(value, Wire):
        raise Stays("its noise schedule comes through a link")
    if value == AUTOSELECT:
        return SCHEDULES["lcm"] if is_lcm(model_name) else AUTOMATIC
    if value not in SCHEDULES:
        raise Stays(f"this pack has no noise schedule {value!r}")
    return SCHEDULES[str(value)]


def without_motion(value: object) -> str:
    """Our name for a model that no motion model animates; "autoselect" left that alone."""
    return CHECKPOINT if value == AUTOSELECT else beta_schedule(value)
