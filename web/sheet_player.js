// An element that plays the sheet it was given last. Playing goes on while new sheets come in, so
// that a long animation is seen to its end.

import { cellOf, frameAt, fitted } from "./sheet.js";

export class SheetPlayer {
  constructor() {
    this.element = document.createElement("canvas");
    this.element.className = "adk-moving-preview";
    this.element.style.cssText = "width: 100%; height: 100%; object-fit: contain;";
    this.sheet = null;
    this.picture = null;
    this.began = performance.now();
    this.timer = null;
    this.stopped = false;
  }

  // sheet: {image, frames, columns, width, height, fps}; the animation goes on with it as soon as
  // its picture is read.
  show(sheet) {
    const picture = new Image();
    picture.onload = () => {
      if (this.stopped) return;
      this.sheet = sheet;
      this.picture = picture;
      this.draw();
      if (this.timer === null) this.timer = setInterval(() => this.draw(), 1000 / sheet.fps);
    };
    picture.src = sheet.image;
  }

  stop() {
    this.stopped = true;
    clearInterval(this.timer);
    this.timer = null;
  }

  draw() {
    const { element, sheet, picture } = this;
    const box = element.parentElement?.getBoundingClientRect();
    if (!sheet || !box || !box.width) return;
    const frame = frameAt((performance.now() - this.began) / 1000, sheet.frames, sheet.fps);
    const from = cellOf(frame, sheet);
    element.width = Math.max(sheet.width, 256);
    element.height = Math.round((element.width * sheet.height) / sheet.width);
    const to = fitted(sheet.width, sheet.height, element.width, element.height);
    element
      .getContext("2d")
      .drawImage(
        picture, from.x, from.y, from.width, from.height, to.x, to.y, to.width, to.height,
      );
    element.dataset.frame = frame;
  }
}
