"""A table of TOML -> a dataclass, every key known and every value of the right type."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any

from ..files.paths import expanded

KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    # a field's annotation -> the types that TOML may give it, and their name
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "str": ((str,), "a text in quotes"),
    "Path": ((str,), "a path in quotes"),
    "Path | None": ((str,), "a path in quotes"),
}

WHOLE_NUMBERS, TEXTS = "tuple[int, ...]", "tuple[str, ...]"


@dataclass(frozen=True)
class Lora:
    """A LoRA that is merged into the image model and its text encoder, and stays frozen."""

    file: Path
    strength: float = 1.0


def toml_reader() -> Any:
    """Python's own from 3.11 on, else tomli, which reads alike."""
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ValueError(
        "Python 3.10 reads no TOML by itself, and tomli is not installed. Install it with `pip "
        "install tomli`, or use Python 3.11 or later."
    )


def parse_table(kind: Any, table: Mapping[str, Any], place: str, folder: Path) -> Any:
    """The table as its dataclass, every value of the right type."""
    known = {field.name: field for field in fields(kind)}
    for key in table:
        if key not in known:
            raise ValueError(f"[{place}] {key} is no key; the keys are {', '.join(known)}.")
    for name, field in known.items():
        if field.default is MISSING and name not in table:
            raise ValueError(f"[{place}] {name} is missing.")
    return kind(
        **{key: value_of(known[key], v, f"[{place}] {key}", folder) for key, v in table.items()}
    )


def value_of(field: Field[Any], value: Any, place: str, folder: Path) -> Any:
    """A value of TOML as the field's type has it."""
    if field.name == "loras":
        return loras_of(value, place, folder)
    if field.type == WHOLE_NUMBERS:
        return list_of(int, "whole numbers", value, place)
    if field.type == TEXTS:
        return list_of(str, "texts in quotes", value, place)
    types, name = KINDS[str(field.type)]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise ValueError(f"{place} is {value!r}; it must be {name}.")
    if str(field.type).startswith("Path"):
        return folder / expanded(str(value))
    return float(value) if field.type == "float" else value


def list_of(kind: type, named: str, value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or any(type(one) is not kind for one in value):
        raise ValueError(f"{place} is {value!r}; it must be a list of {named}.")
    return tuple(value)


def loras_of(value: Any, place: str, folder: Path) -> tuple[Lora, ...]:
    """A list of paths, or of tables of a file and its strength."""
    if not isinstance(value, list):
        raise ValueError(f'{place} is {value!r}; it must be a list, such as ["style.safetensors"].')
    loras: list[Lora] = []
    for entry in value:
        table = {"file": entry} if isinstance(entry, str) else entry
        if not isinstance(table, dict):
            raise ValueError(
                f"{place} holds {entry!r}; an entry is a path, or a file and strength."
            )
        loras.append(parse_table(Lora, table, place.strip("[").replace("] ", "."), folder))
    return tuple(loras)
