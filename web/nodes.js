// The pack's nodes are told by their colour, and offered where a link is let go.

import { app } from "../../scripts/app.js";
import { colour, offerFirst } from "./node_looks.js";
import { NODES, withoutControl } from "./saved_seeds.js";

// type of a socket -> the nodes offered first for a link from such an output, or to such an input
const FROM_OUTPUT = { MODEL: ["ADK_Animate"], ADK_MOTION_MODEL: ["ADK_ApplyMotionModel"] };
const TO_INPUT = { ADK_MOTION_MODEL: ["ADK_LoadMotionModel"] };

app.registerExtension({
  name: "AnimateDiffKit.Nodes",
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (!NODES.includes(nodeData.name)) return;
    const configure = nodeType.prototype.configure;
    nodeType.prototype.configure = function (info, ...more) {
      const names = (this.widgets ?? []).map((widget) => widget.name);
      const values = withoutControl(info.widgets_values, names);
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
