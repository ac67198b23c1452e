// The curve of Schedule Strength's `per_frame`: a point for each keyframe.

import { draggable, placeIn } from "./drag.js";
import { Keyframes, onKeys, redraw } from "./editing.js";
import { element } from "./elements.js";
import { comesByLink, numberOf, valueOf, widgetOf } from "./graph.js";
import { addPanel } from "./panel.js";
import { drawRuler } from "./ruler.js";
import { snapped } from "./scale.js";
import { EASINGS, formatValues, isNumber, parseValues, shortest, valueAt } from "./value_text.js";
import { word } from "../words.js";

const HEIGHT = 168;
const SNAP = 6; // pixels
const DRAG = 3; // pixels that a hand may tremble in a click
const SAMPLES = 240; // places at which the line is computed

export function addCurve(app, node) {
  const widget = widgetOf(node, "per_frame");
  if (!widget) return;
  const keyframes = new Keyframes(app, node, widget, parseValues, formatValues);
  const parts = elements();
  const view = { columns: 1, low: 0, high: 1, frozen: undefined };
  const root = addPanel(app, node, "value_curve", {
    height: HEIGHT,
    look: () => seen(node, keyframes),
    draw: (now) => draw(parts, view, keyframes, now),
  });
  root.append(parts.row, parts.lines, parts.says);
  dragPoints(parts.plot, view, keyframes);
  typePoints(parts, view, keyframes);
}

function elements() {
  const named = (key, facts = {}) => ({ ...facts, "aria-label": word(key) });
  const frame = element("input", "adk-number", named("timeline.frame", { type: "number", min: 0 }));
  const value = element("input", "adk-number", named("timeline.value", { type: "number", step: 0.05 }));
  const easing = element("select", "adk-words", named("timeline.easing"));
  for (const name of ["", ...Object.keys(EASINGS)]) {
    easing.append(element("option", "", { value: name }, name || word("timeline.node_easing")));
  }
  const add = element("button", "", { type: "button", title: word("timeline.add_point") }, "+");
  const remove = element("button", "", { type: "button", title: word("timeline.remove_point") }, "−");
  const [ruler, plot] = [element("div", "adk-ruler"), element("div", "adk-plot")];
  return {
    ...{ frame, value, easing, add, remove, ruler, plot },
    row: element("div", "adk-row", {}, frame, value, easing, add, remove),
    lines: element("div", "adk-lines", {}, ruler, plot),
    says: element("div", "adk-says", { role: "status" }),
  };
}

function seen(node, keyframes) {
  const { entries, error } = keyframes.read();
  return {
    ...{ entries, error, chosen: keyframes.chosen },
    linked: keyframes.linked,
    frames: comesByLink(node, "frames") ? 16 : numberOf(node, "frames", 16),
    easing: valueOf(node, "easing", "linear"),
  };
}

function draw(parts, view, keyframes, now) {
  const drawn = !now.linked && !now.error;
  const last = now.entries[now.entries.length - 1]?.frame ?? 0;
  const values = now.entries.map((entry) => entry.value);
  Object.assign(view, view.frozen ?? { columns: Math.max(now.frames, last + 1), ...range(values) });
  drawRuler(parts.ruler, view.columns, now.frames);
  redraw(parts.plot, drawn ? [...levels(view), line(now, view), ...points(now, view)] : []);
  drawRow(parts, keyframes, now, drawn);
  const beyond =
    last >= now.frames && word("timeline.unpictured", { frame: last, frames: now.frames });
  const unread = now.error && word("timeline.unread", now);
  const text = now.linked ? word("timeline.linked") : unread;
  parts.says.textContent = text || beyond || word("timeline.point_hint");
  parts.says.classList.toggle("adk-warns", Boolean(!text && beyond));
}

function drawRow(parts, keyframes, now, drawn) {
  const chosen = now.entries.find((entry) => entry.frame === now.chosen) ?? now.entries[0];
  if (drawn) keyframes.chosen = chosen?.frame;
  const usable = drawn && chosen !== undefined;
  for (const part of [parts.frame, parts.value, parts.easing, parts.remove]) part.disabled = !usable;
  parts.add.disabled = !drawn;
  const facts = { frame: chosen?.frame ?? "", value: chosen?.value ?? "", easing: chosen?.easing ?? "" };
  for (const [name, value] of Object.entries(facts)) {
    if (parts[name] !== document.activeElement) parts[name].value = value;
  }
}

// From 0, or below the lowest, to some room above the highest.
export function range(values) {
  const room = (most) => {
    const scale = 10 ** Math.floor(Math.log10(most));
    return [1, 1.5, 2, 3, 5, 7.5, 10, 15].map((step) => step * scale).find((top) => top >= 1.15 * most);
  };
  const lowest = Math.min(0, ...values);
  return { low: lowest < 0 ? -room(-lowest) : 0, high: room(Math.max(1, ...values)) };
}

const heightOf = (value, { low, high }) => (high - value) / (high - low);
const columnOf = (frame, { columns }) => (frame + 0.5) / columns; // a value is its whole frame's

function levels(view) {
  return [0, 1].map((value) => {
    const level = element("div", "adk-level", {}, shortest(value));
    level.style.top = `${100 * heightOf(value, view)}%`;
    return level;
  });
}

function line({ entries, easing }, view) {
  const shown = entries.length ? entries : [{ frame: 0, value: 1 }];
  const places = Array.from({ length: SAMPLES + 1 }, (_, i) => (i / SAMPLES) * view.columns - 0.5);
  const path = places.map((place) => {
    const y = heightOf(valueAt(shown, place, easing), view);
    return `${(columnOf(place, view) * 1000).toFixed(1)},${(y * 1000).toFixed(1)}`;
  });
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 1000 1000");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.innerHTML =
    '<polyline fill="none" stroke="#ff9f43" stroke-width="2" vector-effect="non-scaling-stroke"/>';
  svg.firstChild.setAttribute("points", path.join(" "));
  return svg;
}

function points({ entries, chosen }, view) {
  const first = entries.some((entry) => entry.frame === chosen) ? chosen : entries[0]?.frame;
  return entries.map((entry) => {
    const point = element("div", `adk-point${entry.frame === first ? " adk-chosen" : ""}`, {
      tabindex: 0,
      role: "slider",
      "aria-label": word("timeline.value_at", entry),
      "aria-valuenow": entry.value,
      "data-frame": entry.frame,
      title: `${entry.frame}: ${shortest(entry.value)}`,
    });
    point.style.left = `${100 * columnOf(entry.frame, view)}%`;
    point.style.top = `${100 * heightOf(entry.value, view)}%`;
    return point;
  });
}

// The frame and value under the pointer; values are pulled to tenths, unless Shift is held.
// away: how far from it what is dragged lies, in pixels
function under(plot, view, event, away = { x: 0, y: 0 }) {
  const at = { clientX: event.clientX - away.x, clientY: event.clientY - away.y };
  const { x, y } = placeIn(plot, at);
  const frame = Math.max(0, Math.min(view.columns - 1, Math.floor(x * view.columns)));
  const raw = view.high - Math.max(0, Math.min(1, y)) * (view.high - view.low);
  const reach = event.shiftKey ? 0 : (SNAP / plot.offsetHeight) * (view.high - view.low);
  const pull = 10 ** Math.floor(Math.log10(view.high - view.low)) / 10;
  const value = snapped(raw, [0, 1, Math.round(raw / pull) * pull], reach);
  return { frame, value: Math.round(value * 100) / 100 };
}

function dragPoints(plot, view, keyframes) {
  draggable(plot, {
    hit(event) {
      const point = event.target.closest?.("[data-frame]");
      if (!point) return undefined;
      const frame = Number(point.dataset.frame);
      keyframes.choose(frame);
      plot.querySelector(".adk-chosen")?.focus({ preventScroll: true });
      view.frozen = { columns: view.columns, low: view.low, high: view.high };
      const box = plot.querySelector(".adk-chosen").getBoundingClientRect();
      const away = { x: event.clientX - box.x - box.width / 2, y: event.clientY - box.y - box.height / 2 };
      return { frame, away, from: event, moved: false, content: keyframes.read() };
    },
    move(grabbed, event) {
      const { away, from, content } = grabbed;
      grabbed.moved ||= Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) >= DRAG;
      if (grabbed.moved) keyframes.change(grabbed.frame, under(plot, view, event, away), content);
    },
    end() {
      view.frozen = undefined;
      keyframes.done();
    },
  });
  plot.addEventListener("dblclick", (event) => {
    const at = under(plot, view, event);
    if (!keyframes.linked && !keyframes.read().error && !keyframes.entry(at.frame)) keyframes.add({ ...at, easing: "" });
  });
}

function typePoints(parts, view, keyframes) {
  const chosen = () => keyframes.entry(keyframes.chosen);
  const change = (facts) => {
    keyframes.change(keyframes.chosen, facts);
    keyframes.done();
  };
  const aside = (by) => change({ frame: chosen().frame + by });
  const up = (by) => change({ value: Math.round((chosen().value + by) * 100) / 100 });
  onKeys(parts.plot, {
    ArrowLeft: (event) => aside(event.shiftKey ? -8 : -1),
    ArrowRight: (event) => aside(event.shiftKey ? 8 : 1),
    ArrowUp: (event) => up(event.shiftKey ? 0.01 : 0.05),
    ArrowDown: (event) => up(event.shiftKey ? -0.01 : -0.05),
    Delete: () => keyframes.remove(keyframes.chosen, 0),
    Backspace: () => keyframes.remove(keyframes.chosen, 0),
    Enter: () => parts.value.focus(),
  });
  parts.plot.addEventListener("focusin", (event) => {
    const at = Number(event.target.dataset?.frame);
    if (at !== keyframes.chosen) keyframes.choose(at);
  });
  parts.frame.addEventListener("change", () => {
    if (parts.frame.value) change({ frame: Math.round(parts.frame.value) });
  });
  parts.value.addEventListener("change", () => {
    const written = parts.value.value; // kept as it was typed
    if (isNumber(written)) change({ value: Number(written), written });
  });
  parts.easing.addEventListener("change", () => change({ easing: parts.easing.value }));
  for (const input of [parts.frame, parts.value]) {
    onKeys(input, { Enter: () => input.blur(), Escape: () => input.blur() });
  }
  parts.add.addEventListener("click", () => {
    const { entries } = keyframes.read();
    const start = keyframes.chosen ?? 0;
    const next = entries.find((entry) => entry.frame > start)?.frame ?? view.columns;
    const frame = entries.length ? Math.ceil((start + next) / 2) : 0;
    keyframes.add({ frame, value: chosen()?.value ?? 1, easing: "" });
  });
  parts.remove.addEventListener("click", () => keyframes.remove(keyframes.chosen, 0));
}
