"""ComfyUI's page in a real browser, as a person has it before them: nodes, their widgets, keys, the
queue, pictures of it. Works with the classic canvas and with Nodes 2.0."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator
from playwright.sync_api import Page as Tab

HARMLESS = re.compile(
    r"favicon|user\.css|userdata|api/experiment|ERR_|WebGL|Failed to load resource"
)
"""What ComfyUI's own page writes as an error where all is well: files that a user may have."""

READY = "() => window.app?.canvas?.graph && window.app.extensionManager"


class Page:
    """A tab with ComfyUI; `errors` holds what its console called an error."""

    def __init__(self, tab: Tab, url: str, pictures: Path) -> None:
        self.tab, self.url, self.pictures = tab, url, pictures
        self.errors: list[str] = []
        tab.on("console", self._heard)
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("dialog", lambda dialog: dialog.accept())

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not HARMLESS.search(f"{message.text} {message.location}"):
            self.errors.append(message.text)

    def open(self) -> None:
        """Loads, or loads anew, and waits until a graph can be shown."""
        self.tab.goto(self.url, wait_until="domcontentloaded")
        self.tab.wait_for_function(READY, timeout=120_000)
        self.tab.locator("#graph-canvas").wait_for()

    def speak(self, language: str) -> None:
        """The page in another language, loaded anew."""
        self.run("code => app.extensionManager.setting.set('Comfy.Locale', code)", language)
        self.tab.wait_for_timeout(500)
        self.open()
        self.clear()

    def run(self, code: str, argument: Any = None) -> Any:
        """What a JavaScript function gives; it may use `app`."""
        return self.tab.evaluate(code, argument)

    def settle(self, frames: int = 3) -> None:
        """Lets the page draw."""
        self.run(
            "n => new Promise(done => { const next = i => i ? "
            "requestAnimationFrame(() => next(i - 1)) : setTimeout(done, 150); next(n); })",
            frames,
        )

    # graphs

    def load(self, graph: dict[str, Any]) -> None:
        """Opens a workflow as a file that is dropped on the page."""
        self.run("graph => app.loadGraphData(graph)", graph)
        self.settle()

    def clear(self) -> None:
        self.close_dialogs()
        self.load({"last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "version": 0.4})

    def close_dialogs(self) -> None:
        """Those that a graph opened, such as that of missing models."""
        while self.tab.locator(".p-dialog-mask").count():
            self.press("Escape")
            self.tab.wait_for_timeout(300)

    def saved(self) -> dict[str, Any]:
        """The workflow that the page would write."""
        return json.loads(self.run("() => JSON.stringify(app.graph.serialize())"))

    def prompt(self) -> dict[str, Any]:
        """What the page would queue, in the format of the API."""
        return self.run("async () => (await app.graphToPrompt()).output")

    def add(self, kind: str, at: tuple[int, int] = (100, 100)) -> int:
        """A new node in sight; its id."""
        node = self.run(
            "([kind, at]) => { const node = LiteGraph.createNode(kind); node.pos = at;"
            " app.graph.add(node); app.canvas.ds.offset = [0, 0]; app.canvas.ds.scale = 1;"
            " app.canvas.setDirty(true, true); return node.id; }",
            [kind, list(at)],
        )
        self.settle()
        return node

    def value(self, node: int, widget: str) -> Any:
        return self.run(
            "([id, name]) => app.canvas.graph.getNodeById(id).widgets"
            ".find(widget => widget.name === name).value",
            [node, widget],
        )

    def set(self, node: int, widget: str, value: Any) -> None:
        self.run(
            "([id, name, value]) => { app.canvas.graph.getNodeById(id).widgets"
            ".find(widget => widget.name === name).value = value; }",
            [node, widget, value],
        )
        self.settle()

    def missing(self) -> list[str]:
        """Types of the graph's nodes that no pack has."""
        return self.run(
            "() => app.graph.nodes.map(n => n.type).filter(t => !LiteGraph.registered_node_types[t]"
            " && !/^(Note|MarkdownNote|Reroute|PrimitiveNode)$/.test(t) && !/-/.test(t))"
        )

    def boxes(self) -> dict[str, tuple[float, float, float, float]]:
        """Of each node, title bar and all: left, top, right, bottom in the graph's units."""
        found = self.run(
            """() => app.graph.nodes.map(node => {
                const box = new Float32Array(4);
                node.updateArea?.();
                const [x, y, w, h] = node.boundingRect ?? node.getBounding(box);
                const shown = document.querySelector(`[data-node-id="${node.id}"]`);
                const scale = app.canvas.ds.scale;
                const real = shown && shown.getBoundingClientRect();
                return [`${node.title} (${node.id})`, x, y, x + (real ? real.width / scale : w),
                        y + (real ? real.height / scale : h)];
            })"""
        )
        return {name: (left, top, right, bottom) for name, left, top, right, bottom in found}

    def fit(self) -> None:
        """The whole graph in sight."""
        self.run(
            "() => { const n = app.graph.nodes; if (!n.length) return;"
            " const l = Math.min(...n.map(a => a.pos[0])),"
            " t = Math.min(...n.map(a => a.pos[1])) - 40;"
            " const r = Math.max(...n.map(a => a.pos[0] + a.size[0])),"
            " b = Math.max(...n.map(a => a.pos[1] + a.size[1]));"
            " const c = app.canvas.canvas.getBoundingClientRect();"
            " const s = Math.min(1, 0.92 * c.width / (r - l), 0.85 * c.height / (b - t));"
            " app.canvas.ds.scale = s; app.canvas.ds.offset = [(c.width / s - r - l) / 2,"
            " (c.height / s - b - t) / 2]; app.canvas.setDirty(true, true); }"
        )
        self.settle()

    # what a person does

    def panel(self, name: str) -> Locator:
        """One of the pack's panels in a node."""
        return self.tab.locator(f'[data-panel="{name}"]').first

    def drag(self, what: Locator, right: float, down: float = 0.0) -> None:
        """By pixels, with the mouse, in several moves."""
        box = what.bounding_box()
        assert box is not None
        x, y, mouse = (
            box["x"] + min(8, box["width"] / 2),
            box["y"] + box["height"] / 2,
            self.tab.mouse,
        )
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + right, y + down, steps=6)
        mouse.up()
        self.settle()

    def select(self, node: int) -> None:
        self.run("id => app.canvas.selectNode(app.canvas.graph.getNodeById(id))", node)
        self.settle()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)
        self.settle()

    def undo(self) -> None:
        self.run("() => document.activeElement?.blur?.()")
        self.press("Control+z")
        self.tab.wait_for_timeout(300)

    def redo(self) -> None:
        self.run("() => document.activeElement?.blur?.()")
        self.press("Control+y")
        self.tab.wait_for_timeout(300)

    def keep(self) -> None:
        """A step of undo, after what a test did without a hand."""
        self.run(
            "() => { const t = app.extensionManager.workflow.activeWorkflow.changeTracker;"
            " t.captureCanvasState ? t.captureCanvasState() : t.checkState(); }"
        )
        self.tab.wait_for_timeout(1000)  # 0.33 keeps a step of its own after a node was added

    def search(self, words: str) -> list[str]:
        """What typing into the search of nodes offers, in its order."""
        self.run("() => app.canvas.canvas.focus()")
        self.run(
            "() => { const c = app.canvas.canvas, box = c.getBoundingClientRect();"
            " const at = {bubbles: true, clientX: box.left + 300, clientY: box.top + 500};"
            " c.dispatchEvent(new MouseEvent('dblclick', at)); }"
        )
        if not self.tab.locator(SEARCH).count():
            self.run("() => app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
        self.tab.locator(SEARCH).first.fill(words)
        self.tab.wait_for_timeout(700)
        texts = self.tab.locator(OFFERS).all_inner_texts()
        return [" ".join(text.split()) for text in texts if text.strip()]

    def queue(self, patience: float = 120.0) -> dict[str, Any]:
        """Presses Run and waits; what the history holds of it."""
        before = set(self.run("async () => Object.keys(await (await fetch('/history')).json())"))
        self.run("() => app.extensionManager.command.execute('Comfy.QueuePrompt')")
        return self.until(lambda: self._new_run(before), patience)

    def _new_run(self, before: set[str]) -> dict[str, Any] | None:
        history = self.run("async () => (await fetch('/history')).json()")
        return next((run for name, run in history.items() if name not in before), None)

    def until(self, look: Callable[[], Any], patience: float = 20.0) -> Any:
        """What `look` gives as soon as it is something. Raises TimeoutError."""
        for _ in range(int(patience * 5)):
            if found := look():
                return found
            self.tab.wait_for_timeout(200)
        raise TimeoutError(f"nothing came within {patience:.0f} s; the page said {self.errors}")

    def picture(self, name: str) -> Path:
        """A screenshot in the folder of the session's pictures."""
        file = self.pictures / f"{name}.png"
        self.tab.screenshot(path=file)
        return file

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Raises AssertionError where the console called something an error meanwhile."""
        self.errors.clear()
        yield
        assert self.errors == []


SEARCH = ".p-autocomplete-input, input[role='combobox'], .comfy-vue-node-search-container input"
OFFERS = ".p-autocomplete-option, [role='option']"
