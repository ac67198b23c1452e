import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeOf, nodeToldOf } from "../../web/node_of.js";

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

const sampler = { id: 3, type: "KSampler" };
const open = { id: "a", ...graph([sampler]) };

test("a node that the pack tells of, in its workflow", () => {
  assert.equal(nodeToldOf(open, { node: "3", kind: "KSampler", workflow: "a" }), sampler);
  assert.equal(nodeToldOf(open, { node: "3", kind: "KSampler", workflow: null }), sampler);
  assert.equal(nodeToldOf(graph([sampler]), { node: "3", kind: "KSampler", workflow: "a" }), sampler);
});
test("a node of the same number in another workflow is another", () => {
  assert.equal(nodeToldOf(open, { node: "3", kind: "KSampler", workflow: "b" }), undefined);
});
test("a node of the same number and another kind is another", () => {
  assert.equal(nodeToldOf(open, { node: "3", kind: "VAEDecode", workflow: null }), undefined);
});
test("no node of this number", () => {
  assert.equal(nodeToldOf(open, { node: "4", kind: "KSampler", workflow: "a" }), undefined);
});
