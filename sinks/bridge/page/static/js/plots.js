// Plain plots of figures, drawn once: lines, bars about zero, points. Each is read aloud by its label.

import { h, s } from "./dom.js";

const W = 1000;
const H = 100;

/**
 * Lines over time, with the bounds as text beside them.
 * `series` are [{ name, kind, points: [[ms, value], ...] }], `text(value)` writes a value.
 */
export function lines(label, series, { text, day, low, high, isArea = false }) {
  const drawn = series.filter((one) => one.points.length > 1);
  const all = drawn.flatMap((one) => one.points);
  if (!all.length) return h("p", { class: "note" }, "There is too little yet to draw a line.");
  const xs = bounds(all.map(([at]) => at));
  const ys = bounds([...all.map(([, value]) => value), ...[low, high].filter((one) => one !== undefined)]);
  const x = (at) => ((at - xs.low) / xs.span) * W;
  const y = (value) => H - 2 - ((value - ys.low) / ys.span) * (H - 4);
  const paths = drawn.flatMap((one) => {
    const path = `M${one.points.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(2)}`).join("L")}`;
    const end = one.points.at(-1)[0];
    const area = isArea && s("path", { class: "area", d: `${path}L${x(end).toFixed(1)} 0L${x(one.points[0][0]).toFixed(1)} 0Z` });
    return [area, s("path", { class: one.kind, d: path })];
  });
  return h("div", { class: "plotted" },
    h("div", { class: "drawn", role: "img", "aria-label": label },
      h("small", { class: "most" }, text(ys.high)), h("small", { class: "least" }, text(ys.low)),
      s("svg", { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...paths),
      h("small", { class: "from" }, day(xs.low)), h("small", { class: "until" }, day(xs.high))),
    series.length > 1 && h("p", { class: "legend" }, series.map((one) => h("span", { class: one.kind }, one.name))));
}

function bounds(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return { low, high, span: high - low || 1 };
}

/** Bars about zero: [{ name, value, title }]. */
export function bars(label, items, text) {
  const most = Math.max(...items.map((one) => Math.abs(one.value))) || 1;
  return h("div", { class: "fifths", role: "img", "aria-label": label }, items.map((one) => h(
    "div", { data: { side: one.value < 0 ? "down" : "up" }, title: one.title, vars: { "--share": (Math.abs(one.value) / most).toFixed(3) } },
    h("span", {}, h("b", {})), h("em", {}, text(one.value)), h("small", {}, one.name),
  )));
}

/** Points against what they would be if all were right: [{ x, y, n, title }] from 0 to 1. */
export function calibration(label, points) {
  const most = Math.max(...points.map((one) => one.n), 1);
  const at = (share) => (share * 96 + 2).toFixed(1);
  return h("div", { class: "square", role: "img", "aria-label": label }, s(
    "svg", { viewBox: "0 0 100 100", "aria-hidden": "true" },
    s("path", { class: "frame", d: "M2 2H98V98H2Z" }), s("path", { class: "ideal", d: "M2 98L98 2" }),
    points.map((one) => s("circle", { class: "dot", cx: at(one.x), cy: at(1 - one.y), r: (1.5 + 3.5 * Math.sqrt(one.n / most)).toFixed(1) },
      s("title", {}, one.title))),
  ));
}

/** Values with twice their standard error, about zero: [{ name, value, error, isFaint }]. */
export function whiskers(label, items, text) {
  const known = items.filter((one) => typeof one.value === "number");
  const most = Math.max(0.1, ...known.map((one) => Math.min(1, Math.abs(one.value) + 2 * (one.error ?? 0))));
  const y = (value) => (50 - (Math.max(-most, Math.min(most, value)) / most) * 46).toFixed(1);
  return h("div", { class: "whiskers", role: "img", "aria-label": label }, items.map((one) => h(
    "div", { "data-faint": one.isFaint },
    s("svg", { viewBox: "0 0 40 100", "aria-hidden": "true" }, s("path", { class: "zero", d: "M0 50H40" }),
      typeof one.value === "number" && s("path", { class: "error", d: `M20 ${y(one.value - 2 * (one.error ?? 0))}V${y(one.value + 2 * (one.error ?? 0))}` }),
      typeof one.value === "number" && s("circle", { class: "dot", cx: 20, cy: y(one.value), r: 4 })),
    h("em", {}, text(one.value)), h("small", {}, one.name),
  )));
}
