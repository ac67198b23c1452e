"""What a kind of node has on the page, from a server's `/object_info`: sockets, widgets, outputs.

The page saves a node's widget values by position: the required ones, then the optional ones, a
seed followed by its control and a file by its upload button.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Info = dict[str, Any]

VALUES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
SEEDS = ("seed", "noise_seed")
UPLOADS = {"image_upload": "image", "video_upload": "image"}


@dataclass(frozen=True)
class Entry:
    """An input of a kind: its name, type and options; `widget` is false for a socket."""

    name: str
    type: str
    options: dict[str, Any]
    optional: bool

    @property
    def widget(self) -> bool:
        return self.type in VALUES and not self.options.get("forceInput")

    @property
    def multiline(self) -> bool:
        return bool(self.options.get("multiline"))

    def default(self) -> Any:
        """What the page puts into a new node's widget."""
        choices = self.options.get("options") or [{"INT": 0, "FLOAT": 0.0}.get(self.type, "")]
        return self.options.get("default", choices[0])

    def after(self) -> list[Any]:
        """The values of the widgets that the page puts behind this one."""
        seed = self.type == "INT" and self.options.get("control_after_generate")
        has_control = seed or (
            self.name in SEEDS and self.options.get("control_after_generate") is not False
        )
        uploads = [value for key, value in UPLOADS.items() if self.options.get(key)]
        return ["fixed"] * bool(has_control) + uploads


@dataclass(frozen=True)
class Kind:
    """A class of nodes."""

    name: str
    entries: tuple[Entry, ...]
    outputs: tuple[tuple[str, str], ...]  # name, type

    @property
    def sockets(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.widget]

    @property
    def widgets(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.widget]


def kind_of(name: str, info: Info) -> Kind:
    """Raises ValueError where the server knows no such class."""
    if name not in info:
        raise ValueError(f"This ComfyUI has no node {name}; write it into graphs/newer.py.")
    about = info[name]
    outputs = zip(about["output_name"], about["output"], strict=True)
    return Kind(name, tuple(_entries(about["input"])), tuple(outputs))


def _entries(sections: Info) -> Iterator[Entry]:
    for section in ("required", "optional"):
        for name, (kind, *more) in sections.get(section, {}).items():
            options = dict(more[0]) if more else {}
            if isinstance(kind, list):  # a choice, as older nodes write it
                options.setdefault("options", kind)
                kind = "COMBO"
            yield Entry(name, kind, options, section == "optional")
