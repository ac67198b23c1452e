// A warning of the pack as a toast, beside the text on the node (nodes/page.py).

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { nodeToldOf } from "./node_of.js";

app.registerExtension({
  name: "AnimateDiffKit.Warnings",
  setup() {
    api.addEventListener("animatediff_kit.warning", ({ detail }) => {
      const title = nodeToldOf(app.rootGraph ?? app.graph, detail)?.title ?? "AnimateDiff Kit";
      const toast = { severity: "warn", summary: title, detail: detail.text, life: 15000 };
      app.extensionManager.toast.add(toast);
    });
  },
});
