// The loss over the steps as lines of an SVG: the raw one as a pale band, the smoothed one over it.

const ROOM = 0.06; // above and below the losses, as a share of their span

// The lowest and highest loss that the chart shows. curve: {steps, low, high, smoothed}, null where
// a step has no number.
export function span(curve) {
  const numbers = [...curve.low, ...curve.high].filter((value) => value !== null);
  if (!numbers.length) return [0, 1];
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const room = (high - low) * ROOM || Math.abs(high) * 0.1 || 0.5;
  return [low >= 0 ? Math.max(low - room, 0) : low - room, high + room];
}

// The paths in a box, from the start of the run to where it is. Gives {band, line, low, high, last}.
export function chart(curve, width, height) {
  const [low, high] = span(curve);
  const last = Math.max(curve.steps[curve.steps.length - 1] ?? 1, 2);
  const point = (i, value) => {
    const x = (width * curve.steps[i]) / last;
    const y = height * (1 - (value - low) / (high - low));
    return `${round(x)},${round(y)}`;
  };
  return { band: band(curve, point), line: line(curve.smoothed, point), low, high, last };
}

// Several lines over the steps in one box. Gives {paths: [{key, path}], low, high}.
//   drawn: {steps, lines: {key: values}}, null where there is no number
export function lines(drawn, width, height) {
  const entries = Object.entries(drawn.lines);
  const values = entries.flatMap(([, line]) => line);
  const [low, high] = span({ low: values, high: values });
  const last = Math.max(drawn.steps[drawn.steps.length - 1] ?? 1, 2);
  const point = (i, value) => {
    const y = height * (1 - (value - low) / (high - low));
    return `${round((width * drawn.steps[i]) / last)},${round(y)}`;
  };
  return { paths: entries.map(([key, values]) => ({ key, path: line(values, point) })), low, high };
}

// A line that breaks off where there is no number, and goes on after it.
export function line(values, point) {
  let path = "";
  let drawing = false;
  values.forEach((value, i) => {
    if (value === null) {
      drawing = false;
      return;
    }
    path += `${drawing ? "L" : "M"}${point(i, value)}`;
    drawing = true;
  });
  return path;
}

function band(curve, point) {
  const places = curve.steps.map((_, i) => i).filter((i) => curve.low[i] !== null);
  if (!places.length) return "";
  const there = places.map((i) => point(i, curve.high[i]));
  const back = places.reverse().map((i) => point(i, curve.low[i]));
  return `M${[...there, ...back].join("L")}Z`;
}

function round(number) {
  return Math.round(number * 10) / 10;
}
