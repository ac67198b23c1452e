// The pack's texts in the page's language, where the page has lost them: ComfyUI 0.3.75's (frontend
// 1.32.9) takes in the packs' texts first, and then reads the chosen language over them. Newer pages
// do it in the right order; here nothing is left to do then.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const PATIENCE = 5000; // milliseconds
const OURS = /^ADK_/;

// The page's translations (vue-i18n), by the key under which its plugin provides them to the app.
function translations() {
  const page = document.getElementById("vue-app")?.__vue_app__;
  return page?._context?.provides?.[page.__VUE_I18N_SYMBOL__]?.global;
}

async function until(look) {
  const end = performance.now() + PATIENCE;
  while (!look() && performance.now() < end) await new Promise((done) => setTimeout(done, 50));
  return look();
}

function ours({ nodeDefs = {}, nodeCategories = {} }) {
  const nodes = Object.entries(nodeDefs).filter(([id]) => OURS.test(id));
  return { nodeDefs: Object.fromEntries(nodes), nodeCategories };
}

app.registerExtension({
  name: "AnimateDiffKit.Translations",
  // before the page makes the nodes
  async init() {
    const texts = translations();
    const language = texts?.locale?.value;
    if (!texts?.mergeLocaleMessage || !language || language === "en") return;
    const has = (node) => Boolean(texts.getLocaleMessage(language)?.nodeDefs?.[node]);
    if (!(await until(() => has("KSampler"))) || has("ADK_Animate")) return;
    const all = await (await api.fetchApi("/i18n")).json();
    if (all[language]) texts.mergeLocaleMessage(language, ours(all[language]));
  },
});
