// HTML elements in one line, and the style sheet that they need.

export function element(tag, className = "", attributes = {}, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Adds the style sheet to the page, once.
export function addStyles() {
  const id = "adk-timeline-styles";
  if (document.getElementById(id)) return;
  const href = new URL("./timeline.css", import.meta.url).href;
  document.head.append(element("link", "", { id, rel: "stylesheet", href }));
}
