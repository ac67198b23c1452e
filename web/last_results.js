// entry: of ComfyUI's history; graph: as the page saves it. Gives what the server said when each
// node was done, for nodes that are of the same kind in both; nothing where the graph is another.
export function resultsFor(graph, entry) {
  if (!entry) return [];
  const [, promptId, prompt] = entry.prompt;
  const kinds = Object.fromEntries(graph.nodes.map((node) => [node.id, node.type]));
  const ids = Object.keys(prompt);
  // nodes inside of a subgraph, "12:5", are not in the page's own graph; node 12 is
  if (ids.some((id) => kinds[id.split(":")[0]] === undefined)) return [];
  const known = ids.filter((id) => !id.includes(":"));
  if (known.some((id) => kinds[id] !== prompt[id].class_type)) return [];
  return Object.entries(entry.outputs)
    .filter(([id]) => known.includes(id))
    .map(([id, output]) => ({ node: id, display_node: id, output, prompt_id: promptId }));
}
