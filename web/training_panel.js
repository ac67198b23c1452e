// The sidebar's training panel: the run that works, its loss and previews, and all runs to resume.
// All it shows lies on the server's disk, so a page that is loaded anew shows the same.

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { draw } from "./training_view.js";
import { isTrainer, resumeWith, trainerFor } from "./training_nodes.js";
import { nodeOf } from "./node_of.js";
import { keep } from "./timeline/panel.js";
import { word } from "./words.js";

const RUNS = "/animatediff_kit/training/runs";
const WORKING = 2000; // milliseconds between questions while a run works, and while none does
const IDLE = 6000;

class Panel {
  constructor(element) {
    this.element = element;
    this.chosen = null; // the run that the user chose to see
    this.told = null; // {text, run, state}: said of a run for as long as it is in this state
    this.timer = null;
    this.asked = 0; // how often the server was asked: an older answer than the last counts nothing
    this.update();
  }

  close() {
    clearTimeout(this.timer);
    this.element = null;
  }

  async update() {
    clearTimeout(this.timer);
    const asked = ++this.asked;
    const state = await this.state();
    if (asked !== this.asked || !this.element) return;
    const working = state.runs.some((run) => run.state === "running");
    this.timer = setTimeout(() => this.update(), working ? WORKING : IDLE);
    draw(this.element, state, this);
  }

  // What is shown: the runs, the one that is looked at, and a sentence.
  async state() {
    let runs;
    try {
      runs = await answer(RUNS);
    } catch {
      return { runs: [], run: null, told: word("training.gone") };
    }
    const shown = runs.find((run) => run.run === this.chosen) ?? runs[0];
    const run = shown ? await detailsOf(shown) : null;
    const about = runs.find((one) => one.run === this.told?.run);
    if (about?.state !== this.told?.state) this.told = null;
    return { runs, run, told: this.told?.text };
  }

  say(text, { run, state }) {
    this.told = { text, run, state };
    this.update();
  }

  // what the buttons do

  choose(run) {
    this.chosen = run;
    this.told = null;
    this.update();
  }

  resume(run) {
    const selected = Object.values(app.canvas?.selected_nodes ?? {});
    const node = trainerFor(run.stage, app.rootGraph ?? app.graph, selected);
    const written = resumeWith(node, run.run);
    if (written) keep(app);
    app.graph?.setDirtyCanvas?.(true, true);
    this.chosen = run.run;
    this.say(written ? word("training.resumed", run) : word("training.no_trainer"), run);
  }

  async keep(run) {
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
    try {
      const response = await api.fetchApi(`${RUNS}/${encodeURIComponent(run.run)}/keep`, options);
      this.say(response.ok ? word("training.keeping") : await response.text(), run);
    } catch {
      this.say(word("training.gone"), run);
    }
  }

  // changed: when it was written; the browser keeps a picture by its address
  preview(run, step, changed) {
    return api.apiURL(`${RUNS}/${encodeURIComponent(run.run)}/previews/${step}?changed=${changed}`);
  }
}

// One whose folder was removed between both questions, or cannot be read, is still in the list.
async function detailsOf({ run }) {
  try {
    return await answer(`${RUNS}/${encodeURIComponent(run)}`);
  } catch {
    return null;
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
