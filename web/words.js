// What the pack's pages say to people, in the language of the page. The texts are data: one file for
// each language in words/, all with the same keys. Pure: a page module says which language holds.

import en from "./words/en.js";
import ja from "./words/ja.js";
import ko from "./words/ko.js";
import zh from "./words/zh.js";
import zhTW from "./words/zh-TW.js";

export const LANGUAGES = { en, zh, "zh-TW": zhTW, ja, ko };

let language = () => "en";

// of: () => the code of the language, as ComfyUI's setting Comfy.Locale has it. It is asked for each
// text, so that a text drawn anew is in the language of now.
export function speak(of) {
  language = of;
}

// The text of a key; values: what stands in place of its {names}.
export function word(key, values = {}) {
  const text = textsOf(String(language() ?? ""))[key];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Those of the language, else of the one it is a kind of ("ja-JP"), else English.
function textsOf(code) {
  return LANGUAGES[code] ?? LANGUAGES[code.split("-")[0]] ?? en;
}
