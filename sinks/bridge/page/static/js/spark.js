// Small pictures of numbers: a sparkline, and the engines' contributions as bars about zero.

import { h, mark, s } from "./dom.js";
import { signed, words } from "./format.js";

const WIDTH = 96;
const HEIGHT = 24;
const FULL = 0.25; // the contribution that fills a bar

/** A sparkline; `draw(values)` changes it. Says nothing with fewer than three values. */
export function sparkline() {
  const area = s("path", { class: "spark-area" });
  const line = s("path", { class: "spark-line" });
  const dot = s("circle", { class: "spark-dot", r: 2 });
  const element = s("svg", {
    class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true",
  }, area, line, dot);
  return { element, draw: (values) => drawSpark(element, area, line, dot, values) };
}

function drawSpark(element, area, line, dot, values) {
  mark(element, "data-empty", values.length < 3);
  if (values.length < 3) return;
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const x = (place) => (place / (values.length - 1)) * (WIDTH - 6) + 2;
  const y = (value) => HEIGHT - 3 - ((value - low) / span) * (HEIGHT - 6);
  const points = values.map((value, place) => `${x(place).toFixed(1)} ${y(value).toFixed(1)}`);
  const path = `M${points.join("L")}`;
  mark(line, "d", path);
  mark(area, "d", `${path}L${x(values.length - 1)} ${HEIGHT}L2 ${HEIGHT}Z`);
  mark(dot, "cx", x(values.length - 1).toFixed(1));
  mark(dot, "cy", y(values.at(-1)).toFixed(1));
  mark(element, "data-way", values.at(-1) >= values[0] ? "up" : "down");
}

/** One bar an engine; `draw(contributions)` changes them. Read aloud as a sentence. */
export function engineBars() {
  const element = h("span", { class: "bars", role: "img" });
  return { element, draw: (contributions) => drawBars(element, contributions) };
}

function drawBars(element, contributions) {
  while (element.childElementCount < contributions.length) {
    element.append(h("i", { class: "bar" }, h("b")));
  }
  contributions.forEach((one, place) => {
    const bar = element.children[place];
    const share = Math.min(1, Math.abs(one.contribution) / FULL);
    bar.firstChild.style.setProperty("--share", share.toFixed(3));
    bar.firstChild.style.setProperty("--sure", (0.45 + 0.55 * one.confidence).toFixed(2));
    mark(bar, "data-side", one.contribution < 0 ? "down" : "up");
    mark(bar, "data-status", one.status);
  });
  mark(element, "aria-label", said(contributions));
  mark(element, "title", said(contributions));
}

function said(contributions) {
  return contributions.map((one) => {
    const status = one.status === "ok" ? "" : ` (${one.status})`;
    return `${words(one.engine)} ${signed(one.contribution).trim()}${status}`;
  }).join(", ");
}
