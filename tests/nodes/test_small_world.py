"""Load Small World Models: what it gives, and what its page says that it understands."""

from __future__ import annotations

import re
from pathlib import Path

import comfy.sd
import pytest
from animatediff_kit.nodes.small_world import SmallWorldModels
from animatediff_kit.small_world.files import BASE, IMAGE_MODELS, NEON
from animatediff_kit.small_world.words import COLOURS, GROUNDS, MOTIONS, PATTERNS, SHAPES
from comfy.model_patcher import ModelPatcher

PAGE = Path(__file__).resolve().parents[2] / "web" / "docs" / "ADK_SmallWorldModels.md"


def test_it_offers_every_image_model_and_begins_with_the_base() -> None:
    (choice,) = SmallWorldModels.define_schema().inputs
    assert choice.options == list(IMAGE_MODELS) and choice.default == BASE
    for name in IMAGE_MODELS:
        assert f"{name}: " in choice.tooltip


def test_it_gives_what_nodes_of_comfyui_take() -> None:
    model, clip, vae = SmallWorldModels.execute(NEON).result
    assert isinstance(model, ModelPatcher) and model.patches
    assert isinstance(clip, comfy.sd.CLIP) and isinstance(vae, comfy.sd.VAE)


def test_an_unknown_image_model_is_told() -> None:
    with pytest.raises(ValueError, match="^'sepia' is no image model; choose one of base, outl"):
        SmallWorldModels.execute("sepia")


def test_its_page_names_every_word_of_the_world() -> None:
    told = dict(re.findall(r"^- \*\*(\w+)\*\*: (.+)\.$", PAGE.read_text(encoding="utf-8"), re.M))
    assert told["Colours"].split(", ") == list(COLOURS)
    assert told["Shapes"].split(", ") == list(SHAPES)
    motions = told["Motions"].partition("; ")[0].split(", ")
    assert motions == [phrase for phrase in MOTIONS.values() if phrase]
    grounds, patterns = told["Grounds"].split("; ")
    assert grounds.split(", ") == list(GROUNDS)
    assert re.split(", | or ", patterns) == list(PATTERNS)
