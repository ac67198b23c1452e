// Something of ours behind a callback that a node or a widget has already, by others or by ComfyUI.

// owner: what has the callback, if any; name: its name; also: called behind it, as it was called.
// What the callback gave is given on.
export function chain(owner, name, also) {
  const before = owner[name];
  owner[name] = function (...given) {
    const result = before?.apply(this ?? owner, given);
    also.apply(this ?? owner, given);
    return result;
  };
}
