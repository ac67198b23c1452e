// What the training panel writes: all its words, and numbers as people read them.

export const WORDS = {
  title: "AnimateDiff training",
  tab: "Training",
  none: "No run yet. Queue a training node; its loss and previews are shown here.",
  gone: "The server does not answer.",
  loss: "loss",
  step: "step",
  previews: "Previews by step",
  runs: "Runs",
  resume: "Resume",
  resumeHelp: "Writes this run's name into resume of the training node",
  noTrainer: "The graph has no training node to resume this run with.",
  resumed: (run) => `resume is ${run}. Queue the graph to go on.`,
  keep: "Stop and keep",
  keepHelp:
    "Ends the run after this step and writes its file, as if it had finished. Cancel leaves a " +
    "checkpoint alone.",
  keeping: "Stopping after this step…",
  states: { running: "running", finished: "finished", kept: "stopped and kept", stopped: "stopped" },
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
  return perSecond >= 1 ? `${perSecond.toFixed(1)} steps/s` : `${(1 / perSecond).toFixed(1)} s/step`;
}

// One line on where a run is.   run: as the server describes it
export function progress(run) {
  const parts = [`step ${run.step} of ${run.steps}`, WORDS.states[run.state] ?? run.state];
  if (run.smoothed !== null && run.smoothed !== undefined) {
    parts.push(`${WORDS.loss} ${run.smoothed.toFixed(4)}`);
  }
  if (run.state === "running") {
    if (run.speed) parts.push(speed(run.speed));
    if (run.left !== null && run.left !== undefined) parts.push(`${time(run.left)} left`);
  } else if (run.file) {
    parts.push(run.file);
  }
  return parts.join(" · ");
}
