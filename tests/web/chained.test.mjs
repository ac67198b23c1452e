import assert from "node:assert/strict";
import { test } from "node:test";
import { chain } from "../../web/chained.js";

test("ours is called behind theirs, and theirs is given on", () => {
  const called = [];
  const node = {
    onAdded(...given) {
      called.push(["theirs", this, given]);
      return "theirs";
    },
  };
  chain(node, "onAdded", function (...given) {
    called.push(["ours", this, given]);
    return "ours";
  });
  assert.equal(node.onAdded(1, 2), "theirs");
  assert.deepEqual(called, [
    ["theirs", node, [1, 2]],
    ["ours", node, [1, 2]],
  ]);
});

test("there need be none before", () => {
  const widget = {};
  let seen;
  chain(widget, "callback", (value) => (seen = value));
  assert.equal(widget.callback(7), undefined);
  assert.equal(seen, 7);
});

test("several stand in a row", () => {
  const node = {};
  const called = [];
  for (const name of ["first", "second", "third"]) chain(node, "onRemoved", () => called.push(name));
  node.onRemoved();
  assert.deepEqual(called, ["first", "second", "third"]);
});

test("called by itself, it is still its owner's", () => {
  const owner = { callback() { return this; } };
  chain(owner, "callback", () => {});
  const { callback } = owner;
  assert.equal(callback(), owner);
});
