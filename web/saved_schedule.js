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
  if (place < 0 || values[place] != null) return saved;
  const between = kept.slice(values.length, place).map((widget) => widget.value);
  return [...values.slice(0, place), ...between, BEFORE, ...values.slice(place + 1)];
}
