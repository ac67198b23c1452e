// Draws the training panel. What stays the same is left in place, so that previews go on playing and
// lists keep where they were scrolled to.

import { chart, lines } from "./loss_chart.js";
import { progress } from "./training_progress.js";
import { word } from "./words.js";

const [WIDTH, HEIGHT, LOOK_HEIGHT] = [320, 160, 80];

const COLOURS = ["#4a90ff", "#ff9a4a", "#4ac97a", "#b98aff"]; // of the lines of a look's charts

// a chart, or a line of it, as the server calls it -> its name
const CHARTS = {
  held_out: "training.chart_held_out",
  shares: "training.chart_shares",
  camera: "training.chart_camera",
};
const LINES = {
  all: "training.line_all",
  weakest: "training.line_weakest",
  strongest: "training.line_strongest",
  flow: "training.line_flow",
  warp_error: "training.line_warp_error",
  pan: "training.line_pan",
  tilt: "training.line_tilt",
  zoom: "training.line_zoom",
  roll: "training.line_roll",
};

const STYLE = `
.adk-training { padding: 12px; height: 100%; overflow-y: auto; font-size: 13px; color: var(--fg-color, #ddd); }
.adk-training h3 { font-size: 15px; margin: 0 0 8px; }
.adk-training h4 { font-size: 13px; margin: 14px 0 6px; opacity: 0.8; }
.adk-training svg { margin-top: 8px; width: 100%; display: block; background: #0003; border-radius: 4px; overflow: visible; }
.adk-training .adk-ends { display: flex; justify-content: space-between; font-size: 11px; opacity: 0.7; }
.adk-training .adk-names { display: flex; gap: 8px; flex-wrap: wrap; }
.adk-training .adk-strip { display: flex; gap: 6px; overflow-x: auto; padding-bottom: 4px; min-height: 20px; }
.adk-training figure { margin: 0; flex: none; text-align: center; font-size: 11px; }
.adk-training figure img { height: 112px; display: block; border-radius: 4px; }
.adk-training .adk-run { display: flex; align-items: center; gap: 8px; padding: 0 6px 0 0; border-radius: 4px; }
.adk-training .adk-run[aria-current="true"] { background: #8883; }
.adk-training .adk-run .adk-see { flex: 1; min-width: 0; overflow-wrap: anywhere; text-align: left; border: none; padding: 5px 6px; }
.adk-training .adk-run small { display: block; opacity: 0.7; }
.adk-training button { padding: 4px 10px; border: 1px solid #8888; border-radius: 4px; background: transparent; color: inherit; cursor: pointer; }
.adk-training button:hover:enabled { background: #8884; }
.adk-training button:disabled { opacity: 0.4; cursor: default; }
.adk-training [data-part="progress"], .adk-training .adk-run small { white-space: pre-line; overflow-wrap: anywhere; }
.adk-training .adk-told { white-space: pre-line; overflow-wrap: anywhere; margin: 8px 0; color: var(--p-amber-400, #fbbf24); }
`;

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const { dataset, ...rest } = properties;
  Object.assign(made, rest);
  Object.assign(made.dataset, dataset ?? {});
  made.append(...children);
  return made;
}

// state: {runs, run, told};   does: choose, resume, keep, preview
export function draw(root, { runs, run, told }, does) {
  if (!root.querySelector(".adk-training")) root.replaceChildren(frame());
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  part("told").textContent = told || (runs.length ? "" : word("training.none"));
  part("previews").textContent = word("training.previews");
  part("all").textContent = word("training.runs");
  part("run").hidden = !run;
  if (run) {
    part("name").textContent = run.run;
    part("progress").textContent = progress(run);
    drawChart(part, run);
    part("looks").replaceChildren(...(run.charts ?? []).map(lookChart));
    drawKeep(part("keep"), run, does);
    drawStrip(part("strip"), run, does);
  }
  drawRuns(part("runs"), runs, run, does);
}

// What was seen of the run: a small chart with its name and its lines' names.
function lookChart(one) {
  const svg = box(LOOK_HEIGHT);
  const { paths, low, high } = lines(one, WIDTH, LOOK_HEIGHT);
  svg.innerHTML = paths
    .map(({ path }, i) => `<path d="${path}" fill="none" stroke="${COLOURS[i]}" stroke-width="2"/>`)
    .join("");
  const names = paths.map(({ key }, i) =>
    element("span", { textContent: word(LINES[key]), style: `color: ${COLOURS[i]}` }),
  );
  const range = element("span", { textContent: `${low.toFixed(3)} – ${high.toFixed(3)}` });
  return element(
    "div", { dataset: { chart: one.key } },
    element("h4", { textContent: word(CHARTS[one.key]) }), svg,
    element("div", { className: "adk-ends" }, range, element("span", { className: "adk-names" }, ...names)),
  );
}

function box(height) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  return svg;
}

function frame() {
  const part = (tag, name, properties = {}) => element(tag, { ...properties, dataset: { part: name } });
  const svg = box(HEIGHT);
  svg.innerHTML =
    '<path data-part="band" fill="#6ab0ff" fill-opacity="0.3" stroke="#6ab0ff" stroke-opacity="0.3"/>' +
    '<path data-part="line" fill="none" stroke="#4a90ff" stroke-width="2"/>';
  const run = part("div", "run", { hidden: true });
  const ends = element("div", { className: "adk-ends" }, part("span", "low"), part("span", "high"));
  run.append(
    part("h3", "name"), part("div", "progress"), svg, ends, part("div", "looks"),
    part("button", "keep", { style: "margin-top: 8px" }),
    part("h4", "previews"), part("div", "strip", { className: "adk-strip" }),
  );
  return element(
    "div", { className: "adk-training" },
    element("style", { textContent: STYLE }),
    part("div", "told", { className: "adk-told" }), run,
    part("h4", "all"), part("div", "runs"),
  );
}

function drawChart(part, run) {
  const loss = chart(run.curve, WIDTH, HEIGHT);
  part("band").setAttribute("d", loss.band);
  part("line").setAttribute("d", loss.line);
  part("low").textContent = word("training.losses", {
    low: loss.low.toFixed(3),
    high: loss.high.toFixed(3),
  });
  part("high").textContent = word("training.step", { step: loss.last });
}

function drawKeep(button, run, does) {
  button.hidden = run.state !== "running";
  button.disabled = run.stopping;
  button.textContent = word(run.stopping ? "training.keeping" : "training.keep");
  button.title = word("training.keep_help");
  button.onclick = () => does.keep(run);
}

function drawStrip(strip, run, does) {
  strip.previousElementSibling.hidden = !run.previews.length;
  if (strip.dataset.run !== run.run) strip.replaceChildren();
  strip.dataset.run = run.run;
  const there = new Map([...strip.children].map((figure) => [figure.dataset.key, figure]));
  const shown = run.previews.map((step, i) => {
    const changed = run.previews_changed[i];
    return there.get(`${step} ${changed}`) ?? previewOf(run, step, changed, does);
  });
  if (arrange(strip, shown)) strip.scrollLeft = strip.scrollWidth;
}

// Makes these the children of an element, and moves none that stands where it should. Gives whether
// anything changed.
function arrange(parent, children) {
  const wanted = new Set(children);
  const gone = [...parent.children].filter((child) => !wanted.has(child));
  for (const child of gone) child.remove();
  let moved = gone.length > 0;
  children.forEach((child, i) => {
    if (parent.children[i] === child) return;
    parent.insertBefore(child, parent.children[i] ?? null);
    moved = true;
  });
  return moved;
}

function previewOf(run, step, changed, does) {
  const picture = element("img", { src: does.preview(run, step, changed), loading: "lazy", alt: `${step}` });
  const caption = element("figcaption", { textContent: `${step}` });
  return element("figure", { dataset: { step: `${step}`, key: `${step} ${changed}` } }, picture, caption);
}

// A row stays the same element for as long as its run is there: else a click that falls into a
// drawing is lost, and the keyboard's place with it.
function drawRuns(list, runs, shown, does) {
  const there = new Map([...list.children].map((row) => [row.dataset.run, row]));
  const rows = runs.map((one) => there.get(one.run) ?? rowOf(one.run));
  rows.forEach((row, i) => fillRow(row, runs[i], runs[i].run === shown?.run, does));
  arrange(list, rows);
}

function rowOf(run) {
  const see = element("button", { className: "adk-see" }, element("span", { textContent: run }), element("small"));
  const resume = element("button", { className: "adk-resume" });
  return element("div", { className: "adk-run", dataset: { run } }, see, resume);
}

function fillRow(row, one, shown, does) {
  const [see, resume] = row.children;
  see.lastChild.textContent = progress(one);
  see.onclick = () => does.choose(one.run);
  row.setAttribute("aria-current", String(shown));
  resume.textContent = word("training.resume");
  resume.title = word("training.resume_help");
  resume.disabled = !one.resumable || one.state === "running";
  resume.onclick = () => does.resume(one);
}
