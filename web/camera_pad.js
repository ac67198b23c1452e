// A row of arrows on the nodes that take a MotionLoRA: each chooses the file of a camera move, and
// shows the move while the pointer is on it.

import { app } from "../../scripts/app.js";
import { CameraStage } from "./camera_stage.js";
import { addElementWidget } from "./element_widget.js";
import { fileFor, moveOf, MOVES } from "./camera_moves.js";
import { chain } from "./chained.js";
import { keep } from "./timeline/panel.js";
import { word } from "./words.js";

// node -> its widgets for the file and its strength
const NODES = {
  ADK_Animate: { file: "motion_lora", strength: "lora_strength" },
  ADK_LoadMotionLoRA: { file: "lora", strength: "strength" },
};
const WIDGET = "animatediff_kit_camera"; // saved nowhere: the file's own widget says it all
const NONE = "none";
const HEIGHT = 28; // pixels

let stage = null; // one for the page, where the pointer is

class CameraPad {
  constructor(node, names) {
    this.node = node;
    this.names = names;
    this.element = document.createElement("div");
    this.element.className = "adk-camera-pad";
    this.element.style.cssText = `display: flex; gap: 3px; width: 100%; height: ${HEIGHT}px;`;
    this.buttons = MOVES.map((move) => this.button(move));
    this.element.append(...this.buttons);
    this.element.addEventListener("pointerenter", () => this.update());
    this.element.addEventListener("pointerleave", hide);
    for (const name of [names.file, "motion_model"]) this.follow(this.widget(name));
    this.update();
  }

  widget(name) {
    return this.node.widgets?.find((one) => one.name === name);
  }

  follow(widget) {
    if (widget) chain(widget, "callback", () => this.update());
  }

  button(move) {
    const button = document.createElement("button");
    button.textContent = move.sign;
    button.dataset.move = move.name;
    button.style.cssText =
      "flex: 1; min-width: 0; padding: 0; border: 1px solid #8886; border-radius: 4px; " +
      "background: var(--comfy-input-bg, #222); color: var(--input-text, #ddd); cursor: pointer;";
    button.onclick = () => this.choose(move);
    button.addEventListener("pointerenter", () => show(move, button));
    return button;
  }

  file(move) {
    const widget = this.widget(this.names.file);
    const values = widget?.options?.values ?? [];
    const files = typeof values === "function" ? values(widget, this.node) : values;
    return fileFor(move, files, motionModelOf(this.node), widget?.value);
  }

  // which arrows have a file, and which is chosen
  update() {
    const chosen = moveOf(this.widget(this.names.file)?.value ?? "");
    MOVES.forEach((move, i) => {
      const button = this.buttons[i];
      const there = this.file(move) !== undefined;
      button.setAttribute("aria-disabled", String(!there));
      button.setAttribute("aria-pressed", String(move === chosen));
      button.style.opacity = there ? "1" : "0.3";
      button.style.outline = move === chosen ? "2px solid #4a90ff" : "none";
      button.title = titleOf(move, there, move === chosen);
    });
  }

  choose(move) {
    const widget = this.widget(this.names.file);
    const again = moveOf(widget.value) === move && (widget.options?.values ?? []).includes?.(NONE);
    const file = again ? NONE : this.file(move);
    if (file === undefined) return;
    this.set(widget, file);
    const strength = this.widget(this.names.strength);
    if (strength && !(strength.value > 0)) this.set(strength, 1); // it would show nothing, or go back
    this.update();
    this.node.setDirtyCanvas?.(true, true);
    keep(app);
  }

  set(widget, value) {
    widget.value = value;
    widget.callback?.(value, app.canvas, this.node);
  }
}

function titleOf({ says }, there, chosen) {
  const move = word(says);
  if (!there) return word("camera.missing", { move });
  return chosen ? word("camera.chosen", { move }) : move;
}

// The motion model that a MotionLoRA goes on: the node's own, or that of a node before it.
function motionModelOf(node, steps = 8) {
  const widget = node?.widgets?.find((one) => one.name === "motion_model");
  if (widget) return widget.value;
  const slot = node?.inputs?.findIndex((one) => one.name === "motion_model") ?? -1;
  return slot < 0 || !steps ? undefined : motionModelOf(node.getInputNode?.(slot), steps - 1);
}

function show(move, button) {
  stage ??= new CameraStage();
  const place = button.getBoundingClientRect();
  const canvas = stage.canvas;
  canvas.className = "adk-camera-stage";
  canvas.style.cssText =
    "position: fixed; z-index: 9999; pointer-events: none; border: 1px solid #888; border-radius: 6px; " +
    `left: ${place.left + place.width / 2 - 64}px; top: ${Math.max(place.top - 138, 4)}px;`;
  document.body.append(canvas);
  stage.play(move, button);
}

function hide() {
  stage?.stop();
  stage?.canvas.remove();
}

app.registerExtension({
  name: "AnimateDiffKit.CameraPad",
  nodeCreated(node) {
    const names = NODES[node.comfyClass];
    if (!names || !node.addDOMWidget) return;
    const pad = new CameraPad(node, names);
    addElementWidget(node, WIDGET, WIDGET, pad.element, {
      getMinHeight: () => HEIGHT,
      getMaxHeight: () => HEIGHT,
    });
    node.adkCameraPad = pad;
    chain(node, "onConfigure", () => pad.update()); // its widgets have their values: loaded, pasted or undone
    // a node that has grown by the pad is drawn as it is now
    setTimeout(() => app.canvas?.setDirty(true, true), 100);
  },
});
