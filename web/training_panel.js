// The sidebar's training panel: the run that works, its loss and previews, and all runs to resume.
// All it shows lies on the server's disk, so a page that is loaded anew shows the same.

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { draw } from "./training_view.js";
import { isTrainer, resumeWith, trainerFor } from "./training_nodes.js";
import { nodeOf } from "./node_of.js";
import { word } from "./words.js";

const RUNS = "/animatediff_kit/training/runs";
const WORKING = 2000; // milliseconds between questions while a run works, and while none does
const IDLE = 6000;

class Panel {
  constructor(element) {
    this.element = element;
    this.chosen = null; // the run that the user chose to see
    this.told = "";
    this.timer = null;
    this.update();
  }

  close() {
    clearTimeout(this.timer);
    this.element = null;
  }

  async update() {
    clearTimeout(this.timer);
    let working = false;
    try {
      const runs = await answer(RUNS);
      working = runs.some((run) => run.state === "running");
      const shown = runs.find((run) => run.run === this.chosen) ?? runs[0];
      const run = shown ? await answer(`${RUNS}/${encodeURIComponent(shown.run)}`) : null;
      this.show({ runs, run, told: this.told });
    } catch {
      this.show({ runs: [], run: null, told: word("training.gone") });
    }
    if (this.element) this.timer = setTimeout(() => this.update(), working ? WORKING : IDLE);
  }

  show(state) {
    if (this.element) draw(this.element, state, this);
  }

  // what the buttons do

  choose(run) {
    this.chosen = run;
    this.told = "";
    this.update();
  }

  resume(run) {
    const selected = Object.values(app.canvas?.selected_nodes ?? {});
    const node = trainerFor(run.stage, app.rootGraph ?? app.graph, selected);
    this.told = resumeWith(node, run.run)
      ? word("training.resumed", run)
      : word("training.no_trainer");
    app.graph?.setDirtyCanvas?.(true, true);
    this.chosen = run.run;
    this.update();
  }

  async keep(run) {
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
    const response = await api.fetchApi(`${RUNS}/${encodeURIComponent(run.run)}/keep`, options);
    this.told = response.ok ? word("training.keeping") : await response.text();
    this.update();
  }

  preview(run, step) {
    return api.apiURL(`${RUNS}/${encodeURIComponent(run.run)}/previews/${step}`);
  }
}

async function answer(resource) {
  const response = await api.fetchApi(resource, { cache: "no-store" });
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

let panel = null;

app.registerExtension({
  name: "AnimateDiffKit.TrainingPanel",
  setup() {
    app.extensionManager?.registerSidebarTab?.({
      id: "animatediff-kit-training",
      icon: "pi pi-chart-line",
      get title() {
        return word("training.tab"); // asked for anew, after another language was set too
      },
      get tooltip() {
        return word("training.title");
      },
      type: "custom",
      render(element) {
        panel?.close();
        panel = new Panel(element);
      },
      destroy() {
        panel?.close();
        panel = null;
      },
    });
    // a file that was just trained can be chosen at once
    api.addEventListener("executed", ({ detail }) => {
      const node = nodeOf(app.rootGraph ?? app.graph, detail?.display_node ?? detail?.node);
      if (isTrainer(node?.type)) app.refreshComboInNodes?.();
    });
  },
});
