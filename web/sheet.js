// Frames of an animation side by side in one picture, and which of them is to be seen when.

// The frame at a time. seconds: since the animation began; frames: how many there are.
export function frameAt(seconds, frames, fps) {
  return frames > 0 ? Math.floor(Math.max(seconds, 0) * fps) % frames : 0;
}

// The rectangle of a frame in the sheet's picture, in its pixels.
export function cellOf(frame, sheet) {
  const column = frame % sheet.columns;
  const row = Math.floor(frame / sheet.columns);
  return {
    x: column * sheet.width,
    y: row * sheet.height,
    width: sheet.width,
    height: sheet.height,
  };
}

// The largest place of a frame in a box, in its middle.
export function fitted(width, height, boxWidth, boxHeight) {
  const scale = Math.min(boxWidth / width, boxHeight / height);
  const [w, h] = [width * scale, height * scale];
  return { x: (boxWidth - w) / 2, y: (boxHeight - h) / 2, width: w, height: h };
}
