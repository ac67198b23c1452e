"""The widget that shows all frames while they are sampled, and the way to the page."""

from __future__ import annotations

import base64
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io

from ..sampling.moving_preview import Show, add_moving_preview
from ..sampling.preview_sheet import Sheet
from .page import place_that_is_seen

EVENT = "animatediff_kit.preview"
"""Its WebSocket message; web/moving_preview.js listens to it."""


def preview_input() -> Any:
    return io.Boolean.Input(
        "preview",
        default=True,
        optional=True,
        tooltip="Plays all frames in the sampler's node while it works, once a second at most; the "
        "animation stays the same. It steps back where VideoHelperSuite's previews are on.",
    )


def with_preview(model: ModelPatcher, preview: bool) -> ModelPatcher:
    """The model, shown while it is sampled if that is wanted."""
    return add_moving_preview(model, page_that_looks) if preview else model


def page_that_looks() -> Show | None:
    """What sends a preview to the page that queued the graph, to the node that works now; None
    where no page is connected, as in a script."""
    place = place_that_is_seen()
    return None if place is None else lambda sheet: place.send(EVENT, **message(sheet))


def message(sheet: Sheet) -> dict[str, Any]:
    """What the page is told: the sheet as a data URL, and how to play it."""
    return {
        "image": "data:image/jpeg;base64," + base64.b64encode(sheet.as_jpeg()).decode(),
        "frames": sheet.frames,
        "columns": sheet.columns,
        "width": sheet.width,
        "height": sheet.height,
        "fps": sheet.fps,
    }
