"""Writes the help pages of AnimateDiff-Evolved's ids, web/docs/<old id>.md, from their table.

python benchmarks/old_help_pages.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui

DOCS = Path(__file__).resolve().parent.parent / "web" / "docs"


def main() -> None:
    enter_comfyui(cpu=True)
    from animatediff_kit.motion_models.folders import register_folders  # pyright: ignore
    from animatediff_kit.nodes import NODES  # pyright: ignore[reportMissingImports]
    from animatediff_kit.nodes.evolved import OLD_NODES  # pyright: ignore
    from animatediff_kit.nodes.evolved.help_pages import help_page, names_of  # pyright: ignore

    register_folders()
    names = names_of(NODES)
    for old, node in OLD_NODES.items():
        text = help_page(old, node.title, names)
        (DOCS / f"{old}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
