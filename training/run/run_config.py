"""The TOML file of a run from the command line, checked wholly before anything is loaded.

    [model]     checkpoint, motion_model, domain_adapter, domain_adapter_scale, loras
    [clips]     source, cache, frames, stride, width, height, captions...
    [[sources]] the same but cache, in the place of [clips] source, once for each; what one leaves
                out is as [clips] has it
    [stage]     name, rank, family, start, axes, clips, pictures, look_steps
    [training]  the fields of TrainingSettings
    [output]    folder, name, spelling

Paths are relative to the file's own folder. training/example.toml says what each key means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..data.captions import CAPTIONS
from ..data.video_settings import VideoSettings
from ..data.walk import MayRead, anything
from ..engine.config import TrainingSettings
from ..engine.export import SPELLINGS, check_name
from ..files.text import read_text
from ..models.stages import DOMAIN_ADAPTER, MOTION_LORA
from .camera_move_checks import check_names, check_pictures
from .stage_table import CAMERA_MOVE, StageTable, check_stage, choose, useless_keys
from .toml_tables import Lora, parse_table, toml_reader


@dataclass(frozen=True)
class ModelTable:
    checkpoint: Path
    motion_model: Path | None = None
    domain_adapter: Path | None = None
    domain_adapter_scale: float = 1.0
    loras: tuple[Lora, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ClipsTable(VideoSettings):
    """A source, and how clips are cut from it; `cache` gets the encoded clips of all sources.
    repeats: how often an epoch shows each clip"""

    source: Path
    cache: Path
    repeats: int = 1

    def settings(self) -> VideoSettings:
        return VideoSettings(**{f.name: getattr(self, f.name) for f in fields(VideoSettings)})


@dataclass(frozen=True)
class OutputTable:
    """folder: gets the checkpoints, the previews and `name`.safetensors."""

    folder: Path
    name: str
    spelling: str = SPELLINGS[0]


@dataclass(frozen=True)
class RunConfig:
    """clips: of each source"""

    model: ModelTable
    clips: tuple[ClipsTable, ...]
    stage: StageTable
    training: TrainingSettings
    output: OutputTable


SOURCES = "sources"

TABLES: dict[str, Any] = {
    "model": ModelTable,
    "clips": ClipsTable,
    "stage": StageTable,
    "training": TrainingSettings,
    "output": OutputTable,
}


def read_config(path: Path, may_read: MayRead = anything) -> RunConfig:
    """may_read: asked of each place that the file names, before it is looked at. Raises ValueError
    that names the file and the key of the first fault, and what `may_read` raises."""
    path = path.resolve()
    reader = toml_reader()
    try:
        tables = reader.loads(read_text(path, "it"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    except ValueError as error:  # TOMLDecodeError among them
        raise ValueError(f"{path.name} is no TOML file: {str(error).rstrip('.')}.") from error
    try:
        return parse(tables, path.parent, may_read)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def parse(tables: Mapping[str, Any], folder: Path, may_read: MayRead = anything) -> RunConfig:
    """Raises ValueError that names the key of the first fault."""
    for name, table in tables.items():
        if name == SOURCES:
            continue
        if name not in TABLES:
            known = ", ".join((*TABLES, SOURCES))
            raise ValueError(f"[{name}] is no table; the tables are {known}.")
        if not isinstance(table, dict):
            raise ValueError(f"{name} must be a table, [{name}].")
    parts = {
        name: parse_table(kind, tables.get(name, {}), name, folder)
        for name, kind in TABLES.items()
        if name != "clips"
    }
    config = RunConfig(clips=sources_of(tables, folder), **parts)
    for place in places_read(config):
        may_read(place)
    check_values(config, tables)
    check_files(config)
    return config


def sources_of(tables: Mapping[str, Any], folder: Path) -> tuple[ClipsTable, ...]:
    """A table for each source. Raises ValueError that names the first fault."""
    shared, entries = tables.get("clips", {}), tables.get(SOURCES)
    if entries is None:
        return (parse_table(ClipsTable, shared, "clips", folder),)
    if not (isinstance(entries, list) and entries and all(isinstance(e, dict) for e in entries)):
        raise ValueError(f"{SOURCES} must be tables, each under a line [[{SOURCES}]].")
    if "source" in shared:
        raise ValueError("[clips] source stands beside [[sources]]; write a [[sources]] for it.")
    for key in shared:
        if key not in {field.name for field in fields(ClipsTable)}:
            parse_table(ClipsTable, {"source": "", **shared}, "clips", folder)
    found: list[ClipsTable] = []
    for entry in entries:
        if "cache" in entry:
            raise ValueError("[[sources]] cache: all sources share that of [clips]; take it out.")
        found.append(parse_table(ClipsTable, {**shared, **entry}, f"[{SOURCES}]", folder))
    return tuple(found)


def check_values(config: RunConfig, tables: Mapping[str, Any]) -> None:
    """Raise ValueError for values that mean nothing, alone or together."""
    stage, model = config.stage, config.model
    check_stage(stage)
    choose("[output] spelling", config.output.spelling, SPELLINGS)
    for clips in config.clips:
        check_clips(clips, "[clips]" if SOURCES not in tables else f"[[{SOURCES}]]")
    for place, check in (
        ("[training]", config.training.check),
        ("[output] name", lambda: check_name(config.output.name)),
    ):
        try:
            check()
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
    if stage.name in (MOTION_LORA, CAMERA_MOVE) and model.motion_model is None:
        raise ValueError("[model] motion_model is missing: a MotionLoRA is trained on one.")
    for place, why in useless(config, tables).items():
        raise ValueError(f"{place} has no effect here; take it out. {why}")
    if stage.name == CAMERA_MOVE:
        check_camera_move(config, tables)


def check_camera_move(config: RunConfig, tables: Mapping[str, Any]) -> None:
    """Raise ValueError for what a camera move cannot be trained with."""
    if SOURCES in tables:
        raise ValueError(
            "[[sources]] cannot be joined for a camera move; name one folder of pictures, or a "
            "file of prompts, in [clips] source."
        )
    table = config.clips[0]
    check_pictures(table.source, table.settings(), tables["clips"], tables["stage"])
    check_names(config.output.name, config.stage.axes)


def useless(config: RunConfig, tables: Mapping[str, Any]) -> dict[str, str]:
    """Keys that are written and have no effect, each with the reason."""
    stage, model = config.stage, config.model
    found: dict[str, str] = {}
    if stage.name == DOMAIN_ADAPTER and model.motion_model is not None:
        found["[model] motion_model"] = "A domain adapter is trained without motion."
    found |= useless_keys(stage, tables["stage"])
    if "family" in tables["stage"] and model.motion_model is not None:
        found["[stage] family"] = "Only a motion module that is trained from zero is given one."
    if model.domain_adapter is None and "domain_adapter_scale" in tables["model"]:
        found["[model] domain_adapter_scale"] = "There is no domain_adapter."
    return found


def check_clips(clips: ClipsTable, place: str) -> None:
    """Raise ValueError for the first fault of a source."""
    if not clips.source.exists():
        raise ValueError(f"{place} source: there is no file or folder {clips.source}.")
    choose(f"{place} captions", clips.captions, CAPTIONS)
    for name in ("frames", "stride", "clips_per_video", "repeats"):
        if getattr(clips, name) < 1:
            raise ValueError(f"{place} {name} is {getattr(clips, name)}; it must be at least 1.")
    try:
        clips.settings().check()
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


def places_read(config: RunConfig) -> list[Path]:
    """The files and folders that a run reads."""
    model = config.model
    files = [model.checkpoint, model.motion_model, model.domain_adapter, config.stage.start]
    loras, sources = [lora.file for lora in model.loras], [table.source for table in config.clips]
    return [path for path in (*files, *loras, *sources) if path is not None]


def check_files(config: RunConfig) -> None:
    """Raise ValueError for the first file or folder that is not there."""
    model = config.model
    files = {
        "[model] checkpoint": [model.checkpoint],
        "[model] motion_model": [model.motion_model],
        "[model] domain_adapter": [model.domain_adapter],
        "[model] loras": [lora.file for lora in model.loras],
        "[stage] start": [config.stage.start],
    }
    for place, paths in files.items():
        for path in paths:
            if path is not None and not path.is_file():
                raise ValueError(f"{place}: there is no file {path}.")
    for place, path in (("cache", config.clips[0].cache), ("folder", config.output.folder)):
        if path.exists() and not path.is_dir():
            table = "clips" if place == "cache" else "output"
            raise ValueError(f"[{table}] {place}: {path} is a file; it must be a folder.")
