// The pack's nodes are told by their colour, and offered where a link is let go.

import { app } from "../../scripts/app.js";
import { colour, offerFirst } from "./node_looks.js";
import { NODE as ANIMATE, withSchedule } from "./saved_schedule.js";
import { NODES as SEEDED, withoutControl } from "./saved_seeds.js";

// type of a socket -> the nodes offered first for a link from such an output, or to such an input
const FROM_OUTPUT = { MODEL: ["ADK_Animate"], ADK_MOTION_MODEL: ["ADK_ApplyMotionModel"] };
const TO_INPUT = { ADK_MOTION_MODEL: ["ADK_LoadMotionModel"] };

// node -> what corrects the values that an older graph has saved of it, by the widgets of now
const CORRECTIONS = {
  ...Object.fromEntries(SEEDED.map((kind) => [kind, withoutSeedControl])),
  [ANIMATE]: withSchedule,
};

function withoutSeedControl(saved, widgets) {
  return withoutControl(saved, widgets.map((widget) => widget.name));
}

app.registerExtension({
  name: "AnimateDiffKit.Nodes",
  beforeRegisterNodeDef(nodeType, nodeData) {
    const correct = CORRECTIONS[nodeData.name];
    if (!correct) return;
    const configure = nodeType.prototype.configure;
    nodeType.prototype.configure = function (info, ...more) {
      const values = correct(info.widgets_values, this.widgets ?? []);
      return configure.call(this, { ...info, widgets_values: values }, ...more);
    };
  },
  nodeCreated(node) {
    if (node.comfyClass?.startsWith("ADK_")) colour(node);
  },
  setup() {
    offerFirst(LiteGraph.slot_types_default_out, FROM_OUTPUT);
    offerFirst(LiteGraph.slot_types_default_in, TO_INPUT);
  },
});
