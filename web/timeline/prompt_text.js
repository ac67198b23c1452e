// The text of a prompt schedule -> prompts by frame, and back: the grammar of
// sampling/prompt_schedule.py. Pure; tests/web compares both.

import { word } from "../words.js";

const LINE_BREAK = /\r\n|[\r\v\f\x85\u2028\u2029]/g;
const BETWEEN = /[ \t\n,]*/y;
const QUOTED = /"([^"]*)"\s*:\s*("[^"\\]*(?:\\[^][^"\\]*)*")[ \t]*,?[ \t]*/y;
const PLAIN = /([^:\n]*):([^\n]*)/y;

// What a line without quotes cannot hold: a break, a second frame number, quotes all round.
const BREAK = /[\n\r\v\f\x85\u2028\u2029]/;
const SECOND_FRAME = /[,;][ \t]*\d{1,9}(?![ \t]+:[ \t]*\d+[ \t]*(?:$|[,;)\]\n]))[ \t]*:(?![\d.)])/;
const IN_QUOTES = /^"[^"\\]*(?:\\[^][^"\\]*)*"[ \t]*,?$/;

// text -> {entries: [{frame, text}] by frame, quoted}. Throws an Error that says why it cannot be
// drawn; the text may be right all the same, or Python says more of it.
export function parsePrompts(text) {
  const source = text.replace(/^\ufeff/, "").replace(LINE_BREAK, "\n");
  const found = new Map();
  let quoted = false;
  let position = behind(BETWEEN, source, 0);
  while (position < source.length) {
    const inQuotes = source[position] === '"';
    const match = matchAt(inQuotes ? QUOTED : PLAIN, source, position);
    const line = () => lineOf(source, position);
    if (!match) throw new Error(word("text.line_without_colon", { line: line() }));
    const frame = frameNumber(match[1], line);
    if (found.has(frame)) throw new Error(word("text.two_prompts", { frame }));
    found.set(frame, inQuotes ? unquoted(match[2]) : match[2].replace(/^[ \t]+|[ \t]+$/g, ""));
    quoted ||= inQuotes;
    position = behind(BETWEEN, source, position + match[0].length);
  }
  if (!found.size) throw new Error(word("text.no_prompts"));
  const entries = [...found].map(([frame, prompt]) => ({ frame, text: prompt }));
  return { entries: byFrame(entries), quoted };
}

// The text for Prompt Travel: a prompt a line, in FizzNodes' quotes where they were or are needed.
export function formatPrompts({ entries, quoted }) {
  const sorted = byFrame(entries);
  if (quoted || sorted.some((entry) => needsQuotes(entry.text))) {
    return sorted.map((entry) => `"${entry.frame}": ${JSON.stringify(entry.text)}`).join(",\n");
  }
  return sorted.map((entry) => `${entry.frame}: ${entry.text}`).join("\n");
}

function needsQuotes(text) {
  return BREAK.test(text) || SECOND_FRAME.test(text) || IN_QUOTES.test(text.trim());
}

function byFrame(entries) {
  return [...entries].sort((one, other) => one.frame - other.frame);
}

function matchAt(pattern, text, position) {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

function behind(pattern, text, position) {
  return position + matchAt(pattern, text, position)[0].length;
}

// Counted for an error alone: it reads all of the text before.
function lineOf(text, position) {
  return text.slice(0, position).split("\n").length;
}

function frameNumber(written, line) {
  const digits = written.trim();
  if (!/^\d{1,9}$/.test(digits)) {
    throw new Error(word("text.line_without_frame", { text: digits, line: line() }));
  }
  return Number(digits);
}

// Python's reader takes line breaks and tabs inside of quotes as they are.
function unquoted(json) {
  const escaped = (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  try {
    return JSON.parse(json.replace(/[\u0000-\u001f]/g, escaped));
  } catch {
    throw new Error(word("text.no_escape", { text: json.slice(0, 30) }));
  }
}
