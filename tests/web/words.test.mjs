import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { wrongWith } from "../../web/timeline/windows.js";
import { progress } from "../../web/training_progress.js";
import { LANGUAGES, speak, word } from "../../web/words.js";

const { en, ...OTHERS } = LANGUAGES;
const WEB = new URL("../../web/", import.meta.url);
const FILES = ["", "timeline/"].flatMap((folder) =>
  readdirSync(new URL(folder, WEB)).filter((name) => name.endsWith(".js")).map((name) => folder + name),
);
const CODE = Object.fromEntries(FILES.map((file) => [file, readFileSync(new URL(file, WEB), "utf8")]));
const ALL_CODE = Object.values(CODE).join("\n");
const AREAS = [...new Set(Object.keys(en).map((key) => key.split(".")[0]))];

const placeholders = (text) => (text.match(/\{\w+\}/g) ?? []).sort();

for (const [language, texts] of Object.entries(OTHERS)) {
  test(`${language} says all that English says`, () => {
    assert.deepEqual(Object.keys(texts), Object.keys(en), "the same keys, in the same order");
    for (const [key, text] of Object.entries(texts)) {
      assert.ok(text.trim(), key);
      assert.notEqual(text, en[key], key);
      assert.deepEqual(placeholders(text), placeholders(en[key]), key);
      assert.match(text.replace(/\{\w+\}/g, ""), /[^\x00-\x7f]/, `${key} is not translated`);
    }
  });
}

test("two texts of a language in one place differ", () => {
  for (const texts of Object.values(LANGUAGES)) {
    const seen = Object.entries(texts).filter(([key]) => /^(camera|text|windows)\./.test(key));
    assert.equal(new Set(seen.map(([, text]) => text)).size, seen.length);
  }
});

test("every text is used, and every key has a text", () => {
  const written = new RegExp(`"((?:${AREAS.join("|")})\\.[a-z_]+)"`, "g");
  const used = new Set([...ALL_CODE.matchAll(written)].map(([, key]) => key));
  assert.deepEqual([...used].sort(), Object.keys(en).sort());
  const asked = [...ALL_CODE.matchAll(/\bword\(\s*["'`]([^"'`]*)["'`]/g)].map(([, key]) => key);
  assert.ok(asked.length > 40);
  assert.deepEqual(asked.filter((key) => !(key in en)), []);
});

// What an assignment or an attribute shows, or an error says that a panel shows.
const SHOWN =
  /(?:\b(?:title|tooltip|placeholder|textContent|innerText|alt|label|summary|detail|told)\b|"aria-label"|"title")\s*[:=]\s*("[^"]*"|`[^`]*`)|\bError\(\s*("[^"]*"|`[^`]*`)/g;

test("no page script shows a text of its own", () => {
  const ofItsOwn = (literal) => /[A-Za-z]{2}/.test(literal.replace(/\$\{[^}]*\}/g, ""));
  const found = Object.entries(CODE).flatMap(([file, code]) =>
    [...code.matchAll(SHOWN)].map((match) => match[1] ?? match[2]).filter(ofItsOwn).map((text) => [file, text]),
  );
  assert.deepEqual(found, []);
});

test("the language is that of now; a kind of one is that one; others are English", () => {
  const names = ["en", "zh", "zh-TW", "zh-CN", "ja-JP", "ko", "fr", "", undefined, null];
  const said = names.map((name) => {
    speak(() => name);
    return word("training.tab");
  });
  assert.deepEqual(said, [
    "Training", "训练", "訓練", "训练", "学習", "학습", "Training", "Training", "Training", "Training",
  ]);
});

test("values stand in their places, as they are", () => {
  speak(() => "en");
  const values = { text: "{line} $& $1", line: 3 };
  assert.equal(word("text.line_without_frame", values), '"{line} $& $1" in line 3 is no frame number');
  speak(() => "ja");
  assert.equal(word("timeline.value_at", { frame: 0 }), "フレーム 0 の値");
});

test("what is put together is in the language as a whole", () => {
  speak(() => "zh");
  const run = { step: 20, steps: 50, state: "running", smoothed: 0.25, speed: 0.5, left: 75 };
  assert.equal(progress(run), "第 20 步，共 50 步 · 训练中 · 损失 0.2500 · 2.0 秒/步 · 剩余 1:15");
  const settings = { schedule: "batched", length: 8, overlap: 8, stride: 1 };
  speak(() => "ko");
  assert.equal(
    word("windows.none", { wrong: wrongWith(settings) }),
    "윈도우 없음: 중첩(overlap) 8은(는) 길이(length) 8보다 작아야 합니다.",
  );
});
