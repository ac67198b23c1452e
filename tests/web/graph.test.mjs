import assert from "node:assert/strict";
import { test } from "node:test";
import { linkedSetting, numberOf, settingsOf } from "../../web/timeline/graph.js";
import { wrongWith } from "../../web/timeline/windows.js";

function node(comfyClass, values, linked = []) {
  const widgets = Object.entries(values).map(([name, value]) => ({ name, value }));
  return { comfyClass, widgets, inputs: linked.map((name) => ({ widget: { name }, link: 1 })) };
}

test("a text in a number's place is not drawn", () => {
  const texts = node("ADK_ContextWindows", { length: "linear", overlap: 4, frames: "a" });
  assert.equal(numberOf(texts, "frames", 16), 16);
  assert.equal(numberOf(texts, "overlap", 16), 4);
  assert.notEqual(wrongWith(settingsOf(texts)), "");
  for (const wrong of [{ overlap: "x" }, { stride: NaN }, { length: null }]) {
    assert.notEqual(wrongWith({ ...settingsOf(node("ADK_ContextWindows", {})), ...wrong }), "");
  }
});

test("the settings of both nodes that slide windows", () => {
  const { length, overlap, schedule } = settingsOf(node("ADK_Animate", { context_length: 8, context_overlap: 2 }));
  assert.deepEqual([length, overlap, schedule], [8, 2, "standard_static"]);
  assert.equal(settingsOf(node("ADK_Animate", { context_schedule: "shifted" })).schedule, "shifted");
  assert.equal(settingsOf(node("ADK_ContextWindows", { length: 12 })).length, 12);
  assert.equal(settingsOf(node("KSampler", { length: 12 })), undefined);
});

test("what another node gives, the widgets do not tell", () => {
  assert.equal(linkedSetting(node("ADK_ContextWindows", {}, ["stride"])), "stride");
  assert.equal(linkedSetting(node("ADK_Animate", {}, ["context_length"])), "context_length");
  assert.equal(linkedSetting(node("ADK_Animate", {}, ["context_schedule"])), "context_schedule");
  assert.equal(linkedSetting(node("ADK_Animate", {}, ["prompt"])), undefined);
});
