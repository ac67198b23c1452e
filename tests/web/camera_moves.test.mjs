import assert from "node:assert/strict";
import { test } from "node:test";
import { fileFor, moveOf, MOVES, seen } from "../../web/camera_moves.js";

const AUTHORS = [
  "v2_lora_ZoomIn.ckpt", "v2_lora_ZoomOut.ckpt", "v2_lora_PanLeft.ckpt", "v2_lora_PanRight.ckpt",
  "v2_lora_TiltUp.ckpt", "v2_lora_TiltDown.ckpt", "v2_lora_RollingAnticlockwise.ckpt",
  "v2_lora_RollingClockwise.ckpt",
];
const OURS = MOVES.map((move) => `small_world_${move.name.replace(" ", "_")}.safetensors`);
const DIFFUSERS = MOVES.map(
  (move) => `animatediff-motion-lora-${move.name.replace("roll ", "rolling ").replace(" ", "-")}.safetensors`,
);
const ALL = ["none", "sub/my_style.ckpt", ...AUTHORS, ...OURS];

for (const [kind, files] of Object.entries({ AUTHORS, OURS, DIFFUSERS })) {
  test(`the files of each move: ${kind}`, () => assert.deepEqual(files.map(moveOf), MOVES));
}

test("names that say no move", () => {
  for (const name of ["none", "", "zooming.ckpt", "expand_left.ckpt", "roll.ckpt", "zoom_in/x.ckpt"]) {
    assert.equal(moveOf(name), undefined, name);
  }
  assert.equal(moveOf("zoom_out\\v2_lora_PanLeft.ckpt").name, "pan left");
});

test("each motion model gets its own files", () => {
  MOVES.forEach((move, i) => {
    assert.equal(fileFor(move, ALL, "v3_sd15_mm.ckpt"), AUTHORS[i]);
    assert.equal(fileFor(move, ALL, "small_world_motion.safetensors"), OURS[i]);
    assert.equal(fileFor(move, OURS, "v3_sd15_mm.ckpt"), undefined);
    assert.equal(fileFor(move, ["none"], undefined), undefined);
    assert.equal(fileFor(move, ALL, undefined), AUTHORS[i], "one's own come first");
    assert.equal(fileFor(move, ALL, undefined, OURS[1]), OURS[i], "the kind that is chosen is kept");
    assert.equal(fileFor(move, [...ALL, ...DIFFUSERS], "mm.ckpt", DIFFUSERS[2]), DIFFUSERS[i]);
  });
});

test("what is seen goes against the camera", () => {
  const moved = (name, point) => {
    const move = MOVES.find((one) => one.name === name);
    const [from, to] = [0, 1].map((u) => seen(point, move.pose(u)));
    return [to[0] - from[0], to[1] - from[1]].map((d) => (Math.abs(d) < 1e-9 ? 0 : Math.sign(d)));
  };
  assert.deepEqual(moved("pan left", [0, 0]), [1, 0]);
  assert.deepEqual(moved("pan right", [0, 0]), [-1, 0]);
  assert.deepEqual(moved("tilt up", [0, 0]), [0, 1]);
  assert.deepEqual(moved("tilt down", [0, 0]), [0, -1]);
  assert.deepEqual(moved("zoom in", [0.2, -0.2]), [1, -1]);
  assert.deepEqual(moved("zoom out", [0.2, -0.2]), [-1, 1]);
  assert.deepEqual(moved("roll clockwise", [0, -0.3]), [1, 0], "the top goes right");
  assert.deepEqual(moved("roll anticlockwise", [0, -0.3]), [-1, 0]);
});
