// All frames of a video, moving, in the node that samples it, while it works.

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { nodeOf } from "./node_of.js";
import { SheetPlayer } from "./sheet_player.js";

const EVENT = "animatediff_kit.preview";
const WIDGET = "animatediff_kit_preview";

const playing = new Map(); // node -> {player, widget, size}

// Another pack that plays previews itself, and is set to.
function othersPlay() {
  return Boolean(app.ui?.settings?.getSettingValue?.("VHS.LatentPreview"));
}

function begin(node, sheet) {
  const player = new SheetPlayer();
  const size = [...node.size];
  const height = () => Math.round((node.size[0] * sheet.height) / sheet.width);
  const widget = node.addDOMWidget(WIDGET, WIDGET, player.element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => Math.min(height(), 400),
  });
  widget.serialize = false; // neither in the saved workflow nor in the prompt
  grow(node);
  playing.set(node, { player, widget, size });
  return player;
}

function grow(node) {
  const [, needed] = node.computeSize();
  node.setSize([node.size[0], Math.max(node.size[1], needed)]);
  node.setDirtyCanvas(true, true);
}

function end(node) {
  const { player, widget, size } = playing.get(node);
  player.stop();
  playing.delete(node);
  if (node.widgets?.includes(widget)) {
    node.removeWidget ? node.removeWidget(widget) : node.widgets.splice(node.widgets.indexOf(widget), 1);
  }
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
      const node = nodeOf(app.rootGraph ?? app.graph, detail.node);
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
