// The pack's panels in nodes: a timeline of prompts, a curve of values, the windows.

import { app } from "../../scripts/app.js";
import { addCurve } from "./timeline/curve_panel.js";
import { addPromptTimeline } from "./timeline/prompt_panel.js";
import { addWindowPicture } from "./timeline/windows_panel.js";

const PANELS = {
  ADK_PromptTravel: addPromptTimeline,
  ADK_Strength: addCurve,
  ADK_ContextWindows: addWindowPicture,
};

app.registerExtension({
  name: "AnimateDiffKit.Timeline",
  nodeCreated(node) {
    PANELS[node.comfyClass]?.(app, node);
  },
});
