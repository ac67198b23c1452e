import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeOf } from "../../web/node_of.js";

// as the page's graphs answer: by a number, whatever kind of id they keep
function graph(nodes) {
  return { getNodeById: (id) => nodes.find((node) => node.id === id) };
}
const inner = { id: 5 };
const outer = { id: 12, subgraph: graph([inner]) };
const page = graph([outer, { id: 3 }]);

test("a node of the page", () => assert.equal(nodeOf(page, "3").id, 3));
test("a node inside of a subgraph", () => assert.equal(nodeOf(page, "12:5"), inner));
test("a node that is not there", () => {
  assert.equal(nodeOf(page, "9"), undefined);
  assert.equal(nodeOf(page, "3:5"), undefined);
  assert.equal(nodeOf(page, "12:6"), undefined);
});
