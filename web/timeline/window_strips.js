// Windows drawn into a canvas: a row for each, a pixel for each frame, the brighter the more it
// counts. The page stretches the pixels to the width of the frames.

import { shares } from "./fuse.js";
import { windowsOf } from "./windows.js";

const COLOURS = [
  [76, 154, 255],
  [255, 159, 67],
  [85, 201, 141],
  [232, 106, 146],
];
const ROW = 3; // pixels of a row, of which the last stays dark
export const MOST_ROWS = 64;

// Draws the windows of a step; gives them. frames: of the video; columns: of the canvas, frames and
// what lies beyond.
export function drawWindows(canvas, frames, settings, step = 0, columns = frames) {
  const windows = windowsOf(frames, settings, step);
  const parts = shares(windows, frames, settings, step);
  const rows = Math.min(windows.length, MOST_ROWS);
  canvas.width = columns;
  canvas.height = rows * ROW;
  const context = canvas.getContext("2d");
  for (let w = 0; w < rows; w++) {
    windows[w].forEach((frame, p) => {
      context.fillStyle = shade(COLOURS[w % COLOURS.length], 0.2 + 0.8 * parts[w][p]);
      context.fillRect(frame, w * ROW, 1, ROW - 1);
    });
  }
  return windows;
}

function shade([red, green, blue], opacity) {
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}
