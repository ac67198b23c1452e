import assert from "node:assert/strict";
import { test } from "node:test";
import { cellOf, fitted, frameAt } from "../../web/sheet.js";

test("frames follow each other at their pace, and begin anew", () => {
  assert.deepEqual([0, 0.124, 0.126, 0.9, 1.0].map((t) => frameAt(t, 8, 8)), [0, 0, 1, 7, 0]);
  assert.equal(frameAt(1e6 + 0.01, 3, 8), (1e6 * 8) % 3);
  assert.equal(frameAt(-1, 8, 8), 0);
  assert.equal(frameAt(1, 0, 8), 0);
});

test("frames lie row by row", () => {
  const sheet = { columns: 3, width: 64, height: 48 };
  assert.deepEqual(cellOf(0, sheet), { x: 0, y: 0, width: 64, height: 48 });
  assert.deepEqual(cellOf(5, sheet), { x: 128, y: 48, width: 64, height: 48 });
});

test("a frame fills a box without being bent", () => {
  assert.deepEqual(fitted(64, 32, 256, 256), { x: 0, y: 64, width: 256, height: 128 });
  assert.deepEqual(fitted(32, 64, 256, 64), { x: 112, y: 0, width: 32, height: 64 });
});
