// Where a training is, as the training panel writes it: numbers as people read them.

import { word } from "./words.js";

const STATES = {
  running: "training.running",
  finished: "training.finished",
  kept: "training.kept",
  stopped: "training.stopped",
};

// 75 -> "1:15", 4000 -> "1:06:40"
export function time(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

// Steps a second; where one takes longer than that, seconds a step.
export function speed(perSecond) {
  if (!perSecond) return "";
  return perSecond >= 1
    ? word("training.steps_per_second", { number: perSecond.toFixed(1) })
    : word("training.seconds_per_step", { number: (1 / perSecond).toFixed(1) });
}

// One line on where a run is.   run: as the server describes it
export function progress(run) {
  const parts = [word("training.progress", run), stateOf(run)];
  if (run.smoothed !== null && run.smoothed !== undefined) {
    parts.push(word("training.loss", { loss: run.smoothed.toFixed(4) }));
  }
  if (run.state === "running") {
    if (run.speed) parts.push(speed(run.speed));
    if (run.left !== null && run.left !== undefined) parts.push(word("training.left", { time: time(run.left) }));
  } else if (run.file) {
    parts.push(run.file);
  }
  if (run.error) parts.push(run.error);
  if (run.rule) parts.push(word("training.rule", run));
  return parts.join(" · ");
}

function stateOf({ state }) {
  return state in STATES ? word(STATES[state]) : state;
}
