// The windows of Slide Context Windows as they will be, drawn while its widgets change.

import { element } from "./elements.js";
import { linkedSetting, sampledFrames, settingsOf } from "./graph.js";
import { addPanel } from "./panel.js";
import { drawRuler } from "./ruler.js";
import { drawWindows } from "./window_strips.js";
import { countOf, windowsOf, wrongWith } from "./windows.js";
import { word } from "../words.js";

const HEIGHT = 112;
const STEPS = 4; // sampling steps that are drawn where the windows move

// node: has the widgets of the windows; frames: () => how many it has, or undefined.
export function addWindowPicture(app, node, frames = () => sampledFrames(node, "MODEL")) {
  const [ruler, pictures] = [element("div", "adk-ruler"), element("div", "adk-pictures")];
  const says = element("div", "adk-says", { role: "status" });
  const root = addPanel(app, node, "window_picture", {
    height: HEIGHT,
    most: 4 * HEIGHT,
    look: () => ({ settings: settingsOf(node), frames: frames(), linked: linkedSetting(node) }),
    draw: (now) => draw({ ruler, pictures, says }, now),
  });
  root.append(element("div", "adk-lines", {}, ruler, pictures), says);
}

function draw({ ruler, pictures, says }, { settings, frames, linked }) {
  const wrong = linked === undefined ? wrongWith(settings) : word("windows.linked", { linked });
  const shown = frames ?? 4 * settings.length;
  says.classList.toggle("adk-warns", Boolean(wrong) && linked === undefined);
  if (wrong) {
    ruler.replaceChildren();
    pictures.replaceChildren();
    says.textContent = word("windows.none", { wrong });
    return;
  }
  drawRuler(ruler, shown, shown);
  const steps = movesWithTheStep(shown, settings) ? STEPS : 1;
  const canvases = Array.from({ length: steps }, () => element("canvas", "adk-strips"));
  pictures.replaceChildren(...canvases);
  const counts = canvases.map((canvas, step) => drawWindows(canvas, shown, settings, step).length);
  const when = steps > 1 ? word("windows.first_steps", { steps }) : word("windows.every_step");
  const key = frames === undefined ? "windows.example" : "windows.over";
  says.textContent = word(key, { windows: countOf(Math.max(...counts)), frames: shown, when });
}

function movesWithTheStep(frames, settings) {
  const first = JSON.stringify(windowsOf(frames, settings, 0));
  return [1, 2, 3].some((step) => JSON.stringify(windowsOf(frames, settings, step)) !== first);
}
