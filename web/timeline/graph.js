// What the graph around a node says of its video: how many frames it has, which windows slide over
// it. Followed along the links; where they lead nowhere (a bypassed node, a subgraph's edge), nothing
// is known.

const NEVER = 2;
const BYPASSED = 4;
const FRAME_WIDGETS = ["batch_size", "frames", "length", "amount"];
const DEEP = 60; // nodes that are followed in a row, at the most

export function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

export function valueOf(node, name, missing) {
  return widgetOf(node, name)?.value ?? missing;
}

// The value of a widget, if it is a number; a text in its place is ComfyUI's to refuse.
export function numberOf(node, name, missing) {
  const value = valueOf(node, name, missing);
  return Number.isFinite(value) ? value : missing;
}

// Whether another node gives the value of a widget.
export function comesByLink(node, name) {
  return Boolean(node.inputs?.some((slot) => slot.widget?.name === name && slot.link != null));
}

function linkOf(graph, id) {
  return id == null ? undefined : (graph.getLink?.(id) ?? graph.links?.[id]);
}

function originOf(node, slot) {
  const link = linkOf(node.graph, slot.link);
  return link && node.graph.getNodeById(link.origin_id);
}

function originsOf(node, type) {
  const slots = node.inputs?.filter((slot) => slot.type === type) ?? [];
  return slots.map((slot) => originOf(node, slot)).filter(Boolean);
}

function targetsOf(node, type) {
  const slots = node.outputs?.filter((slot) => slot.type === type) ?? [];
  const links = slots.flatMap((slot) => slot.links ?? []).map((id) => linkOf(node.graph, id));
  return links.map((link) => link && node.graph.getNodeById(link.target_id)).filter(Boolean);
}

// The nodes that give a node its inputs of one type, nearest first.
function above(node, type) {
  const found = [];
  let row = [node];
  while (row.length && found.length < DEEP) {
    row = row.flatMap((each) => originsOf(each, type)).filter((origin) => !found.includes(origin));
    found.push(...row);
  }
  return found;
}

// The nodes that take what a node gives, of one type, nearest first.
function below(node, type) {
  const found = [];
  let row = [node];
  while (row.length && found.length < DEEP) {
    row = row.flatMap((each) => targetsOf(each, type)).filter((target) => !found.includes(target));
    found.push(...row);
  }
  return found;
}

// The sampler that an output of the node ends in: the first node with an input for a latent.
function samplersBelow(node, type) {
  return below(node, type).filter((each) => each.inputs?.some((slot) => slot.type === "LATENT"));
}

// The frames of the latent that a node takes, or undefined.
export function latentFrames(node) {
  for (const origin of above(node, "LATENT")) {
    if (origin.mode === BYPASSED || origin.mode === NEVER) continue;
    for (const name of FRAME_WIDGETS) {
      const value = valueOf(origin, name);
      if (typeof value === "number" && !comesByLink(origin, name)) return value;
    }
  }
  return undefined;
}

// The frames of the video that a node's output is sampled for, or undefined.
export function sampledFrames(node, type) {
  return samplersBelow(node, type).map(latentFrames).find((frames) => frames !== undefined);
}

const DEFAULTS = {
  length: 16,
  overlap: 4,
  stride: 1,
  schedule: "standard_static",
  fuse: "pyramid",
  closed_loop: false,
  on_equal_length: false,
};

// a node that sets windows -> what its widgets for them are called
const WIDGETS = {
  ADK_ContextWindows: Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, name])),
  ADK_Animate: {
    length: "context_length",
    overlap: "context_overlap",
    schedule: "context_schedule",
  },
};

function widgetsOf(node) {
  return WIDGETS[node.comfyClass ?? node.type];
}

// The settings of windows that a node's own widgets show, or undefined for a node that sets none.
export function settingsOf(node) {
  const named = Object.entries(widgetsOf(node) ?? {});
  const read = named.map(([name, widget]) => [name, valueOf(node, widget, DEFAULTS[name])]);
  return read.length ? { ...DEFAULTS, ...Object.fromEntries(read) } : undefined;
}

// The first of these settings that another node gives, so that the widgets do not tell, or undefined.
export function linkedSetting(node) {
  return Object.values(widgetsOf(node) ?? {}).find((widget) => comesByLink(node, widget));
}

// The windows of the model that samples what a node gives, or undefined.
export function windowSettings(node, type) {
  for (const sampler of samplersBelow(node, type)) {
    for (const origin of [...new Set([sampler, ...below(sampler, "GUIDER")])]) {
      const found = settingsAbove(origin);
      if (found) return found;
    }
  }
  return undefined;
}

function settingsAbove(node) {
  const models = [...above(node, "GUIDER"), node].flatMap((each) => above(each, "MODEL"));
  for (const origin of models) {
    if (origin.mode === BYPASSED || origin.mode === NEVER) continue;
    if (linkedSetting(origin)) return undefined;
    const found = settingsOf(origin);
    if (found && found.length !== 0) return found; // of Animate, 0 is no windows
  }
  return undefined;
}
