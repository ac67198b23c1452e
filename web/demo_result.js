// A template that was opened by its address shows what the server has last made of it: `run.py demo
// --serve` renders first and opens the page then.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { resultsFor } from "./last_results.js";

// read at once: the page takes it out of its address
let asked = new URLSearchParams(window.location.search).has("template");

async function showLast() {
  const history = await (await api.fetchApi("/history?max_items=1")).json();
  for (const result of resultsFor(app.graph.serialize(), Object.values(history)[0])) {
    api.dispatchCustomEvent("executed", result);
  }
}

app.registerExtension({
  name: "AnimateDiffKit.DemoResult",
  async afterConfigureGraph() {
    if (!asked || !app.graph.nodes.some((node) => node.comfyClass?.startsWith("ADK_"))) return;
    asked = false;
    await showLast();
  },
});
