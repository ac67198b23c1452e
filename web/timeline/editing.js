// Keyframes of a text widget, edited: each change is read from the text and written into it, so that
// the text stays the only memory.

import { comesByLink } from "./graph.js";
import { keep, refresh, write } from "./panel.js";
import { freeFrame } from "./scale.js";

export class Keyframes {
  // parse: text -> {entries, ...}, which throws for what cannot be drawn; format: the way back.
  constructor(app, node, widget, parse, format) {
    Object.assign(this, { app, node, widget, parse, format, chosen: undefined, last: undefined });
  }

  // Whether another node gives the text, so that the widget's counts nothing.
  get linked() {
    return comesByLink(this.node, this.widget.name);
  }

  // The text as it is read, or {error} where it cannot be drawn. Panels ask ten times a second.
  read() {
    const text = String(this.widget.value ?? "");
    if (this.last?.text !== text) this.last = { text, content: this.parsed(text) };
    return this.last.content;
  }

  parsed(text) {
    try {
      return this.parse(text);
    } catch (error) {
      return { error: error.message, entries: [] };
    }
  }

  entry(frame) {
    return this.read().entries.find((each) => each.frame === frame);
  }

  // Writes the keyframes of `content` with `entries` in their place.
  put(content, entries) {
    write(this.app, this.widget, this.format({ ...content, entries }));
  }

  choose(frame) {
    this.chosen = frame;
    refresh();
  }

  // In `content`, the keyframe of frame `from` with other facts, at the free frame nearest to the
  // one that these name. `content` is the text before a drag, so that what the pointer passes stays.
  change(from, facts, content = this.read()) {
    const others = content.entries.filter((each) => each.frame !== from);
    const entry = { ...content.entries.find((each) => each.frame === from), ...facts };
    entry.frame = freeFrame(entry.frame, new Set(others.map((each) => each.frame)));
    this.chosen = entry.frame;
    this.put(content, [...others, entry]);
  }

  add(entry) {
    const content = this.read();
    const taken = new Set(content.entries.map((each) => each.frame));
    const frame = freeFrame(entry.frame, taken);
    this.chosen = frame;
    this.put(content, [...content.entries, { ...entry, frame }]);
    keep(this.app);
  }

  remove(frame, least) {
    const content = this.read();
    const left = content.entries.filter((each) => each.frame !== frame);
    if (left.length === content.entries.length || left.length < least) return;
    const before = left.filter((each) => each.frame < frame);
    this.chosen = (before[before.length - 1] ?? left[0])?.frame;
    this.put(content, left);
    keep(this.app);
  }

  done() {
    keep(this.app);
  }
}

// Keys on a chosen keyframe. actions: key -> (event) => nothing; what they know goes no further, so
// that Delete does not take the node away.
export function onKeys(area, actions) {
  area.addEventListener("keydown", (event) => {
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.isComposing) return; // the key is the input method's: it takes or leaves a candidate
    event.preventDefault();
    event.stopPropagation();
    action(event);
  });
}

// Draws children anew and gives the chosen one the keyboard back, if one of them had it.
export function redraw(area, children) {
  const had = area.contains(document.activeElement);
  area.replaceChildren(...children);
  if (had) area.querySelector(".adk-chosen")?.focus({ preventScroll: true });
}
