"""The TOML file of a run from the command line, checked wholly before anything is loaded.

    [model]     checkpoint, motion_model, domain_adapter, domain_adapter_scale, loras
    [clips]     source, cache, frames, stride, width, height, captions...
    [stage]     name, rank, family, start
    [training]  the fields of TrainingSettings
    [output]    folder, name, spelling

Paths are relative to the file's own folder. training/example.toml says what each key means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...motion_models.specs import FAMILIES
from ..data.captions import CAPTIONS
from ..engine.config import TrainingSettings
from ..engine.export import SPELLINGS, check_name
from ..files.text import read_text
from ..models.lora_sites import check_rank
from ..models.stages import DOMAIN_ADAPTER, MOTION_LORA, MOTION_MODULE
from .toml_tables import Lora, parse_table, toml_reader

STAGES = (DOMAIN_ADAPTER, MOTION_MODULE, MOTION_LORA)


@dataclass(frozen=True)
class ModelTable:
    checkpoint: Path
    motion_model: Path | None = None
    domain_adapter: Path | None = None
    domain_adapter_scale: float = 1.0
    loras: tuple[Lora, ...] = ()


@dataclass(frozen=True)
class ClipsTable:
    """What VideoSettings takes, but for its captions from files alone; `cache` gets the encoded
    clips."""

    source: Path
    cache: Path
    frames: int = 16
    stride: int = 4
    width: int = 256
    height: int = 256
    captions: str = CAPTIONS[0]
    caption: str = ""
    seed: int = 0
    clips_per_video: int = 1
    mirror: bool = False
    aspect_buckets: bool = False


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
    model: ModelTable
    clips: ClipsTable
    stage: StageTable
    training: TrainingSettings
    output: OutputTable


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
        if name not in TABLES:
            raise ValueError(f"[{name}] is no table; the tables are {', '.join(TABLES)}.")
        if not isinstance(table, dict):
            raise ValueError(f"{name} must be a table, [{name}].")
    parts = {
        name: parse_table(kind, tables.get(name, {}), name, folder) for name, kind in TABLES.items()
    }
    config = RunConfig(**parts)
    check_values(config, tables)
    check_files(config)
    return config


def check_values(config: RunConfig, tables: Mapping[str, Any]) -> None:
    """Raise ValueError for values that mean nothing, alone or together."""
    clips, stage, model = config.clips, config.stage, config.model
    choose("[stage] name", stage.name, STAGES)
    choose("[stage] family", stage.family, tuple(FAMILIES))
    choose("[output] spelling", config.output.spelling, SPELLINGS)
    choose("[clips] captions", clips.captions, CAPTIONS)
    for name in ("frames", "stride", "clips_per_video"):
        if getattr(clips, name) < 1:
            raise ValueError(f"[clips] {name} is {getattr(clips, name)}; it must be at least 1.")
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
        "[stage] rank": stage.name == MOTION_MODULE and "rank" in tables["stage"],
        "[stage] family": "family" in tables["stage"]
        and (stage.name != MOTION_MODULE or model.motion_model is not None),
        "[stage] start": stage.name != MOTION_LORA and stage.start is not None,
        "[model] domain_adapter_scale": model.domain_adapter is None
        and "domain_adapter_scale" in tables["model"],
    }
    for place, is_useless in useless.items():
        if is_useless:
            raise ValueError(f"{place} has no effect here; take it out. {reason(place)}")


def reason(place: str) -> str:
    """Why a key has no effect."""
    return {
        "[model] motion_model": "A domain adapter is trained without motion.",
        "[stage] rank": "A motion module is trained whole.",
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
    if not config.clips.source.exists():
        raise ValueError(f"[clips] source: there is no file or folder {config.clips.source}.")
    for place, path in (("cache", config.clips.cache), ("folder", config.output.folder)):
        if path.exists() and not path.is_dir():
            table = "clips" if place == "cache" else "output"
            raise ValueError(f"[{table}] {place}: {path} is a file; it must be a folder.")
