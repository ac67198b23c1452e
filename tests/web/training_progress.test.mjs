import assert from "node:assert/strict";
import { test } from "node:test";
import { progress, speed, time } from "../../web/training_progress.js";

test("times as people read them", () => {
  assert.deepEqual([0, 75, 4000, -3].map(time), ["0:00", "1:15", "1:06:40", "0:00"]);
});

test("speeds", () => {
  assert.deepEqual([2.5, 0.25, 0, null].map(speed), ["2.5 steps/s", "4.0 s/step", "", ""]);
});

test("where a run is", () => {
  const run = { step: 20, steps: 50, state: "running", smoothed: 0.25, speed: 2, left: 15 };
  assert.equal(progress(run), "step 20 of 50 · running · loss 0.2500 · 2.0 steps/s · 0:15 left");
  const over = { step: 50, steps: 50, state: "finished", file: "pan.safetensors", smoothed: null };
  assert.equal(progress(over), "step 50 of 50 · finished · pan.safetensors");
});
