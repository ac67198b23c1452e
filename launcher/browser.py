"""Chromium for the tests of the page: found, or installed where the system's own tools can."""

from __future__ import annotations

import os
import shutil
import subprocess

from .environment import Say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
MISSING = (
    "There is no Chromium, and the tests of the page are skipped without it. Install it, on Debian "
    "with `apt-get install chromium`, or put a chromium or google-chrome on the PATH."
)


def chromium() -> str | None:
    """The path of a Chromium, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def can_install() -> bool:
    """Whether this is Debian, or like it, and we may change it."""
    root = getattr(os, "geteuid", lambda: -1)() == 0
    return root and shutil.which("apt-get") is not None


def ensure(say: Say) -> str | None:
    """The path of a Chromium, which is installed if that can be; else None, and a line says so."""
    if (found := chromium()) is not None:
        return found
    if can_install():
        say("installing chromium, for the tests of the page")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (("apt-get", "update"), INSTALL):
            subprocess.run(command, env=environment, capture_output=True)
        if (found := chromium()) is not None:
            return found
    say(MISSING)
    return None
