// The text of values over frames -> keyframes, and back: the grammar of
// sampling/values/keyframes.py. Pure; tests/web compares both.

import { word } from "../words.js";

const LINE_BREAK = /\r\n|[\r\v\f\x85\u2028\u2029]/g;
const VALUE = /^\s*(?:\(\s*([^\s()]+)\s*\)|([^\s()]+))\s*(.*)$/s;
const NUMBER = /^[+-]?(?:\d{1,9}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d)?$/;

// How far, 0 to 1, a frame has gone from its keyframe to the next: sampling/easings.py.
export const EASINGS = {
  linear: (u) => u,
  smooth: (u) => (1 - Math.cos(Math.PI * u)) / 2,
  step: () => 0,
  ease_in: (u) => u * u,
  ease_out: (u) => u * (2 - u),
};
const OTHER_NAMES = { ease: "smooth", ease_in_out: "smooth", "ease-in-out": "smooth" };

// text -> {entries: [{frame, value, written, easing}] by frame, lines}; easing is "" where none is
// named, lines whether each stands in a line of its own. Throws an Error that says what is wrong.
export function parseValues(text) {
  const source = text.replace(/^\ufeff/, "").replace(LINE_BREAK, "\n");
  const found = new Map();
  for (const part of source.split(/[,;\n]+/)) {
    if (!part.trim()) continue;
    const colon = part.indexOf(":");
    if (colon < 0) throw new Error(word("text.part_without_colon", { part: part.trim() }));
    const digits = part.slice(0, colon).trim().replace(/^["']+|["']+$/g, "");
    if (!/^\d{1,9}$/.test(digits)) throw new Error(word("text.no_frame", { text: digits }));
    const frame = Number(digits);
    if (found.has(frame)) throw new Error(word("text.two_values", { frame }));
    found.set(frame, { frame, ...valueOf(part.slice(colon + 1)) });
  }
  return { entries: byFrame([...found.values()]), lines: source.trim().includes("\n") };
}

function valueOf(part) {
  const match = VALUE.exec(part);
  const written = match?.[1] ?? match?.[2] ?? "";
  if (!isNumber(written)) throw new Error(word("text.no_number", { text: part.trim() }));
  const name = match[3].trim().toLowerCase();
  const easing = OTHER_NAMES[name] ?? name;
  if (easing && !(easing in EASINGS)) throw new Error(word("text.no_easing", { name }));
  return { value: Number(written), written, easing };
}

// Whether a text is read as a number of such a schedule.
export function isNumber(text) {
  return NUMBER.test(text);
}

export function formatValues({ entries, lines }) {
  const parts = byFrame(entries).map(({ frame, value, written, easing }) => {
    const number = written !== undefined && Number(written) === value ? written : shortest(value);
    return `${frame}: ${number}${easing ? ` ${easing}` : ""}`;
  });
  return parts.join(lines ? "\n" : ", ");
}

// As the hand draws it: hundredths, without zeros that say nothing.
export function shortest(value) {
  return String(Math.round(value * 100) / 100);
}

// The value at a place between keyframes; before the first and behind the last, theirs holds.
export function valueAt(entries, place, easing = "linear") {
  const next = entries.findIndex((entry) => entry.frame > place);
  if (next === 0) return entries[0].value;
  if (next < 0) return entries[entries.length - 1].value;
  const [start, end] = [entries[next - 1], entries[next]];
  const gone = (place - start.frame) / (end.frame - start.frame);
  return start.value + EASINGS[end.easing || easing](gone) * (end.value - start.value);
}

function byFrame(entries) {
  return [...entries].sort((one, other) => one.frame - other.frame);
}
