// The training nodes of a graph, and which of them a run is resumed with.

// the stage of a run -> the nodes that train it
const NODES = {
  "domain adapter": ["ADK_TrainDomainAdapter"],
  "motion module": ["ADK_TrainMotionModule"],
  pia: ["ADK_TrainMotionModule"],
  "motion lora": ["ADK_TrainMotionLoRA", "ADK_TrainCameraMove"],
};

export function isTrainer(type) {
  return Object.values(NODES).flat().includes(type);
}

// All nodes of a graph and of the subgraphs in it.
export function everyNode(graph) {
  return (graph?.nodes ?? []).flatMap((node) => [node, ...everyNode(node.subgraph)]);
}

// The node that goes on with a run of a stage: one that is selected, else the first. Undefined where
// none is there.   selected: nodes
export function trainerFor(stage, graph, selected = []) {
  const types = NODES[String(stage).replaceAll("_", " ").toLowerCase()];
  const fits = (node) => (types ? types.includes(node.type) : isTrainer(node.type));
  return selected.find(fits) ?? everyNode(graph).find(fits);
}

// Writes a run's name into the node's widget. Gives whether it has one.
export function resumeWith(node, run) {
  const widget = node?.widgets?.find((one) => one.name === "resume");
  if (!widget) return false;
  widget.value = run;
  widget.callback?.(run);
  return true;
}
