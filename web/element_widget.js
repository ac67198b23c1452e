// An element in a node, between its widgets and saved nowhere.

// options: ComfyUI's, of a widget that is an element; getMinHeight is asked at once.
// The node is at once as high as ComfyUI makes it when a workflow brings it: undo compares the two,
// and a node that grows while it is loaded is, to undo, one that somebody has changed.
export function addElementWidget(node, name, type, element, options) {
  const widget = node.addDOMWidget(name, type, element, { serialize: false, ...options });
  widget.serialize = false; // neither in a workflow nor, by the option, in a prompt
  const [, needed] = node.computeSize();
  if (node.size[1] < needed) node.setSize([node.size[0], needed]);
  return widget;
}
