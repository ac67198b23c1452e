// Graphs that were saved while the pack's own seeds had a control_after_generate: its value is left
// out, so that each value after it goes to its widget.

const CONTROLS = ["fixed", "increment", "decrement", "randomize", "increment-wrap"];

export const NODES = ["ADK_TrainingSettings", "ADK_CameraMove", "ADK_VideoClips"];

// saved: `widgets_values` of a workflow; names: of the widgets that the node has now
export function withoutControl(saved, names) {
  const place = names.indexOf("seed") + 1;
  if (!Array.isArray(saved) || !place || names.includes("control_after_generate")) return saved;
  return CONTROLS.includes(saved[place]) ? saved.toSpliced(place, 1) : saved;
}
