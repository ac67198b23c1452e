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
