// The node that an execution speaks of. A node inside of subgraphs is called by the way to it, such
// as "12:5": node 5 in what node 12 of the page's own graph holds.

// graph: the page's whole graph; id: as the server's messages have it. Gives undefined where no such
// node is there.
export function nodeOf(graph, id) {
  let node;
  let inside = graph;
  for (const part of String(id).split(":")) {
    node = inside?.getNodeById(part) ?? inside?.getNodeById(Number(part)) ?? undefined;
    inside = node?.subgraph;
  }
  return node;
}

// The node that a message of the pack is about (nodes/page.py), where the page shows the workflow
// that it was queued from: in another one, the same number is another node's.
// graph: as above; node: its id; kind: its class; workflow: the workflow's id, or null.
export function nodeToldOf(graph, { node, kind, workflow }) {
  if (workflow && graph?.id && graph.id !== workflow) return undefined;
  const found = nodeOf(graph, node);
  return kind && found && (found.comfyClass ?? found.type) !== kind ? undefined : found;
}
