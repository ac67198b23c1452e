// A small stage that plays a camera move: a chequered ground with a sun and a house on it.

import { seen } from "./camera_moves.js";

const SIZE = 128; // pixels
const SECONDS = 2;
const TILES = 12; // along a side, two pictures wide, so that no move sees an end
const [GROUND, TILE, SUN, HOUSE, ROOF] = ["#20303f", "#2b4257", "#f2c14e", "#d8d3c4", "#c2543d"];

export class CameraStage {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.canvas.height = SIZE;
    this.frame = null;
  }

  // Until it is stopped, or what it is shown for is there no more.
  play(move, owner) {
    this.stop();
    const begin = performance.now();
    const next = () => {
      if (!owner.isConnected) return this.canvas.remove();
      const u = ((performance.now() - begin) / 1000 / SECONDS) % 1;
      this.draw(move.pose(u));
      this.canvas.dataset.u = u.toFixed(2);
      this.frame = requestAnimationFrame(next);
    };
    next();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
  }

  draw(pose) {
    const context = this.canvas.getContext("2d");
    const shape = (colour, points) => {
      context.fillStyle = colour;
      context.beginPath();
      for (const point of points) {
        const [x, y] = seen(point, pose);
        context.lineTo((x + 0.5) * SIZE, (y + 0.5) * SIZE);
      }
      context.fill();
    };
    context.fillStyle = GROUND;
    context.fillRect(0, 0, SIZE, SIZE);
    for (const tile of tiles()) shape(TILE, tile);
    shape(SUN, circle(0.22, -0.2, 0.09));
    shape(HOUSE, box(-0.12, 0, 0.24, 0.2));
    shape(ROOF, [[-0.16, 0], [0, -0.14], [0.16, 0]]);
  }
}

function box(x, y, width, height) {
  return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
}

function circle(x, y, radius) {
  const turns = [...Array(24).keys()].map((i) => (i / 12) * Math.PI);
  return turns.map((turn) => [x + radius * Math.cos(turn), y + radius * Math.sin(turn)]);
}

function* tiles() {
  const side = 2 / TILES;
  for (let row = 0; row < TILES; row++) {
    for (let column = row % 2; column < TILES; column += 2) {
      yield box(column * side - 1, row * side - 1, side, side);
    }
  }
}
