// What a new node of the pack looks like, and which nodes are offered for a link.

import { chain } from "./chained.js";

const COLOUR = { color: "#38305c", bgcolor: "#4a4078" };

// `offered`: names by type, as LiteGraph keeps them. The first of each, Reroute, stays: a middle
// click takes it.
export function offerFirst(offered, ours) {
  for (const [type, names] of Object.entries(ours)) {
    const [first, ...others] = offered[type] ?? [];
    const rest = others.filter((name) => !names.includes(name));
    offered[type] = [...(first === undefined ? [] : [first]), ...names, ...rest];
  }
}

// A new node has our colour. One that a workflow brings keeps its own, or none; set to undefined, not
// deleted, since Nodes 2.0 sees changes by a setter that the node itself has.
export function colour(node) {
  Object.assign(node, COLOUR);
  chain(node, "onConfigure", function (saved) {
    if (saved.color === undefined && this.color === COLOUR.color) this.color = undefined;
    if (saved.bgcolor === undefined && this.bgcolor === COLOUR.bgcolor) this.bgcolor = undefined;
  });
}
