// Dragging inside of a panel, in the classic canvas and in Nodes 2.0. The pointer is caught by the
// area, not by what is dragged, so that this may be drawn anew at each move.

// hit: (event) => what the pointer grabs, or undefined; move: (grabbed, event); end: (grabbed).
export function draggable(area, { hit, move, end }) {
  let grabbed;
  area.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    grabbed = hit(event);
    if (grabbed !== undefined) area.setPointerCapture(event.pointerId);
    else document.activeElement?.blur?.(); // what was being typed is done
  });
  // what is grabbed has been drawn anew, and has the keyboard: the browser would take it away
  area.addEventListener("mousedown", (event) => event.preventDefault());
  area.addEventListener("pointermove", (event) => {
    event.stopPropagation();
    if (grabbed !== undefined) move(grabbed, event);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    area.addEventListener(name, (event) => {
      event.stopPropagation();
      if (grabbed !== undefined) end(grabbed);
      grabbed = undefined;
    });
  }
}

// Where the pointer is inside of an element: 0..1 from left and from top, whatever the zoom.
export function placeIn(area, event) {
  const box = area.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}
