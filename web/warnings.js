// A warning of the pack as a toast, beside the text on the node (nodes/page.py).

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

function titleOf(id) {
  // in a subgraph the id is a path; its first part is a node that the page shows
  const node = app.rootGraph?.getNodeById?.(id) ?? app.graph?.getNodeById(String(id).split(":")[0]);
  return node?.title ?? "AnimateDiff Kit";
}

app.registerExtension({
  name: "AnimateDiffKit.Warnings",
  setup() {
    api.addEventListener("animatediff_kit.warning", ({ detail }) => {
      const toast = { severity: "warn", summary: titleOf(detail.node), detail: detail.text, life: 15000 };
      app.extensionManager.toast.add(toast);
    });
  },
});
