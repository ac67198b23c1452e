"""The pack's texts in other languages, and how a text of each is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

SCRIPTS = {"zh": "[\u4e00-\u9fff]", "zh-TW": "[\u4e00-\u9fff]"}
SCRIPTS |= {"ja": "[\u3040-\u30ff\u4e00-\u9fff]", "ko": "[\uac00-\ud7af]"}
"""A letter of each language, as a pattern."""


def locale(language: str, name: str) -> Any:
    """locales/<language>/<name>.json"""
    path = ROOT / "locales" / language / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))
