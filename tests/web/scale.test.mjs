import assert from "node:assert/strict";
import { test } from "node:test";
import { freeFrame, tickStep } from "../../web/timeline/scale.js";

test("a ruler has no more numbers than it has room for", () => {
  assert.deepEqual([16, 32, 100, 1e6].map((frames) => tickStep(frames, 12)), [2, 4, 10, 100000]);
});

test("a ruler of what is no number ends all the same", () => {
  assert.deepEqual([NaN, undefined, "linear", Infinity].map((frames) => tickStep(frames, 12)), [1, 1, 1, 1]);
});

test("a keyframe moves to the nearest free frame, of nine digits at the most", () => {
  assert.equal(freeFrame(8, new Set([8, 9])), 7);
  assert.equal(freeFrame(-3, new Set([0])), 1);
  assert.equal(freeFrame(1e12, new Set([999999999])), 999999998);
});
