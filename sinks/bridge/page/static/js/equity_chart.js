// The curve of a portfolio's equity, by the library of the installed package; without it, a line.

import { colour, h } from "./dom.js";
import { sparkline } from "./spark.js";

const library = () => globalThis.LightweightCharts ?? null;
const CHANGES = { deposit: "arrowUp", withdrawal: "arrowDown", reset: "circle" };
const dollars = (value) => `$${value.toLocaleString("en-US", { maximumFractionDigits: 0 })}`;

/** One chart that is kept while strategy and time change. */
export class EquityChart {
  #chart = null;
  #area = null;
  #invested = null;
  #marks = null;
  #moments = [];

  constructor() {
    this.canvas = h("div", { class: "candles", role: "img" });
    this.spark = sparkline();
    this.element = h("div", { class: "plot curve" });
  }

  /** Draw moments, the oldest first; `label` says what they are, for those who do not see it. */
  show(moments, label) {
    this.#moments = [...moments];
    this.canvas.setAttribute("aria-label", label);
    if (!library() || moments.length < 2) return this.#simple(moments);
    if (this.element.firstChild !== this.canvas) this.element.replaceChildren(this.canvas);
    if (!this.#chart) this.#make();
    this.#put();
    this.#chart.timeScale().fitContent();
  }

  /** Add a moment that came now. */
  add(moment) {
    if (!this.#chart || this.#moments.length < 2) {
      this.show([...this.#moments, moment], this.canvas.getAttribute("aria-label"));
      return;
    }
    this.#moments.push(moment);
    this.#put();
  }

  /** Take the colours of the theme again. */
  paint() {
    if (!this.#chart) return;
    const [line, muted, grid] = ["--line", "--muted", "--grid"].map(colour);
    this.#chart.applyOptions({
      layout: { background: { color: "transparent" }, textColor: muted },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line },
    });
    this.#put();
  }

  #put() {
    const moments = inSeconds(this.#moments);
    const last = moments.at(-1);
    const name = last && last.equity_usd < last.invested_usd ? "--sell" : "--buy";
    const [side, wash, panel, muted] = [name, `${name}-wash`, "--panel", "--muted"].map(colour);
    this.#area.applyOptions({ lineColor: side, topColor: wash, bottomColor: panel });
    this.#invested.applyOptions({ color: muted });
    this.#area.setData(moments.map((one) => ({ time: one.time, value: one.equity_usd })));
    this.#invested.setData(moments.map((one) => ({ time: one.time, value: one.invested_usd })));
    this.#marks.setMarkers(moments.filter((one) => one.kind in CHANGES).map((one) => ({
      time: one.time, position: "aboveBar", shape: CHANGES[one.kind], color: muted, text: one.kind,
    })));
  }

  #make() {
    const lib = library();
    this.#chart = lib.createChart(this.canvas, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11 },
      localization: { priceFormatter: dollars },
      timeScale: { timeVisible: true, secondsVisible: false },
      rightPriceScale: { scaleMargins: { top: 0.12, bottom: 0.08 }, entireTextOnly: true },
      handleScroll: { vertTouchDrag: false },
    });
    this.#area = this.#chart.addSeries(lib.AreaSeries, { lineWidth: 2, priceLineVisible: false });
    this.#invested = this.#chart.addSeries(lib.LineSeries, {
      lineWidth: 1, lineStyle: lib.LineStyle.Dashed, lineType: lib.LineType.WithSteps,
      priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false,
    });
    this.#marks = lib.createSeriesMarkers(this.#area, []);
    this.paint();
  }

  #simple(moments) {
    this.spark.draw(moments.map((one) => one.equity_usd));
    const why = moments.length < 2
      ? "The curve begins with the second cycle: there is one moment every ten minutes."
      : "No chart library is installed beside the bridge (package litecharts); this is the line of the equity.";
    this.element.replaceChildren(h("div", { class: "no-chart" }, this.spark.element, h("p", { class: "note" }, why)));
  }
}

/** Moments with a time in seconds, each second once: the last of it, but a change of the capital stays. */
function inSeconds(moments) {
  const found = [];
  for (const one of moments) {
    const made = { ...one, time: Math.floor(one.as_of / 1000) };
    const before = found.at(-1);
    if (before?.time !== made.time) found.push(made);
    else found[found.length - 1] = { ...made, kind: before.kind in CHANGES ? before.kind : made.kind };
  }
  return found;
}
