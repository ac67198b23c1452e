// The timeline of Prompt Travel: a block for each prompt, from its frame to the next, over the
// windows that will be sampled.

import { draggable, placeIn } from "./drag.js";
import { Keyframes, onKeys, redraw } from "./editing.js";
import { element } from "./elements.js";
import {
  comesByLink,
  latentFrames,
  numberOf,
  sampledFrames,
  valueOf,
  widgetOf,
  windowSettings,
} from "./graph.js";
import { addPanel } from "./panel.js";
import { formatPrompts, parsePrompts } from "./prompt_text.js";
import { drawRuler } from "./ruler.js";
import { frameAt, partOf, snapped, tickStep } from "./scale.js";
import { drawWindows } from "./window_strips.js";
import { countOf, wrongWith } from "./windows.js";
import { word } from "../words.js";

const HEIGHT = 128;
const TEXT = 60; // pixels more for the text than ComfyUI gives it
const SNAP = 7; // pixels

export function addPromptTimeline(app, node) {
  const widget = widgetOf(node, "prompts");
  if (!widget) return;
  const keyframes = new Keyframes(app, node, widget, parsePrompts, formatPrompts);
  const parts = elements();
  const view = { columns: 1, settings: undefined, frozen: undefined };
  const root = addPanel(app, node, "timeline", {
    height: HEIGHT,
    look: () => seen(node, keyframes),
    draw: (now) => draw(parts, view, keyframes, now),
  });
  root.append(parts.row, parts.lines, parts.says);
  const [width, height] = node.computeSize();
  node.setSize([Math.max(width, 420), height + TEXT]);
  dragPrompts(parts.track, view, keyframes);
  typePrompts(parts, view, keyframes);
}

function elements() {
  const named = (key, facts) => ({ ...facts, "aria-label": word(key) });
  const frame = element("input", "adk-number", named("timeline.frame", { type: "number", min: 0 }));
  const writes = { type: "text", spellcheck: false };
  const words = element("input", "adk-words", named("timeline.prompt", writes));
  const add = element("button", "", { type: "button", title: word("timeline.add_prompt") }, "+");
  const remove = element("button", "", { type: "button", title: word("timeline.remove_prompt") }, "−");
  const [ruler, track] = [element("div", "adk-ruler"), element("div", "adk-track")];
  const strips = element("canvas", "adk-strips");
  return {
    ...{ frame, words, add, remove, ruler, track, strips },
    row: element("div", "adk-row", {}, frame, words, add, remove),
    lines: element("div", "adk-lines", {}, ruler, track, strips),
    says: element("div", "adk-says", { role: "status" }),
  };
}

// All that the panel shows.
function seen(node, keyframes) {
  const { entries, error } = keyframes.read();
  const latent = node.inputs?.some((slot) => slot.name === "latent" && slot.link != null);
  const written = comesByLink(node, "frames") ? undefined : numberOf(node, "frames", 16);
  const frames = (latent && latentFrames(node)) || written || 16;
  return {
    ...{ entries, error, frames, chosen: keyframes.chosen },
    sampled: sampledFrames(node, "CONDITIONING"),
    linked: keyframes.linked,
    even: valueOf(node, "interpolation", "linear") !== "step",
    settings: windowSettings(node, "CONDITIONING"),
  };
}

function draw(parts, view, keyframes, now) {
  const drawn = !now.linked && !now.error;
  const last = now.entries[now.entries.length - 1]?.frame ?? 0;
  view.columns = view.frozen ?? Math.max(now.frames, last + 1);
  view.settings = now.settings && !wrongWith(now.settings) ? now.settings : undefined;
  view.frames = now.frames;
  drawRuler(parts.ruler, view.columns, now.frames);
  redraw(parts.track, drawn ? blocks(now, view.columns) : []);
  parts.strips.style.display = view.settings ? "" : "none";
  if (view.settings) {
    view.windows = drawWindows(parts.strips, now.frames, view.settings, 0, view.columns);
  }
  drawRow(parts, keyframes, now, drawn);
  const [says, warns] = sentence(now, last, view);
  parts.says.textContent = says;
  parts.says.title = says;
  parts.says.classList.toggle("adk-warns", warns);
}

function drawRow(parts, keyframes, now, drawn) {
  const chosen = now.entries.find((entry) => entry.frame === now.chosen) ?? now.entries[0];
  if (drawn && chosen) keyframes.chosen = chosen.frame;
  for (const part of [parts.frame, parts.words, parts.add]) part.disabled = !drawn;
  parts.remove.disabled = !drawn || now.entries.length < 2;
  fill(parts.frame, drawn ? chosen.frame : "");
  fill(parts.words, drawn ? chosen.text : "");
}

// What a hand is typing stays.
function fill(input, value) {
  if (input !== document.activeElement) input.value = value;
}

function blocks({ entries, chosen, even }, columns) {
  const known = entries.some((entry) => entry.frame === chosen) ? chosen : entries[0].frame;
  return entries.map((entry, i) => {
    const start = i ? entry.frame : 0;
    const end = entries[i + 1]?.frame ?? columns;
    const block = element("div", `adk-block${entry.frame === known ? " adk-chosen" : ""}`, {
      tabindex: 0,
      role: "slider",
      "aria-label": word("timeline.prompt_at", entry),
      "aria-valuenow": entry.frame,
      "data-frame": entry.frame,
      title: `${entry.frame}: ${entry.text}`,
    });
    block.textContent = entry.text;
    block.style.setProperty("--adk-hue", hue(i));
    block.style.left = `${100 * partOf(start, columns)}%`;
    block.style.width = `${100 * partOf(end - start, columns)}%`;
    const next = even && entries[i + 1] ? hue(i + 1) : hue(i);
    block.style.background = `linear-gradient(90deg, hsl(${hue(i)} 45% 38%), hsl(${next} 45% 38%))`;
    return block;
  });
}

const hue = (i) => (210 + i * 137.5) % 360;

// The line below, and whether it is a warning.
function sentence(now, last, view) {
  if (now.linked) return [word("timeline.linked"), false];
  if (now.error) return [word("timeline.unread", now), false];
  if (last > now.frames) {
    return [word("timeline.beyond", { frame: last, frames: now.frames }), true];
  }
  if (now.sampled !== undefined && now.sampled !== now.frames) {
    return [word("timeline.latent", now), true];
  }
  const wrong = now.settings && wrongWith(now.settings);
  if (wrong) return [word("timeline.windows", { wrong }), true];
  const hint = word("timeline.prompt_hint");
  return [view.settings ? `${hint} · ${countOf(view.windows.length)}` : hint, false];
}

function dragPrompts(track, view, keyframes) {
  draggable(track, {
    hit(event) {
      const block = event.target.closest?.("[data-frame]");
      if (!block) return undefined;
      const frame = Number(block.dataset.frame);
      keyframes.choose(frame);
      track.querySelector(".adk-chosen")?.focus({ preventScroll: true });
      view.frozen = view.columns;
      const away = placeIn(track, event).x - partOf(frame, view.columns);
      return { frame, away, at: frame, content: keyframes.read() };
    },
    move(grabbed, event) {
      const frame = frameAt(placeIn(track, event).x - grabbed.away, view.columns);
      const reach = event.shiftKey ? 0 : (SNAP / track.offsetWidth) * view.columns;
      const at = snapped(frame, snaps(view), reach);
      if (at === grabbed.at) return;
      grabbed.at = at;
      keyframes.change(grabbed.frame, { frame: at }, grabbed.content);
    },
    end() {
      view.frozen = undefined;
      keyframes.done();
    },
  });
}

// Frames that pull: the numbers of the ruler, where windows begin, the end.
function snaps({ columns, frames, settings, windows }) {
  const step = tickStep(columns, 12);
  const ticks = Array.from({ length: Math.ceil(columns / step) }, (_, i) => i * step);
  return [...ticks, ...(settings ? windows.map((window) => window[0]) : []), frames - 1];
}

function typePrompts(parts, view, keyframes) {
  const { frame, words, add, remove, track } = parts;
  const step = (by) => {
    keyframes.change(keyframes.chosen, { frame: keyframes.chosen + by });
    keyframes.done();
  };
  onKeys(track, {
    ArrowLeft: (event) => step(event.shiftKey ? -8 : -1),
    ArrowRight: (event) => step(event.shiftKey ? 8 : 1),
    Delete: () => keyframes.remove(keyframes.chosen, 1),
    Backspace: () => keyframes.remove(keyframes.chosen, 1),
    Enter: () => words.focus(),
  });
  track.addEventListener("focusin", (event) => {
    const at = Number(event.target.dataset?.frame);
    if (at !== keyframes.chosen) keyframes.choose(at);
  });
  track.addEventListener("dblclick", (event) => {
    addAt(frameAt(placeIn(track, event).x, view.columns), parts, keyframes);
  });
  words.addEventListener("input", () => keyframes.change(keyframes.chosen, { text: words.value }));
  words.addEventListener("change", () => keyframes.done());
  frame.addEventListener("change", () => {
    if (!frame.value) return; // an emptied field moves nothing
    keyframes.change(keyframes.chosen, { frame: Math.round(frame.value) });
    keyframes.done();
  });
  for (const input of [words, frame]) {
    onKeys(input, { Enter: () => input.blur(), Escape: () => input.blur() });
  }
  add.addEventListener("click", () => {
    const { entries } = keyframes.read();
    const next = entries.find((entry) => entry.frame > keyframes.chosen)?.frame ?? view.columns;
    addAt(Math.ceil((keyframes.chosen + next) / 2), parts, keyframes);
  });
  remove.addEventListener("click", () => keyframes.remove(keyframes.chosen, 1));
}

// A new prompt begins with the words of the one that held there.
function addAt(frame, { words }, keyframes) {
  const { entries, error } = keyframes.read();
  if (error || keyframes.linked) return;
  const held = entries.filter((entry) => entry.frame <= frame).pop() ?? entries[0];
  keyframes.add({ frame, text: held.text });
  words.focus();
  words.select();
}
