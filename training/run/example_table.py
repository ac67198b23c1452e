"""The [training] table of example.toml: every setting as a new run has it, under what it does."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from ..engine.config import FIELDS
from ..engine.setting import Setting

WIDTH = 100


def training_table() -> str:
    """As TOML, from its header to its last line."""
    entries = [entry(name, known) for name, known in FIELDS.items()]
    return "\n".join(["[training]", *entries])


def entry(name: str, known: Setting) -> str:
    """A setting's comment, and the setting below it."""
    words = known.comment or known.tooltip
    if known.choices:
        words += f" One of {', '.join(map(toml_value, known.choices))}."
    lines = textwrap.wrap(words, WIDTH, initial_indent="# ", subsequent_indent="# ")
    return "\n".join([*lines, f"{name} = {toml_value(known.shown)}"])


def toml_value(value: Any) -> str:
    """Texts, numbers and truth are written as in JSON."""
    return json.dumps(value)
