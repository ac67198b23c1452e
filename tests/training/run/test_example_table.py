"""example.toml says of every setting what the table of settings says."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from animatediff_kit.training.engine.config import BY_STAGE, FIELDS, TrainingSettings
from animatediff_kit.training.engine.setting import Setting
from animatediff_kit.training.run import example_table
from animatediff_kit.training.run.example_table import entry, training_table
from animatediff_kit.training.run.toml_tables import toml_reader

EXAMPLE = Path(example_table.__file__).parents[1] / "example.toml"


def test_the_example_is_made_of_the_table() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    table = text[text.index("[training]") : text.index("\n\n[output]")]
    assert table == training_table(), "put training_table() into example.toml"


def test_the_table_is_toml_and_its_values_are_the_defaults() -> None:
    read = toml_reader().loads(training_table())["training"]
    assert list(read) == list(FIELDS)
    assert read == {**asdict(TrainingSettings()), "ema": BY_STAGE}
    assert all(type(read[name]) is type(known.default) for name, known in FIELDS.items())


def test_every_setting_is_commented_within_the_width() -> None:
    lines = training_table().splitlines()[1:]
    assert all(len(line) <= example_table.WIDTH for line in lines)
    before = dict(zip(lines[1:], lines, strict=False))
    settings = [line for line in lines if not line.startswith("#")]
    assert len(settings) == len(FIELDS)
    assert all(before[line].startswith("# ") for line in settings)


def test_a_comment_goes_before_the_tooltip_and_choices_are_named() -> None:
    known = Setting("b", "In the node.", comment="In the file.", choices=("a", "b"))
    assert entry("kind", known) == '# In the file. One of "a", "b".\nkind = "b"'
    assert entry("size", Setting(1e-7, "So large.")) == "# So large.\nsize = 1e-07"
