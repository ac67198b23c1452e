"""A Chromium for the tests of the page: found, installed, or missing with a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from animatediff_kit.launcher import browser

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows runs no shell scripts")


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_it_is_found_by_its_names(programs: Path) -> None:
    assert browser.chromium() is None
    chrome = script(programs / "google-chrome", "")
    assert browser.chromium() == str(chrome)
    said: list[str] = []
    assert browser.ensure(said.append) == str(chrome) and said == []


def test_without_one_a_sentence_says_the_command(programs: Path) -> None:
    said: list[str] = []
    assert browser.ensure(said.append) is None
    assert said == [browser.MISSING] and "`apt-get install chromium`" in said[0]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root installs")
def test_root_on_debian_installs_it(programs: Path) -> None:
    place = programs / "chromium"
    lines = f'echo "$@" >> {programs}/asked\ncase "$1" in install) : > {place};'
    script(programs / "apt-get", f"{lines} /bin/chmod 755 {place};; esac")
    said: list[str] = []
    assert browser.ensure(said.append) == str(place)
    asked = (programs / "asked").read_text().splitlines()
    assert asked == ["update", "install --yes --no-install-recommends chromium"]
    assert len(said) == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root installs")
def test_an_installation_that_fails_is_told(programs: Path) -> None:
    script(programs / "apt-get", "exit 100")
    said: list[str] = []
    assert browser.ensure(said.append) is None and said[-1] == browser.MISSING
