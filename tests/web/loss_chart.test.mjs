import assert from "node:assert/strict";
import { test } from "node:test";
import { chart, line, lines, span } from "../../web/loss_chart.js";

const curve = { steps: [1, 2, 4], low: [1, null, 3], high: [2, null, 5], smoothed: [1.5, 2, null] };

test("the chart shows all losses with some room", () => {
  const [low, high] = span(curve);
  assert.ok(low < 1 && low >= 0 && high > 5);
  assert.deepEqual(span({ low: [null], high: [null] }), [0, 1]);
  const [flat, above] = span({ low: [2], high: [2] });
  assert.ok(flat < 2 && above > 2);
  assert.ok(span({ low: [-1], high: [1] })[0] < -1);
});

test("a line breaks off where there is no number", () => {
  assert.equal(line([1, 2, null, 3, 4], (i, v) => `${i},${v}`), "M0,1L1,2M3,3L4,4");
  assert.equal(line([null], () => "x"), "");
});

test("steps so far fill the width, and losses point up", () => {
  const { line: drawn, band, last } = chart(curve, 80, 100);
  assert.equal(last, 4);
  const points = [...drawn.matchAll(/([\d.]+),([\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
  assert.deepEqual(points.map(([x]) => x), [20, 40]);
  assert.ok(points[0][1] > points[1][1], "a higher loss lies higher");
  assert.match(band, /^M20,[\d.]+L80,[\d.]+L80,[\d.]+L20,[\d.]+Z$/);
});

test("a run without rows", () => {
  const none = chart({ steps: [], low: [], high: [], smoothed: [] }, 80, 100);
  assert.deepEqual([none.band, none.line], ["", ""]);
});

test("several lines share their box, and one breaks off where there is no number", () => {
  const drawn = { steps: [20, 40], lines: { flow: [0.5, 1.5], warp_error: [null, 1] } };
  const { paths, low, high } = lines(drawn, 80, 100);
  assert.deepEqual(paths.map(({ key }) => key), ["flow", "warp_error"]);
  assert.ok(low < 0.5 && high > 1.5);
  const [flow, warp] = paths.map(({ path }) =>
    [...path.matchAll(/([\d.]+),([\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]),
  );
  assert.deepEqual(flow.map(([x]) => x), [40, 80]);
  assert.deepEqual(warp.map(([x]) => x), [80]);
  assert.ok(flow[0][1] > warp[0][1] && warp[0][1] > flow[1][1], "more lies higher");
});
