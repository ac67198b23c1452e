"""Whether AnimateDiff-Evolved is there: loaded before this pack, or about to be."""

from __future__ import annotations

from pathlib import Path

import folder_paths
import pytest
from animatediff_kit.motion_models.folders import register_folders
from animatediff_kit.nodes.evolved import OLD_NODES, evolved_nodes
from animatediff_kit.nodes.evolved.inputs import CORE
from comfy.cli_args import args

CODE = 'NODE_CLASS_MAPPINGS = {\n    "ADE_AnimateDiffLoaderWithContext": Loader,\n}\n'


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty custom_nodes."""
    register_folders()
    monkeypatch.setitem(
        folder_paths.folder_names_and_paths, "custom_nodes", ([str(tmp_path)], set())
    )
    return tmp_path


def install(packs: Path, folder: str, place: str = "animatediff/nodes.py") -> Path:
    root = packs / folder
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / "__init__.py").write_text("", encoding="utf-8")
    (root / place).write_text(CODE, encoding="utf-8")
    return root


def ids() -> list[str]:
    return [node.GET_SCHEMA().node_id for node in evolved_nodes()]


def test_alone_all_ids_are_ours(packs: Path) -> None:
    (packs / "another").mkdir()
    (packs / "another" / "__init__.py").write_text('NAME = "ADE_Other"', encoding="utf-8")
    assert ids() == list(OLD_NODES)


@pytest.mark.parametrize("place", ["animatediff/nodes.py", "__init__.py"])
@pytest.mark.parametrize("folder", ["ComfyUI-AnimateDiff-Evolved", "a fork of it", "zzz"])
def test_a_folder_that_will_be_loaded_later(packs: Path, folder: str, place: str) -> None:
    install(packs, folder, place)
    assert ids() == []


def test_it_is_loaded_already(packs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One id is enough: the nodes could not read what the others hand on."""
    monkeypatch.setitem(CORE.NODE_CLASS_MAPPINGS, "ADE_UseEvolvedSampling", object)
    assert ids() == []


def test_what_comfyui_will_not_load(packs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(packs, "ComfyUI-AnimateDiff-Evolved.disabled")
    root = install(packs, "unfinished")
    (root / "__init__.py").unlink()
    assert ids() == list(OLD_NODES)
    install(packs, "ComfyUI-AnimateDiff-Evolved")
    monkeypatch.setattr(args, "disable_all_custom_nodes", True)
    monkeypatch.setattr(args, "whitelist_custom_nodes", ["animatediff-kit"])
    assert ids() == list(OLD_NODES)
    monkeypatch.setattr(args, "whitelist_custom_nodes", ["ComfyUI-AnimateDiff-Evolved"])
    assert ids() == []
