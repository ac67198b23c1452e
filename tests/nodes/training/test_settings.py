"""Training Settings is made of the table of settings."""

from __future__ import annotations

from typing import Any

import pytest
from animatediff_kit.nodes.training.settings import FOLDED, SHOWN, TrainingSettingsNode
from animatediff_kit.training.engine.config import FIELDS, TrainingSettings

WIDGETS: dict[str, Any] = {i.id: i for i in TrainingSettingsNode.define_schema().inputs}
IN_FILES_ALONE = {
    "weight_decay",
    "clip_norm",
    "keep",
    "gradient_exchange",
    "export_keep",
    "tensorboard",
}


def test_every_setting_is_in_the_node_but_for_some() -> None:
    assert (*WIDGETS,) == (*SHOWN, *FOLDED)
    assert set(FIELDS) - set(WIDGETS) == IN_FILES_ALONE


@pytest.mark.parametrize("name", [*SHOWN, *FOLDED])
def test_a_widget_is_as_its_setting_says(name: str) -> None:
    widget, known = WIDGETS[name], FIELDS[name]
    assert (widget.default, widget.tooltip) == (known.shown, known.tooltip)
    kinds = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING"}
    kind = "COMBO" if known.choices else kinds[type(known.default)]
    assert widget.get_io_type() == kind
    assert widget.optional == known.added
    assert list(getattr(widget, "options", None) or ()) == list(known.choices)


@pytest.mark.parametrize("name", [n for n in WIDGETS if FIELDS[n].offered])
def test_whatever_a_widget_offers_can_be_trained_with(name: str) -> None:
    widget = WIDGETS[name]
    assert (widget.min, widget.max) == FIELDS[name].offered
    steps = widget.max if name in ("steps", "warmup") else 1000
    for value in (widget.min, widget.max):
        TrainingSettings(**{"steps": steps, name: value}).check()


@pytest.mark.parametrize("name", [n for n in WIDGETS if FIELDS[n].choices])
def test_every_choice_can_be_trained_with(name: str) -> None:
    for choice in FIELDS[name].choices:
        TrainingSettings(**{name: choice}).check()
