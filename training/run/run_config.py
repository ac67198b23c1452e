"""The TOML file of a run from the command line, checked wholly before anything is loaded.

    [model]     checkpoint, motion_model, domain_adapter, domain_adapter_scale, loras
    [clips]     source, cache, frames, stride, width, height, captions...
    [[sources]] the same but cache, in the place of [clips] source, once for each; what one leaves
                out is as [clips] has it
    [stage]     name, rank, family, start
    [training]  the fields of TrainingSettings
    [output]    folder, name, spelling

Paths are relative to the file's own folder. training/example.toml says what each key means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ...motion_models.specs import FAMILIES
from ..data.captions import CAPTIONS
from ..data.video_settings import VideoSettings
from ..engine.config import TrainingSettings
from ..engine.export import SPELLINGS, check_name
from ..files.text import read_text
from ..models.lora_sites import check_rank
from ..models.stages import DOMAIN_ADAPTER, MOTION_LORA, MOTION_MODULE, PIA, WHOLE
from .toml_tables import Lora, parse_table, toml_reader

STAGES = (DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA, PIA)


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
class StageTable:
    """rank: of the LoRAs of stages 1 and 3;   family: of a new motion module;   start: a MotionLoRA
    to train on."""

    name: str
    rank: int = 64
    family: str = "v3"
    start: Path | None = None


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


def read_config(path: Path) -> RunConfig:
    """Raises ValueError that names the file and the key of the first fault."""
    path = path.resolve()
    reader = toml_reader()
    try:
        tables = reader.loads(read_text(path, "it"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    except ValueError as error:  # TOMLDecodeError among them
        raise ValueError(f"{path.name} is no TOML file: {str(error).rstrip('.')}.") from error
    try:
        return parse(tables, path.parent)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def parse(tables: Mapping[str, Any], folder: Path) -> RunConfig:
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
    choose("[stage] name", stage.name, STAGES)
    choose("[stage] family", stage.family, tuple(FAMILIES))
    choose("[output] spelling", config.output.spelling, SPELLINGS)
    for clips in config.clips:
        check_clips(clips, "[clips]" if SOURCES not in tables else f"[[{SOURCES}]]")
    for place, check in (
        ("[stage] rank", lambda: check_rank(stage.rank)),
        ("[training]", config.training.check),
        ("[output] name", lambda: check_name(config.output.name)),
    ):
        try:
            check()
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
    if stage.name == MOTION_LORA and model.motion_model is None:
        raise ValueError("[model] motion_model is missing: a MotionLoRA is trained on one.")
    useless = {
        "[model] motion_model": stage.name == DOMAIN_ADAPTER and model.motion_model is not None,
        "[stage] rank": stage.name in WHOLE and "rank" in tables["stage"],
        "[stage] family": "family" in tables["stage"]
        and (stage.name != MOTION_MODULE or model.motion_model is not None),
        "[stage] start": stage.name != MOTION_LORA and stage.start is not None,
        "[model] domain_adapter_scale": model.domain_adapter is None
        and "domain_adapter_scale" in tables["model"],
    }
    for place, is_useless in useless.items():
        if is_useless:
            raise ValueError(f"{place} has no effect here; take it out. {reason(place)}")


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


def reason(place: str) -> str:
    """Why a key has no effect."""
    return {
        "[model] motion_model": "A domain adapter is trained without motion.",
        "[stage] rank": "A motion module or PIA model is trained whole.",
        "[stage] family": "Only a motion module that is trained from zero is given one.",
        "[stage] start": "Only a MotionLoRA is trained on from a file.",
        "[model] domain_adapter_scale": "There is no domain_adapter.",
    }[place]


def choose(place: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{place} is {value!r}; it must be one of {', '.join(choices)}.")


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
