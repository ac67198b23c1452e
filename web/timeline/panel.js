// A panel of the page in a node: an HTML element that shows what widgets hold, and is drawn again
// when they change, however that came about: by hand, undo, a loaded file, another node. Nothing of
// it is saved; the widgets are the only memory.

import { addElementWidget } from "../element_widget.js";
import { chain } from "../chained.js";
import { addStyles, element } from "./elements.js";

const MARGINS = 20; // that the canvas leaves above and below an element
const EVERY = 100; // milliseconds between two looks at the widgets
const open = new Set();
let watch;

// look: () => what the panel shows, as something that JSON can write; draw: (seen) => nothing.
// height: pixels at zoom 1, at the least; most: at the most. Gives the element.
export function addPanel(app, node, name, { height, most = height, look, draw }) {
  addStyles();
  const root = element("div", "adk-panel", { "data-panel": name });
  root.style.setProperty("--adk-height", `${height}px`);
  addElementWidget(node, name, "adk_panel", root, {
    hideOnZoom: false,
    getMinHeight: () => height + MARGINS,
    getMaxHeight: () => most + MARGINS,
  });
  root.addEventListener("wheel", (event) => passWheelOn(app, root, event), { passive: false });
  root.addEventListener("contextmenu", (event) => event.stopPropagation());
  const panel = { app, node, name, root, look, draw, shown: undefined };
  chain(node, "onRemoved", () => open.delete(panel));
  // comes for every graph that the node goes into: also for a subgraph
  chain(node, "onAdded", () => open.add(panel));
  watch ??= setInterval(refresh, EVERY);
  return root;
}

// Draws what has changed since.
export function refresh() {
  for (const panel of open) {
    if (!isThere(panel)) {
      open.delete(panel);
      continue;
    }
    try {
      refreshOne(panel);
    } catch (error) {
      tellOnce(panel, error); // the other panels go on
    }
  }
}

// Nodes inside of a subgraph are not told that the page's graph was cleared, as it is for each undo.
function isThere({ app, node }) {
  const root = app.rootGraph ?? app.graph;
  const { graph } = node;
  return graph === root || Boolean(graph && root.subgraphs?.get(graph.id) === graph);
}

function refreshOne(panel) {
  takePlace(panel);
  const seen = panel.look();
  const text = JSON.stringify(seen);
  if (text === panel.shown) return;
  panel.shown = text;
  panel.draw(seen);
  panel.app.canvas?.setDirty(true, true); // a node that has grown by it is drawn as it is now
}

function tellOnce(panel, error) {
  if (panel.failed === String(error)) return;
  panel.failed = String(error);
  console.error(`The panel ${panel.name} of node ${panel.node.id} cannot be drawn:`, error);
}

// Undo makes nodes anew. Nodes 2.0 keeps on showing the element of the one that was there before.
function takePlace({ app, node, name, root }) {
  if (root.isConnected || node.graph !== app.canvas?.graph) return;
  const shown = `[data-node-id="${node.id}"] [data-panel="${name}"]`;
  document.querySelector(shown)?.replaceWith(root);
}

// The canvas zooms by the wheel; Nodes 2.0 hands it on by itself.
function passWheelOn(app, root, event) {
  if (root.closest("[data-node-id]")) return;
  event.preventDefault();
  app.canvas.processMouseWheel(event);
}

// Writes a widget as a hand would, and lets undo know.
export function write(app, widget, value) {
  widget.value = value;
  app.graph?.setDirtyCanvas?.(true, true);
  refresh();
}

// A step that undo goes back by: at the end of a drag, after a key.
export function keep(app) {
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  if (tracker?.captureCanvasState) tracker.captureCanvasState();
  else tracker?.checkState?.();
}
