"""Where weights files are looked for, under which names, and what is said when none is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import folder_paths
import pytest
from adk_tests.support import folders
from adk_tests.support.folders import register_folders
from animatediff_kit.motion_models.folders import (
    EXTENSIONS,
    LORAS,
    MOTION_LORAS,
    MOTION_MODELS,
    SHIPPED,
    find_file,
    list_files,
)
from animatediff_kit.small_world import files as small_world

HOMES = {
    # ComfyUI's name of a folder -> the user's own, where training writes
    MOTION_MODELS: "animatediff_models",
    MOTION_LORAS: "animatediff_motion_lora",
    LORAS: "loras",
}


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    return folders.install(tmp_path, monkeypatch)


def put(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return str(path)


def test_registering_creates_nothing(models):
    register_folders()
    assert folders.contents(models.parent) == set()
    for name, home in HOMES.items():
        assert folder_paths.get_folder_paths(name) == [str(models / home), SHIPPED[name]]


def test_registering_twice_changes_nothing(models):
    (models.parent / "custom_nodes/ComfyUI-AnimateDiff-Evolved/models").mkdir(parents=True)
    register_folders()
    once = {name: list(paths) for name, (paths, _) in folder_paths.folder_names_and_paths.items()}
    register_folders()
    assert once == {name: p for name, (p, _) in folder_paths.folder_names_and_paths.items()}
    assert len(once[MOTION_MODELS]) == len(set(once[MOTION_MODELS])) == 3


def test_folders_of_other_packs_are_read_where_they_exist(models):
    packs = models.parent / "custom_nodes"
    put(packs / "comfyui-animatediff" / "models" / "a.ckpt")
    put(packs / "ComfyUI-AnimateDiff-Evolved" / "models" / "b.ckpt")
    put(packs / "ComfyUI-AnimateDiff-Evolved" / "motion_lora" / "c.ckpt")
    put(models / "AnimateDiff" / "d.ckpt")
    register_folders()
    ours = folders.shipped(MOTION_MODELS)
    assert list_files(MOTION_MODELS) == ["a.ckpt", "b.ckpt", "d.ckpt", *ours]
    assert list_files(MOTION_LORAS) == ["c.ckpt", *folders.shipped(MOTION_LORAS)]


def test_what_is_registered_already_stays(models, tmp_path):
    elsewhere, extra = str(tmp_path / "disk2"), {".gguf"}
    folder_paths.folder_names_and_paths[MOTION_MODELS] = ([elsewhere], extra)
    register_folders()
    paths, extensions = folder_paths.folder_names_and_paths[MOTION_MODELS]
    assert paths == [elsewhere, str(models / "animatediff_models"), SHIPPED[MOTION_MODELS]]
    assert extensions == EXTENSIONS | {".gguf"}
    put(tmp_path / "disk2" / "mine.safetensors")
    assert find_file("mine.safetensors", MOTION_MODELS) == str(tmp_path / "disk2/mine.safetensors")


def test_every_extension_is_listed_and_no_other(models):
    register_folders()
    for extension in (*EXTENSIONS, ".txt", ".yaml", ".json"):
        put(models / "animatediff_models" / f"m{extension}")
    mine = sorted(f"m{extension}" for extension in EXTENSIONS)
    assert list_files(MOTION_MODELS) == [*mine, *folders.shipped(MOTION_MODELS)]


@pytest.mark.parametrize("name", ["sd15/v3/m.ckpt", r"sd15\v3\m.ckpt", r"sd15/v3\m.ckpt"])
def test_slashes_of_either_system_find_the_file(models, name):
    register_folders()
    path = put(models / "animatediff_models" / "sd15" / "v3" / "m.ckpt")
    assert find_file(name, MOTION_MODELS) == path
    mine = os.path.join("sd15", "v3", "m.ckpt")
    assert list_files(MOTION_MODELS) == [mine, *folders.shipped(MOTION_MODELS)]


@pytest.mark.skipif(os.name == "nt", reason="a file name cannot hold a backslash there")
def test_a_workflow_from_linux_finds_what_windows_lists(models):
    register_folders()
    path = put(models / "animatediff_models" / "sd15\\m.ckpt")  # as Windows lists sd15/m.ckpt
    assert find_file("sd15/m.ckpt", MOTION_MODELS) == path


def test_a_name_in_two_folders_is_listed_once_and_the_first_is_taken(models):
    register_folders()
    put(models / "animatediff_motion_lora" / "a.safetensors")
    first = put(models / "loras" / "a.safetensors")
    put(models / "loras" / "b.safetensors")
    ours = [*folders.shipped(LORAS), *folders.shipped(MOTION_LORAS)]
    assert list_files(LORAS, MOTION_LORAS) == ["a.safetensors", "b.safetensors", *ours]
    assert find_file("a.safetensors", LORAS, MOTION_LORAS) == first


@pytest.mark.parametrize("made", [False, True])
def test_an_empty_folder_is_told_with_the_place(models, made):
    register_folders()
    home = models / "animatediff_models"
    if made:
        home.mkdir(parents=True)
    rest = "there, then press R in the page to refresh."
    for name, text in {
        "": f"No weights file lies in {home}. Put one {rest}",
        "m.ckpt": f"'m.ckpt' is not in {home}, and no other file of yours is. Put it {rest}",
    }.items():
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            find_file(name, MOTION_MODELS)
    assert list_files(MOTION_MODELS) == folders.shipped(MOTION_MODELS)


@pytest.mark.parametrize("name", ["other.ckpt", "", "../m.ckpt", "M.ckpt "])
def test_an_unknown_name_is_told_with_the_place(models, name):
    register_folders()
    put(models / "animatediff_models" / "m.ckpt")
    put(models / "m.ckpt")
    text = (
        f"{name!r} is not there; your folders for it hold 1 weights file. Choose another, or put "
        f"it into {models / 'animatediff_models'}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        find_file(name, MOTION_MODELS)


@pytest.mark.parametrize("folder", SHIPPED)
def test_the_packs_files_are_found_out_of_the_box_after_the_users(models, folder):
    register_folders()
    ours = folders.shipped(folder)
    assert ours and list_files(folder) == ours
    assert find_file(ours[0], folder) == os.path.join(SHIPPED[folder], ours[0])
    put(models / HOMES[folder] / "zebra.safetensors")
    assert list_files(folder) == ["zebra.safetensors", *ours]


@pytest.mark.parametrize("folder", SHIPPED)
def test_a_file_of_the_users_goes_before_the_packs_of_the_same_name(models, folder):
    register_folders()
    same, *others = reversed(folders.shipped(folder))
    mine = put(models / HOMES[folder] / same)
    assert find_file(same, folder) == mine
    assert list_files(folder) == [same, *reversed(others)]


def test_the_pack_hides_no_adapter_in_the_users_other_folder(models):
    register_folders()
    adapter = folders.shipped(LORAS)[0]
    mine = put(models / "animatediff_motion_lora" / adapter)
    assert find_file(adapter, LORAS, MOTION_LORAS) == mine
    assert list_files(LORAS, MOTION_LORAS)[0] == adapter


def test_a_pack_without_its_weights_registers_none(models, tmp_path, monkeypatch):
    for name in ("MOTION_MODELS", "MOTION_LORAS", "LORAS"):
        monkeypatch.setattr(small_world, name, tmp_path / "gone" / name)
    for name in list(SHIPPED):
        monkeypatch.delitem(SHIPPED, name)
    register_folders()
    for name, home in HOMES.items():
        assert folder_paths.get_folder_paths(name) == [str(models / home)]
        assert list_files(name) == []


def test_the_small_world_lies_where_it_is_looked_for():
    places = {
        MOTION_MODELS: small_world.MOTION_MODELS,
        MOTION_LORAS: small_world.MOTION_LORAS,
        LORAS: small_world.LORAS,
    }
    assert {name: Path(place) for name, place in SHIPPED.items()} == places


IMPORTS = """
import os, sys, types
pack = types.ModuleType("animatediff_kit")
pack.__path__ = [{root!r}]
sys.modules["animatediff_kit"] = pack
sys.path.insert(0, {comfyui!r})
from animatediff_kit.standalone.enter_comfyui import mend_imports
mend_imports()
import comfy.options
comfy.options.enable_args_parsing()
import comfy_api.latest, folder_paths
known, there = dict(folder_paths.folder_names_and_paths), list(os.walk({base!r}))
print("-- the pack")
import animatediff_kit, animatediff_kit.nodes
assert folder_paths.folder_names_and_paths == known
assert list(os.walk({base!r})) == there
"""


def test_importing_the_pack_creates_and_prints_nothing(tmp_path):
    root = Path(__file__).resolve().parents[2]
    comfyui = os.path.dirname(folder_paths.__file__)
    script = IMPORTS.format(root=str(root), comfyui=comfyui, base=str(tmp_path))
    command = [sys.executable, "-B", "-c", script, "--cpu", "--base-directory", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("-- the pack\n")


@pytest.mark.parametrize("name", [None, 3, ["a"], {}])
def test_what_is_no_name_is_refused(models, name):
    with pytest.raises(ValueError, match=r"^.+ is no name of a file. Choose one from the list.$"):
        find_file(name, MOTION_MODELS)


def test_a_name_that_is_no_unicode_is_refused(models):
    """A disk may hold it, and a log that strictly writes UTF-8 cannot tell of it."""
    put(models / "animatediff_models" / os.fsdecode(b"caf\xe9.safetensors"))
    for name in (os.fsdecode(b"caf\xe9.safetensors"), "\ud800"):
        with pytest.raises(ValueError, match="is no name that can be written in Unicode") as told:
            find_file(name, MOTION_MODELS)
        str(told.value).encode()
