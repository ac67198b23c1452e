// Frames along a line: where a frame lies, which lies there, the ticks of a ruler, snapping. Pure.
//
// A line of `frames` frames is divided into as many columns; frame 0 begins at 0, the last ends at 1.

const LAST_FRAME = 999999999; // nine digits: more are not read as a frame number

export function partOf(frame, frames) {
  return frame / frames;
}

// part: 0..1 along the line; the frame whose beginning is nearest.
export function frameAt(part, frames) {
  return Math.max(0, Math.min(frames - 1, Math.round(part * frames)));
}

// The distance of the numbers of a ruler that has room for `most` of them.
export function tickStep(frames, most) {
  if (!Number.isFinite(frames)) return 1;
  for (let scale = 1; ; scale *= 10) {
    for (const step of [1, 2, 4, 8]) {
      if (frames / (step * scale) <= most) return step * scale;
    }
  }
}

// The place among `places` that lies at most `reach` frames away, else the frame itself.
export function snapped(frame, places, reach) {
  let best = frame;
  for (const place of places) {
    const near = Math.abs(place - frame) <= reach;
    if (near && (best === frame || Math.abs(place - frame) < Math.abs(best - frame))) best = place;
  }
  return best;
}

// The free frame nearest to `frame`: two keyframes cannot share one.
export function freeFrame(frame, taken) {
  const wanted = Math.max(0, Math.min(LAST_FRAME, frame));
  for (let away = 0; ; away++) {
    for (const place of [wanted + away, wanted - away]) {
      if (place >= 0 && place <= LAST_FRAME && !taken.has(place)) return place;
    }
  }
}
