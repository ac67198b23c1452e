// All frames of a video, moving, in the node that samples it, while it works.

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { addElementWidget } from "./element_widget.js";
import { nodeOf, nodeToldOf } from "./node_of.js";
import { SheetPlayer } from "./sheet_player.js";

const EVENT = "animatediff_kit.preview";
const WIDGET = "animatediff_kit_preview";

// What a node's element hangs itself onto, and does not leave with its widget.
const CALLBACKS = ["onAdded", "onRemoved", "onResize"];

const playing = new Map(); // node -> {player, widget, size, before, hung}

// Another pack that plays previews itself, and is set to.
function othersPlay() {
  return Boolean(app.ui?.settings?.getSettingValue?.("VHS.LatentPreview"));
}

function begin(node, sheet) {
  const player = new SheetPlayer();
  const size = [...node.size];
  const height = () => Math.round((node.size[0] * sheet.height) / sheet.width);
  const before = callbacksOf(node);
  const widget = addElementWidget(node, WIDGET, WIDGET, player.element, {
    hideOnZoom: false,
    getMinHeight: () => Math.min(height(), 400),
  });
  node.setDirtyCanvas(true, true);
  playing.set(node, { player, widget, size, before, hung: callbacksOf(node) });
  return player;
}

function callbacksOf(node) {
  return Object.fromEntries(CALLBACKS.map((name) => [name, node[name]]));
}

// Else each run would leave its canvas and first sheet behind, held by them.
function giveBack(node, before, hung) {
  for (const name of CALLBACKS) {
    if (node[name] === hung[name]) node[name] = before[name]; // not where another has hung itself on
  }
}

function end(node) {
  const { player, widget, size, before, hung } = playing.get(node);
  player.stop();
  playing.delete(node);
  if (node.widgets?.includes(widget)) {
    node.removeWidget ? node.removeWidget(widget) : node.widgets.splice(node.widgets.indexOf(widget), 1);
  }
  giveBack(node, before, hung);
  node.setSize([node.size[0], size[1]]);
  node.setDirtyCanvas(true, true);
}

function endAll(but) {
  for (const node of [...playing.keys()]) if (node !== but) end(node);
}

app.registerExtension({
  name: "AnimateDiffKit.MovingPreview",
  setup() {
    api.addEventListener(EVENT, ({ detail }) => {
      const node = nodeToldOf(app.rootGraph ?? app.graph, detail);
      if (!node?.addDOMWidget || othersPlay()) return;
      (playing.get(node)?.player ?? begin(node, detail)).show(detail);
    });
    // as the pictures of ComfyUI's own preview, it goes when the next node works
    api.addEventListener("executing", ({ detail }) => {
      const id = typeof detail === "object" ? detail?.node : detail;
      endAll(id ? nodeOf(app.rootGraph ?? app.graph, id) : null);
    });
    for (const over of ["execution_error", "execution_interrupted", "execution_success"]) {
      api.addEventListener(over, () => endAll(null));
    }
  },
});
