// Values that pages saved for AnimateDiff-Evolved's nodes, in the order of the widgets that they have
// now. A page saves values by position, and several versions had other widgets; ComfyUI puts the
// first value into the first widget whatever it was saved for.

// node id -> length of a saved array -> the places of the values that still have a widget
const PLACES = {
  // seed_override was a widget before it became a socket
  ADE_AnimateDiffSamplingSettings: { 6: [0, 1, 2, 3, 5] },
};

// node id -> what earlier versions did that had no widget for it; undefined is not known by place
const EARLIER = {
  ADE_AnimateDiffLoaderWithContext: [undefined, undefined, 1, true],
  ADE_AnimateDiffUniformContextOptions: [
    undefined, undefined, undefined, undefined, undefined, "flat", false, 0, 1,
  ],
  CheckpointLoaderSimpleWithNoiseSelect: [undefined, undefined, false, 0.18215],
};

// Widgets that only drew something saved an empty text, or the address of a preview.
function isSurplus(value) {
  return value === "" || (typeof value === "string" && /^(\/api)?\/view\?/.test(value));
}

// Pages without a file to choose saved null, which newer pages replace by the first file there is.
const FILES = ["name", "model_name", "ckpt_name"];
const NO_FILE = "None";

function named(values, names) {
  return values.map((value, i) => (value === null && FILES.includes(names[i]) ? NO_FILE : value));
}

// saved: an array, or an object by name, as `widgets_values` in a workflow; names: of the widgets
// that the node has now. Gives the array for them; shorter than `names` where nothing is known.
export function corrected(id, saved, names) {
  if (saved === null || saved === undefined) return saved;
  const earlier = EARLIER[id] ?? [];
  if (!Array.isArray(saved)) {
    return named(names.map((name, i) => (name in saved ? saved[name] : earlier[i])), names);
  }
  let values = [...saved];
  while (values.length > names.length && isSurplus(values[values.length - 1])) values.pop();
  const places = PLACES[id]?.[values.length];
  if (places) values = places.map((place) => values[place]);
  for (let i = values.length; i < earlier.length; i++) values.push(earlier[i]);
  return named(values, names);
}
