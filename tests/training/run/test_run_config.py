"""The TOML file of a run: every fault is found before anything is loaded, and names its key."""

from __future__ import annotations

import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.training.data.video_settings import VideoSettings
from animatediff_kit.training.engine.config import FIELDS, TrainingSettings
from animatediff_kit.training.run import run_config
from animatediff_kit.training.run.run_config import RunConfig, read_config
from animatediff_kit.training.run.toml_tables import Lora

EXAMPLE = Path(run_config.__file__).parents[1] / "example.toml"

GOOD: dict[str, dict[str, str]] = {
    "model": {"checkpoint": '"base.safetensors"', "motion_model": '"motion.ckpt"'},
    "clips": {"source": '"clips"', "cache": '"cache"'},
    "stage": {"name": '"motion_lora"'},
    "training": {"steps": "20"},
    "output": {"folder": '"run"', "name": '"zoom"'},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("base.safetensors", "motion.ckpt", "style.safetensors", "adapter.ckpt"):
        (tmp_path / name).touch()
    (tmp_path / "clips").mkdir()
    return tmp_path


def written(folder: Path, changes: dict[str, str | None] | None = None, extra: str = "") -> Path:
    """A good file, but for the changes: "table.key" -> its TOML, or None to leave it out."""
    tables = {name: dict(table) for name, table in GOOD.items()}
    for place, value in (changes or {}).items():
        table, key = place.split(".")
        if value is None:
            tables[table].pop(key)
        else:
            tables[table][key] = value
    lines = [extra]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {value}" for key, value in table.items())]
    path = folder / "zoom.toml"
    path.write_text("\n".join(lines))
    return path


def config(folder: Path, **changes: str | None) -> RunConfig:
    return read_config(written(folder, {k.replace("__", "."): v for k, v in changes.items()}))


def fault(path: Path) -> str:
    with pytest.raises(ValueError) as caught:
        read_config(path)
    return str(caught.value)


def test_a_short_file_has_the_defaults_of_the_nodes(folder: Path) -> None:
    found = config(folder)
    assert found.training == TrainingSettings(steps=20)
    assert (found.stage.rank, found.clips[0].frames, found.model.loras) == (64, 16, ())


def test_paths_are_relative_to_the_files_own_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    found = config(folder, clips__cache=f'"{folder}/far/cache"')
    assert found.model.checkpoint == folder / "base.safetensors"
    assert found.output.folder == folder / "run"
    assert found.clips[0].cache == folder / "far" / "cache"


def test_loras_are_paths_or_paths_with_a_strength(folder: Path) -> None:
    text = '["style.safetensors", { file = "adapter.ckpt", strength = 1 }]'
    assert config(folder, model__loras=text).model.loras == (
        Lora(folder / "style.safetensors", 1.0),
        Lora(folder / "adapter.ckpt", 1.0),
    )


def test_whole_numbers_stand_for_numbers(folder: Path) -> None:
    found = config(folder, training__weight_decay="0", training__ema="0.5").training
    assert (found.weight_decay, found.ema) == (0.0, 0.5)
    assert isinstance(found.weight_decay, float)


def test_the_example_names_every_key_with_its_default(folder: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("# family =", "# family")
    text = text.replace("# start =", "# start")
    others = {"family", "start", "axes", "clips", "pictures"}
    path = folder / "example.toml"
    path.write_text(text, encoding="utf-8")
    (folder / "models").mkdir()
    for name in ("v1-5-pruned-emaonly", "style"):
        (folder / "models" / f"{name}.safetensors").touch()
    for name in ("v3_sd15_mm.ckpt", "v3_sd15_adapter.ckpt"):
        (folder / "models" / name).touch()
    found = read_config(path)
    assert asdict(found.training) == {name: known.shown for name, known in FIELDS.items()}
    tables = run_config.toml_reader().loads(text)
    for name, kind in run_config.TABLES.items():
        named = set(tables[name]) | (others if name == "stage" else set())
        assert named == {field.name for field in fields(kind)}


FAULTS: list[tuple[dict[str, str | None], str]] = [
    ({"training.stepz": "3"}, "[training] stepz is no key; the keys are export_every, "),
    ({"training.steps": '"3"'}, "[training] steps is '3'; it must be a whole number."),
    ({"training.steps": "3.5"}, "[training] steps is 3.5; it must be a whole number."),
    ({"training.steps": "true"}, "[training] steps is True; it must be a whole number."),
    ({"training.learning_rate": "true"}, "[training] learning_rate is True; it must be a number."),
    (
        {"training.gradient_checkpointing": "1"},
        "[training] gradient_checkpointing is 1; it must be true or false.",
    ),
    ({"training.steps": "0"}, "[training]: The training setting steps is 0; it must be at least"),
    ({"training.schedule": "2"}, "[training] schedule is 2; it must be a text in quotes."),
    ({"model.checkpoint": None}, "[model] checkpoint is missing."),
    ({"model.checkpoint": "5"}, "[model] checkpoint is 5; it must be a path in quotes."),
    ({"model.checkpoint": '"no.ckpt"'}, "[model] checkpoint: there is no file "),
    ({"model.checkpoint": '"clips"'}, "[model] checkpoint: there is no file "),
    ({"model.motion_model": '"no.ckpt"'}, "[model] motion_model: there is no file "),
    ({"model.motion_model": None}, "[model] motion_model is missing: a MotionLoRA is trained on"),
    ({"model.domain_adapter": '"no.ckpt"'}, "[model] domain_adapter: there is no file "),
    ({"model.domain_adapter_scale": "0.5"}, "[model] domain_adapter_scale has no effect here; "),
    ({"model.loras": '"style.safetensors"'}, "[model] loras is 'style.safetensors'; it must be a"),
    ({"model.loras": "[3]"}, "[model] loras holds 3; an entry is a path, or a file and strength."),
    ({"model.loras": '["no.safetensors"]'}, "[model] loras: there is no file "),
    (
        {"model.loras": '[{ file = "style.safetensors", scale = 2 }]'},
        "[model.loras] scale is no key; the keys are file, strength.",
    ),
    ({"model.loras": "[{ strength = 2 }]"}, "[model.loras] file is missing."),
    ({"clips.source": '"films"'}, "[clips] source: there is no file or folder "),
    ({"clips.cache": '"style.safetensors"'}, "[clips] cache: "),
    ({"clips.frames": "0"}, "[clips] frames is 0; it must be at least 1."),
    ({"clips.captions": '"none"'}, "[clips] captions is 'none'; it must be one of sidecar, file n"),
    ({"stage.name": '"lora"'}, "[stage] name is 'lora'; it must be one of domain_adapter, motion_"),
    ({"stage.rank": "0"}, "[stage] rank: The rank is 0; it must be from 1 to 1024."),
    ({"stage.family": '"v3"'}, "[stage] family has no effect here; take it out. Only a motion mod"),
    ({"stage.name": '"domain_adapter"'}, "[model] motion_model has no effect here; take it out. A"),
    (
        {"stage.name": '"motion_module"', "stage.rank": "4"},
        "[stage] rank has no effect here; take it out. A motion module or PIA model is trained "
        "whole.",
    ),
    ({"stage.start": '"no.safetensors"'}, "[stage] start: there is no file "),
    (
        {
            "stage.name": '"motion_module"',
            "stage.start": '"style.safetensors"',
        },
        "[stage] start has no effect here; take it out. Only a MotionLoRA is trained on from a f",
    ),
    ({"stage.family": '"v9"'}, "[stage] family is 'v9'; it must be one of v1, v2, v3, "),
    ({"output.name": '"../zoom"'}, "[output] name: '../zoom' is no name for a file; use letters,"),
    ({"output.spelling": '"kohya"'}, "[output] spelling is 'kohya'; it must be one of official, d"),
    ({"output.folder": '"base.safetensors"'}, "[output] folder: "),
]


@pytest.mark.parametrize(("changes", "message"), FAULTS)
def test_a_fault_is_named_with_its_file_and_key(
    changes: dict[str, str | None], message: str, folder: Path
) -> None:
    assert fault(written(folder, changes)).startswith(f"zoom.toml: {message}")


MOVE: dict[str, str | None] = {"stage.name": '"camera_move"', "stage.axes": '["zoom", "roll"]'}


def test_a_camera_move_has_axes(folder: Path) -> None:
    found = read_config(written(folder, {**MOVE, "clips.captions": '"file name"'}))
    assert found.stage.axes == ("zoom", "roll")
    assert (found.stage.clips, found.stage.pictures, found.stage.rank) == (64, 16, 64)
    (folder / "prompts.txt").write_text("a street\n\n a red car \n", encoding="utf-8")
    drawn = {**MOVE, "clips.source": '"prompts.txt"', "stage.pictures": "3"}
    assert read_config(written(folder, drawn)).stage.pictures == 3


def test_look_steps_are_of_a_motion_lora(folder: Path) -> None:
    assert config(folder).stage.look_steps == 0
    assert config(folder, stage__look_steps="300").stage.look_steps == 300


PROMPTS: dict[str, str | None] = {"clips.source": '"prompts.txt"'}
MOVE_FAULTS: list[tuple[dict[str, str | None], str]] = [
    ({"stage.axes": None}, "[stage] axes is missing: name what the camera does, such as axes = ["),
    ({"stage.axes": "[]"}, "[stage] axes is missing: name what the camera does, such as "),
    ({"stage.axes": '["dolly"]'}, "[stage] axes is 'dolly'; it must be one of zoom, pan, tilt, r"),
    ({"stage.axes": '["pan", "pan"]'}, "[stage] axes names 'pan' twice; each axis is trained onc"),
    ({"stage.axes": '"zoom"'}, "[stage] axes is 'zoom'; it must be a list of texts in quotes."),
    ({"stage.axes": "[3]"}, "[stage] axes is [3]; it must be a list of texts in quotes."),
    ({"stage.clips": "0"}, "[stage] clips is 0; it must be at least 1."),
    ({"stage.pictures": "0"}, "[stage] pictures is 0; it must be at least 1."),
    ({"stage.pictures": "8"}, "[stage] pictures has no effect here; take it out. The source's ow"),
    ({"stage.look_steps": "8"}, "[stage] look_steps has no effect here; take it out. Only a moti"),
    ({"stage.start": '"style.safetensors"'}, "[stage] start has no effect here; take it out."),
    ({"stage.family": '"v3"'}, "[stage] family has no effect here; take it out. Only a motion mo"),
    ({"model.motion_model": None}, "[model] motion_model is missing: a MotionLoRA is trained on"),
    ({"clips.fps": "8"}, "[clips] fps has no effect here; take it out. A camera moves over single"),
    ({"clips.images": "true"}, "[clips] images has no effect here; take it out. A camera moves"),
    ({"clips.frames": "1"}, "[clips] frames is 1; a camera moves over 2 or more."),
    ({**PROMPTS, "clips.trigger": '"zwx"'}, "[clips] trigger has no effect here; take it out. Th"),
    ({**PROMPTS, "stage.pictures": "2"}, "prompts.txt holds no prompt. Write what the pictures sh"),
    ({"output.name": f'"{"m" * 195}"'}, "[output] name: The name 'mmm"),
]


@pytest.mark.parametrize(("changes", "message"), MOVE_FAULTS)
def test_a_fault_of_a_camera_move_is_named(
    changes: dict[str, str | None], message: str, folder: Path
) -> None:
    (folder / "prompts.txt").write_text(" \n", encoding="utf-8")
    merged = {key: value for key, value in {**MOVE, **changes}.items() if value is not None}
    path = written(folder, merged if "model.motion_model" not in changes else {**merged, **changes})
    assert fault(path).startswith(f"zoom.toml: {message}")


def test_a_camera_move_has_one_source(folder: Path) -> None:
    path = written(folder, {**MOVE, "clips.source": None})
    path.write_text(f'{path.read_text()}\n[[sources]]\nsource = "clips"\n')
    assert fault(path).startswith("zoom.toml: [[sources]] cannot be joined for a camera move; name")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stage.axes": '["zoom"]'}, "[stage] axes has no effect here; take it out. Only a camera"),
        ({"stage.clips": "9"}, "[stage] clips has no effect here; take it out. Only a camera_mov"),
        ({"stage.pictures": "9"}, "[stage] pictures has no effect here; take it out. Only a came"),
        ({"stage.look_steps": "-1"}, "[stage] look_steps is -1; it must be at least 0."),
    ],
)
def test_keys_of_a_camera_move_are_of_no_other_stage(
    changes: dict[str, str | None], message: str, folder: Path
) -> None:
    assert fault(written(folder, changes)).startswith(f"zoom.toml: {message}")


def test_a_motion_module_from_zero_needs_no_motion_model(folder: Path) -> None:
    changes = dict(model__motion_model=None, stage__name='"motion_module"', stage__family='"v2"')
    assert config(folder, **changes).stage.family == "v2"


def test_a_pia_model_is_made_of_a_motion_model_or_of_nothing(folder: Path) -> None:
    for start in ('"motion.ckpt"', None):
        found = config(folder, model__motion_model=start, stage__name='"pia"')
        assert found.stage.name == "pia"
    refused = fault(written(folder, {"stage.name": '"pia"', "stage.rank": "4"}))
    assert refused == (
        "zoom.toml: [stage] rank has no effect here; take it out. "
        "A motion module or PIA model is trained whole."
    )


def test_unknown_tables_and_keys_outside_of_tables_are_named(folder: Path) -> None:
    assert fault(written(folder, extra="[optimizer]\nname = 1")).startswith(
        "zoom.toml: [optimizer] is no table; the tables are model, clips, stage, training, "
        "output, sources."
    )
    path = folder / "zoom.toml"
    path.write_text("training = 3")
    assert fault(path) == "zoom.toml: training must be a table, [training]."


def test_a_table_that_is_left_out_lacks_its_first_key(folder: Path) -> None:
    (folder / "zoom.toml").write_text("[training]\nsteps = 2")
    assert fault(folder / "zoom.toml") == "zoom.toml: [model] checkpoint is missing."


SOURCES = """
[[sources]]
source = "clips"
fps = 8
frame_buckets = [8, 16]
[[sources]]
source = "clips"
images = true
repeats = 4
width = 512
"""


def test_sources_have_settings_of_their_own(folder: Path) -> None:
    """What one leaves out is as [clips] has it."""
    changes: dict[str, str | None] = {
        "clips.source": None,
        "clips.width": "320",
        "clips.trigger": '"zwx"',
    }
    path = written(folder, changes)
    path.write_text(path.read_text() + SOURCES)
    videos, images = read_config(path).clips
    assert (videos.fps, videos.lengths, videos.width, videos.repeats) == (8.0, (16, 8), 320, 1)
    assert (images.images, images.repeats, images.width, images.trigger) == (True, 4, 512, "zwx")
    assert videos.cache == images.cache == folder / "cache"
    assert type(videos.settings()) is VideoSettings and videos.settings().trigger == "zwx"


@pytest.mark.parametrize(
    ("changes", "text", "message"),
    [
        ({}, SOURCES, "[clips] source stands beside [[sources]]; write a [[sources]] for it."),
        ({"clips.sauce": "3"}, SOURCES, "[clips] sauce is no key; the keys are frames, stride, "),
        ({}, "[[sources]]\nsauce = 3", "[[sources]] sauce is no key; the keys are frames, "),
        ({}, "[[sources]]\nfps = 8", "[[sources]] source is missing."),
        ({}, '[[sources]]\ncache = "x"', "[[sources]] cache: all sources share that of [clips]"),
        ({}, '[[sources]]\nsource = "no"', "[[sources]] source: there is no file or folder "),
        (
            {},
            '[[sources]]\nsource = "clips"\nframe_buckets = [8, "16"]',
            "[[sources]] frame_buckets is [8, '16']; it must be a list of whole numbers.",
        ),
        (
            {},
            '[[sources]]\nsource = "clips"\nfps = -1',
            "[[sources]]: fps is -1; set it from 0, which counts stored frames, to 1000.",
        ),
        (
            {},
            '[[sources]]\nsource = "clips"\nrepeats = 0',
            "[[sources]] repeats is 0; it must be at least 1.",
        ),
        ({}, "[sources]\nfps = 8", "sources must be tables, each under a line [[sources]]."),
    ],
)
def test_faults_of_sources(
    changes: dict[str, str | None], text: str, message: str, folder: Path
) -> None:
    beside = "stands beside" in message
    path = written(folder, changes if beside else {"clips.source": None, **changes})
    path.write_text(f"{path.read_text()}\n{text}\n")
    assert fault(path).startswith(f"zoom.toml: {message}")


def test_a_mark_at_the_start_tells_the_encoding(folder: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        (folder / "zoom.toml").write_text("[training]\nsteps = 2", encoding=encoding)
        assert fault(folder / "zoom.toml") == "zoom.toml: [model] checkpoint is missing."


def test_a_file_that_is_no_toml_or_not_there_is_named(folder: Path) -> None:
    path = folder / "zoom.toml"
    path.write_text("[model")
    assert fault(path).startswith("zoom.toml is no TOML file: ")
    path.write_bytes(b"[caf\xe9]")
    assert fault(path).startswith("zoom.toml is no TOML file: it is no text in UTF-8 (0xe9: ")
    assert fault(folder / "other.toml").endswith(
        "other.toml cannot be read (No such file or directory)."
    )


def test_python_without_a_reader_of_toml_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(folder)
    for name in ("tomllib", "tomli"):
        monkeypatch.setitem(sys.modules, name, None)
    assert fault(path) == (
        "Python 3.10 reads no TOML by itself, and tomli is not installed. Install it with `pip "
        "install tomli`, or use Python 3.11 or later."
    )


def test_tomli_stands_in_for_pythons_own_reader(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tomllib: Any = pytest.importorskip("tomllib")
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", tomllib)  # the same reader under its older name
    assert config(folder).training.steps == 20
