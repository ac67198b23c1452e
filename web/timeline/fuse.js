// How much each window counts in each of its frames: sampling/fuse.py in JavaScript. Pure;
// tests/web compares both over all methods.

import { unstopped, wraps } from "./windows.js";

const FAINT = 0.01;
const BARELY = 1e-30;

const FUSE_METHODS = {
  flat: (window) => window.map(() => 1),
  pyramid: (window) => window.map((_, p) => Math.min(p, window.length - 1 - p) + 1),
  relative(window) {
    const middle = (window.length - 1) / 2;
    return window.map((_, p) => Math.max(FAINT, 1 - Math.abs(p - middle) / (middle + FAINT / 2)));
  },
  "overlap-linear": overlapLinear,
  "overlap-ramp": overlapRamp,
  "delayed-reverse-sawtooth": sawtooth,
};

function overlapLinear(window, frames, settings) {
  const { overlap } = settings;
  const rise = wraps(settings) || !window.includes(0);
  const fall = wraps(settings) || !window.includes(frames - 1);
  const last = window.length - 1;
  const weights = window.map(() => 1);
  for (let p = 0; p < Math.min(overlap, window.length); p++) {
    const ramp = (p + 1) / (overlap + 1);
    if (rise) weights[p] = Math.min(weights[p], ramp);
    if (fall) weights[last - p] = Math.min(weights[last - p], ramp);
  }
  return weights;
}

function overlapRamp(window, frames, { overlap }) {
  const ramp = (p) => Math.max(BARELY, p / Math.max(overlap - 1, 1));
  let weights = window.map(() => 1);
  if (Math.min(...window) > 0) weights = weights.map((w, p) => (p < overlap ? ramp(p) : w));
  if (Math.max(...window) < frames - 1) {
    const last = window.length - 1;
    weights = weights.map((w, p) => (last - p < overlap ? ramp(last - p) : w));
  }
  return weights;
}

function sawtooth(window) {
  const half = Math.floor((window.length + 1) / 2);
  const fall = Array.from({ length: half }, (_, i) => half - i);
  if (window.length % 2 === 0) fall.unshift(half);
  return [...Array(window.length - fall.length).fill(FAINT), ...fall];
}

function weightsOf(window, frames, settings, step) {
  const method = FUSE_METHODS[settings.fuse] ?? FUSE_METHODS.flat;
  const whole = unstopped(window, frames, settings, step);
  if (whole.length === 1 && whole[0][0] === window[0]) return method(window, frames, settings);
  const total = new Map(window.map((frame) => [frame, BARELY]));
  for (const places of whole) {
    const weights = method(places, frames, settings);
    places.forEach((frame, p) => total.has(frame) && total.set(frame, total.get(frame) + weights[p]));
  }
  return [...total.values()];
}

// For each window the part, 0 to 1, of each of its frames' pictures that comes from it.
export function shares(windows, frames, settings, step = 0) {
  const weights = windows.map((window) => weightsOf(window, frames, settings, step));
  const total = new Array(frames).fill(0);
  windows.forEach((window, w) => window.forEach((frame, p) => (total[frame] += weights[w][p])));
  return windows.map((window, w) => window.map((frame, p) => weights[w][p] / total[frame]));
}
