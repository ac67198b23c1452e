"""Writes locales/en, the nodes' own texts, which the other languages follow.

python benchmarks/english.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    enter_comfyui(cpu=True)
    from animatediff_kit.motion_models.folders import register_folders  # pyright: ignore
    from animatediff_kit.nodes import NODES  # pyright: ignore[reportMissingImports]
    from animatediff_kit.nodes.languages import category_texts, node_texts  # pyright: ignore

    register_folders()
    write("nodeDefs", node_texts(NODES))
    write("main", {"nodeCategories": category_texts(NODES)})


def write(name: str, texts: dict[str, Any]) -> None:
    path = ROOT / "locales" / "en" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(texts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
