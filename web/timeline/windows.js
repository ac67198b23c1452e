// Which frames go through the UNet together: sampling/windows.py in JavaScript, for pictures that
// the page draws without asking the server. Pure; tests/web compares both over all schedules.
//
// settings: {length, overlap, stride, schedule, fuse, closed_loop, on_equal_length}

import { word } from "../words.js";

const LOOPED_UNIFORM = "looped_uniform";

const SCHEDULES = {
  standard_static: staticStandard,
  standard_uniform: uniformStandard,
  [LOOPED_UNIFORM]: uniformLooped,
  batched,
  views: staticStandard,
  shifted,
  views_shifted: shifted,
};
const LOOPING = [LOOPED_UNIFORM, "shifted", "views_shifted"];
const STOPPED = [shifted]; // at both ends of the video

// What keeps the settings from covering a video, or "".
export function wrongWith(settings) {
  if (!(settings.schedule in SCHEDULES)) return word("windows.not_drawn", settings);
  const { length, overlap, stride } = settings;
  if (![length, stride].every((value) => Number.isFinite(value) && value >= 1)) {
    return word("windows.from_one");
  }
  if (!(Number.isFinite(overlap) && overlap >= 0 && overlap < length)) {
    return word("windows.overlap", settings);
  }
  if (settings.closed_loop && !LOOPING.includes(settings.schedule)) {
    return word("windows.no_loop", { schedules: LOOPING.join(", ") });
  }
  return "";
}

// A number of windows in words.
export function countOf(count) {
  return count === 1 ? word("windows.one") : word("windows.many", { count });
}

function appliesTo(frames, settings) {
  const equal = settings.closed_loop || settings.on_equal_length;
  return frames > settings.length || (equal && frames === settings.length && frames > 1);
}

// The windows of a sampling step, each a list of frames.
export function windowsOf(frames, settings, step = 0) {
  if (!appliesTo(frames, settings)) return [run(0, frames)];
  return SCHEDULES[settings.schedule](frames, settings, step);
}

// The van der Corput sequence in base 2: 0, 1/2, 1/4, 3/4, 1/8...
function orderedHalving(k) {
  let [value, part] = [0, 0.5];
  for (let rest = k; rest > 0; rest = Math.floor(rest / 2), part /= 2) value += (rest % 2) * part;
  return value;
}

// As Python rounds: a half goes to the even neighbour.
function roundHalfEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}

function run(start, length, gap = 1) {
  return Array.from({ length }, (_, i) => start + i * gap);
}

function staticStandard(frames, { length, overlap }) {
  const windows = [];
  for (let start = 0; start < frames - length; start += length - overlap) {
    windows.push(run(start, length));
  }
  return [...windows, run(frames - length, length)];
}

function batched(frames, { length }) {
  const windows = [];
  for (let start = 0; start < frames; start += length) {
    windows.push(run(start, Math.min(length, frames - start)));
  }
  return windows;
}

function gaps(frames, { length, stride }) {
  const levels = Math.min(stride, Math.ceil(Math.log2(frames / length)) + 1);
  const doubled = Array.from({ length: levels }, (_, level) => 2 ** level);
  return doubled.filter((gap) => gap === 1 || (length - 1) * gap < frames);
}

function uniform(frames, { length, overlap, closed_loop: loop }, step, gap) {
  const offset = roundHalfEven(frames * orderedHalving(step));
  const end = frames + offset - (loop ? 0 : overlap);
  const windows = [];
  let start = offset + Math.floor(orderedHalving(step) * gap);
  for (; start < end; start += length * gap - overlap) {
    windows.push(run(start, length, gap).map((frame) => frame % frames));
  }
  return windows;
}

function uniformLooped(frames, settings, step) {
  return gaps(frames, settings).flatMap((gap) => uniform(frames, settings, step, gap));
}

function uniformStandard(frames, settings, step) {
  return unique(
    gaps(frames, settings).flatMap((gap) =>
      unrolled(uniform(frames, settings, step, gap), frames, gap),
    ),
  );
}

function unrolled(level, frames, gap) {
  const windows = [...level];
  for (let i = 0; i < windows.length; i++) {
    const { length } = windows[i];
    const wrap = windows[i].findIndex((frame, n) => n > 0 && frame < windows[i][n - 1]);
    if (wrap < 0) continue;
    const first = windows[i][wrap];
    windows[i] = run(frames - 1 - (length - 1) * gap, length, gap);
    if (!windows[(i + 1) % windows.length].includes(first)) {
      windows.splice(i + 1, 0, run(first, length));
    }
  }
  return windows;
}

function shifted(frames, settings, step) {
  const { length, closed_loop: loop } = settings;
  const [forward, offset] = shiftOf(settings, step);
  const last = frames - length;
  const windows = [];
  for (let start = -offset; start < (loop ? frames - offset : last + forward); start += forward) {
    if (loop) windows.push(run(start, length).map((frame) => (frame + frames) % frames));
    else windows.push(run(Math.min(Math.max(start, 0), last), length));
  }
  return loop ? windows : unique(windows);
}

// How far apart shifted windows begin, and how far they lie before the static ones.
function shiftOf({ length, overlap }, step) {
  const forward = length - overlap;
  return [forward, roundHalfEven(forward * orderedHalving(step)) % forward];
}

// Where a window would lie that the schedule stopped at an end of the video; any other is itself.
export function unstopped(window, frames, settings, step) {
  const stops = STOPPED.includes(SCHEDULES[settings.schedule]) && appliesTo(frames, settings);
  if (settings.closed_loop || !stops) return [window];
  const { length } = settings;
  const [forward, offset] = shiftOf(settings, step);
  const last = frames - length;
  const places = [];
  for (let at = -offset - Math.floor(length / forward) * forward; at < frames; at += forward) {
    if (Math.min(Math.max(at, 0), last) === window[0]) places.push(run(at, length));
  }
  return places;
}

// Whether windows go from the last frame on to the first.
export function wraps(settings) {
  return settings.schedule === LOOPED_UNIFORM || settings.closed_loop;
}

function unique(windows) {
  return [...new Map(windows.map((window) => [window.join(), window])).values()];
}
