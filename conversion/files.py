"""Reads a workflow out of JSON, PNG, WebP or MP4; writes it as JSON, whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from . import ConversionError
from .mp4 import tags_of_mp4
from .picture_texts import texts_of_png, texts_of_webp

WORKFLOW, PROMPT = "workflow", "prompt"
"""The names under which ComfyUI writes a graph into a picture or a video."""

FORMATS = "give a workflow as JSON, or a PNG, WebP or MP4 that ComfyUI wrote"


def read(path: Path, prefer_prompt: bool = False) -> Any:
    """The JSON content of a file. A picture or video that holds both formats gives the page's, or
    the API's with `prefer_prompt`. Raises ConversionError with the reason."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConversionError(f"{path} cannot be read: {error.strerror}.") from None
    texts = texts_of(content, path)
    if texts is None:
        return parsed(as_text(content, path), path)
    names = (PROMPT, WORKFLOW) if prefer_prompt else (WORKFLOW, PROMPT)
    for name in names:
        if name in texts:
            return parsed(texts[name], path)
    raise ConversionError(
        f"{path} carries no workflow; it may have been saved by another program, or with "
        f"ComfyUI's --disable-metadata. Otherwise {FORMATS}."
    )


def texts_of(content: bytes, path: Path) -> dict[str, str] | None:
    """The texts that a picture or video carries, by name; None for other files."""
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return texts_of_png(content)
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return texts_of_webp(content)
        if content[4:8] == b"ftyp":
            return tags_of_mp4(content)
    except (ValueError, IndexError, ArithmeticError) as error:
        raise ConversionError(f"{path} is damaged: {error}.") from None
    return None


def as_text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConversionError(
            f"{path} is neither text nor a file that is known; {FORMATS}."
        ) from None


def parsed(text: str, path: Path) -> Any:
    """JSON; NaN, which early ComfyUI wrote, is null, as the page reads it."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except ValueError as error:
        raise ConversionError(f"{path} is not JSON ({error}); {FORMATS}.") from None
    except RecursionError:
        raise ConversionError(f"{path} is nested too deeply to be a workflow; {FORMATS}.") from None


def check_target(old: Path, new: Path, force: bool) -> None:
    """Raises ConversionError where writing would lose a file."""
    if new.exists() and old.exists() and new.samefile(old):
        raise ConversionError(f"{new} is the old workflow itself; name another file for the new.")
    if new.is_dir():
        raise ConversionError(f"{new} is a folder; name a file in it.")
    if new.exists() and not force:
        raise ConversionError(f"{new} is there already; name another file, or add --force.")
    if not new.parent.is_dir():
        raise ConversionError(f"The folder {new.parent} is not there; make it, or name another.")


def write(content: Any, path: Path) -> None:
    """Writes beside the file and moves it into place."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(0o666 & ~umask())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConversionError(f"{path} cannot be written: {error.strerror}.") from None


def umask() -> int:
    """What the process leaves off the permissions of new files."""
    current = os.umask(0)
    os.umask(current)
    return current
