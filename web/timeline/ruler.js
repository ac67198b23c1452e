// Frame numbers above a track.

import { element } from "./elements.js";
import { partOf, tickStep } from "./scale.js";
import { word } from "../words.js";

const ROOM = 12; // numbers that a ruler has room for

// frames: of the line; end: frames of the video, behind which nothing is rendered.
export function drawRuler(ruler, frames, end) {
  const step = tickStep(frames, ROOM);
  const ticks = [];
  for (let frame = 0; frame < frames; frame += step) {
    const tick = element("span", "adk-tick", {}, String(frame));
    tick.style.left = `${100 * partOf(frame, frames)}%`;
    ticks.push(tick);
  }
  if (end < frames) {
    const beyond = element("span", "adk-beyond", { title: word("timeline.video", { frames: end }) });
    beyond.style.left = `${100 * partOf(end, frames)}%`;
    ticks.push(beyond);
  }
  ruler.replaceChildren(...ticks);
}
