// The panel of the selected signal: made anew when its signal changes, the chart kept.

import { CandleChart } from "./chart.js";
import * as data from "./data.js";
import { $, h, mark, put } from "./dom.js";
import * as format from "./format.js";
import * as sections from "./sections.js";
import { rowKey } from "./store.js";
import { sparkline } from "./spark.js";
import { MARKS } from "./table.js";

const TIMEFRAMES = ["1h", "4h", "1d"];
const FRESH_BARS_MS = 60_000;

export class Detail {
  #row = null;
  #timeframe = "1h";
  #loads = 0; // what comes for an earlier selection is dropped
  #news;
  #barsAt = 0;

  /** `onPick(key)` selects another row, `onClose()` puts the panel away. */
  constructor(store, { onPick, onClose }) {
    this.store = store;
    this.onPick = onPick;
    this.element = $("detail");
    this.chart = new CandleChart();
    this.price = h("b", { class: "price" });
    this.change = h("span", { class: "change" });
    this.title = h("h2", {});
    this.siblings = h("div", { class: "siblings", role: "group", "aria-label": "The other strategies" });
    this.frames = h("div", { class: "frames", role: "group", "aria-label": "Timeframe" }, TIMEFRAMES.map((one) => h(
      "button", { type: "button", data: { frame: one }, on: { click: () => this.timeframe(one) } }, one,
    )));
    this.plot = h("div", { class: "plot" });
    this.body = h("div", { class: "body" });
    this.element.append(
      h("header", {}, this.title, this.price, this.change, h("button", {
        class: "close", type: "button", "aria-label": "Close", on: { click: onClose },
      }, "✕")),
      this.siblings, h("div", { class: "chart-head" }, h("h3", {}, "Candles"), this.frames), this.plot, this.body,
    );
    mark(this.element, "data-empty", true);
  }

  /** Show a row; the same one again only where it changed. */
  show(row) {
    const isOther = row?.key !== this.#row?.key;
    const isNew = isOther || row?.signal !== this.shown;
    this.#row = row;
    mark(this.element, "data-empty", !row);
    if (!row || !isNew) return;
    this.shown = row.signal;
    if (isOther) this.#begin(row);
    this.#draw();
    this.chart.signals(row);
    this.#load(isOther);
  }

  /** Names, or the database, are known now: ask again for what was not there. */
  again() {
    if (!this.#row) return;
    this.#name(this.#row);
    this.#load(true);
  }

  #name(row) {
    this.title.replaceChildren(row.asset, h("small", {}, this.store.names.get(row.asset) ?? ""));
  }

  #begin(row) {
    this.#news = undefined;
    this.element.scrollTop = 0;
    this.#name(row);
    this.quote();
    this.#bars();
  }

  /** The price moved, perhaps. */
  quote() {
    if (!this.#row) return;
    const known = this.store.prices.get(this.#row.asset);
    if (put(this.price, format.price(known?.price)) && known) this.chart.price(known.price);
    const change = this.store.change24h(this.#row.asset);
    put(this.change, change === null ? "" : `${format.change(change)} 24 h`);
    mark(this.change, "data-side", change < 0 ? "down" : "up");
    if (performance.now() - this.#barsAt > FRESH_BARS_MS) this.#bars();
  }

  /** Change the timeframe of the candles. */
  timeframe(name) {
    this.#timeframe = name;
    this.#bars();
  }

  paint() {
    this.chart.paint();
    this.#bars();
  }

  /** Draw what may have changed though the signal is the same. */
  refresh() {
    if (this.#row) this.#draw();
  }

  async #bars() {
    const row = this.#row;
    if (!row) return;
    this.#barsAt = performance.now();
    for (const button of this.frames.children) {
      mark(button, "aria-pressed", button.dataset.frame === this.#timeframe);
    }
    const bars = await data.candles(row.asset, this.#timeframe).catch(() => []);
    if (row !== this.#row) return;
    this.#plot(row, bars);
  }

  #plot(row, bars) {
    if (bars.length && CandleChart.isThere) {
      if (this.plot.firstChild !== this.chart.element) this.plot.replaceChildren(this.chart.element);
      const name = `${row.asset} ${this.#timeframe} candles with the signals of ${row.strategy}`;
      this.chart.show(bars, row, name);
      const known = this.store.prices.get(row.asset);
      if (known?.at > bars.at(-1).time) this.chart.price(known.price);
      return;
    }
    const spark = sparkline();
    spark.draw(bars.length ? bars.map((bar) => bar.close) : this.store.trend(row.asset));
    const why = bars.length
      ? "No chart library is installed beside the bridge (package litecharts); this is the line of closes."
      : "No candles of this asset: it has no market on the connected exchanges, or none came yet.";
    this.plot.replaceChildren(h("div", { class: "no-chart" }, spark.element, h("p", { class: "note" }, why)));
  }

  async #load(isOther) {
    const row = this.#row;
    const load = ++this.#loads;
    const current = () => load === this.#loads;
    const jobs = [
      data.news(this.store, row.signal).then((found) => { if (current()) this.#news = found; }),
    ];
    if (isOther) jobs.push(data.fillHistory(this.store, row).then(() => current() && this.chart.signals(row)));
    await Promise.allSettled(jobs);
    if (!current()) return;
    if (this.#news === undefined && this.store.report) this.#news = [];
    this.#draw();
  }

  #draw() {
    const row = this.#row;
    const signal = row.signal;
    const open = new Set([...this.body.querySelectorAll("details[open]")].map((one) => one.dataset.fold));
    this.#drawSiblings(row);
    const there = this.store.sources.get("universe")?.assets?.[row.asset];
    this.body.replaceChildren(
      sections.decision(signal, this.rankOf?.(row.key)),
      sections.why(signal, this.store.explanations.get(signal.signal_id)),
      sections.contributions(signal),
      sections.position(signal),
      sections.news(this.#news, this.store.now()),
      sections.past(row),
      sections.inputs(signal),
      ...(there ? [h("p", { class: "note" }, `In the universe: ${there}.`)] : []),
      h("p", { class: "note credit" }, "Charts by TradingView Lightweight Charts™, Apache License 2.0."),
    );
    for (const one of this.body.querySelectorAll("details")) one.open = open.has(one.dataset.fold);
    this.element.dataset.action = signal.action;
  }

  #drawSiblings(row) {
    const names = [...this.store.strategies.keys()];
    this.siblings.replaceChildren(...names.flatMap((strategy) => {
      const one = this.store.rows.get(rowKey(row.asset, strategy));
      if (!one) return [];
      return [h(
        "button",
        { type: "button", data: { action: one.signal.action }, "aria-pressed": String(one.key === row.key),
          on: { click: () => this.onPick(one.key) } },
        h("span", {}, this.store.strategies.get(strategy)),
        h("b", {}, `${MARKS[one.signal.action]} ${format.signed(one.signal.final_score)}`),
      )];
    }));
  }
}
