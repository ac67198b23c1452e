// Graphs that were saved before Animate Model had context_schedule: its value of then is put in, so
// that they keep their windows, which the default of a new node would move.

export const NODE = "ADK_Animate";
export const WIDGET = "context_schedule";
export const BEFORE = "standard_static";

// saved: `widgets_values` of a workflow, of any age; widgets: those that the node has now
export function withSchedule(saved, widgets) {
  if (saved && !Array.isArray(saved)) return { ...saved, [WIDGET]: saved[WIDGET] ?? BEFORE };
  const kept = widgets.filter((widget) => widget.serialize !== false); // what the page counts
  const place = kept.findIndex((widget) => widget.name === WIDGET);
  const values = saved ?? [];
  if (place < 0 || isOurs(values[place], kept, place)) return saved;
  const between = kept.slice(values.length, place).map((widget) => widget.value);
  return [...values.slice(0, place), ...between, BEFORE, ...behind(values, place)];
}

// Another pack's widget stands behind ours now, and stood in its place.
function behind(values, place) {
  return values[place] == null ? values.slice(place + 1) : values.slice(place);
}

function isOurs(value, kept, place) {
  const known = kept[place].options?.values;
  const alone = place === kept.length - 1 || !Array.isArray(known);
  return value != null && (alone || known.includes(value));
}
