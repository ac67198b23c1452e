"""One Chromium with ComfyUI's page for the folder's tests, on the server that all tests share.

`ADK_COMFYUI` says which ComfyUI, as for every test; `ADK_NODES_2=1` switches Nodes 2.0 on.
Screenshots are kept in .comfy/pictures.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from adk_tests.support.page import Page
from animatediff_kit.launcher import browser
from animatediff_kit.launcher.server import Server

ROOT = Path(__file__).resolve().parents[2]
NODES_2 = bool(os.environ.get("ADK_NODES_2"))
SETTINGS = {
    # what a person has who is no longer greeted
    "Comfy.TutorialCompleted": True,
    "Comfy.InstalledVersion": "9.9.9",
    "Comfy.Workflow.ShowMissingModelsWarning": False,
    "Comfy.VueNodes.Enabled": NODES_2,
    "Comfy.VueNodes.AutoScaleLayout": False,
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def write_settings(url: str) -> None:
    """As the page writes them."""
    request = urllib.request.Request(
        f"{url}/settings",
        data=json.dumps(SETTINGS).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=20).close()


@pytest.fixture(scope="package")  # its event loop may not be there for the tests of other rooms
def opened(server: Server) -> Iterator[Page]:
    chromium = browser.chromium()
    if chromium is None:
        pytest.skip(browser.MISSING)
    from playwright.sync_api import sync_playwright

    pictures = ROOT / ".comfy" / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    write_settings(server.url)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        tab = started.new_page(viewport={"width": 1600, "height": 1000})
        page = Page(tab, server.url, pictures)
        page.open()
        yield page
        started.close()


@pytest.fixture
def page(opened: Page) -> Page:
    """The page with an empty graph and no errors so far."""
    opened.clear()
    opened.errors.clear()
    return opened
