import assert from "node:assert/strict";
import { test } from "node:test";
import { everyNode, isTrainer, resumeWith, trainerFor } from "../../web/training_nodes.js";

const lora = { type: "ADK_TrainMotionLoRA", widgets: [{ name: "rank" }, { name: "resume", value: "" }] };
const adapter = { type: "ADK_TrainDomainAdapter", widgets: [{ name: "resume", value: "" }] };
const other = { type: "KSampler" };
const graph = { nodes: [other, adapter, { type: "group", subgraph: { nodes: [lora] } }] };

test("nodes inside of subgraphs are found", () => assert.equal(everyNode(graph).length, 4));

test("a run goes on in a node of its stage", () => {
  assert.equal(trainerFor("motion_lora", graph), lora);
  assert.equal(trainerFor("domain_adapter", graph), adapter);
  assert.equal(trainerFor("motion_module", graph), undefined);
});

test("Train Camera Move goes on with its runs, and Train Motion Module with PIA's", () => {
  const camera = { type: "ADK_TrainCameraMove" };
  const module = { type: "ADK_TrainMotionModule" };
  const others = { nodes: [adapter, camera, module] };
  assert.equal(trainerFor("motion_lora", others), camera);
  assert.equal(trainerFor("motion_lora", { nodes: [lora, camera] }, [camera]), camera);
  assert.equal(trainerFor("pia", others), module);
  assert.equal(isTrainer("ADK_TrainCameraMove"), true);
});

test("a run of no known stage takes any, that which is selected first", () => {
  assert.equal(trainerFor("", graph), adapter);
  assert.equal(trainerFor("", graph, [other, lora]), lora);
});

test("its name is written into resume, and told", () => {
  let told;
  lora.widgets[1].callback = (value) => (told = value);
  assert.equal(resumeWith(lora, "pan_001"), true);
  assert.deepEqual([lora.widgets[1].value, told], ["pan_001", "pan_001"]);
  assert.equal(resumeWith(other, "pan_001"), false);
  assert.equal(resumeWith(undefined, "pan_001"), false);
});

test("trainers", () => assert.deepEqual(["ADK_TrainMotionModule", "KSampler"].map(isTrainer), [true, false]));
