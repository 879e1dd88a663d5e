// The table of signals: one row an asset and strategy, changed in place, never rebuilt.

import { $, h, mark, put } from "./dom.js";
import * as format from "./format.js";
import { engineBars, sparkline } from "./spark.js";
import { COLUMNS } from "./view.js";

const PAGE = 300; // rows drawn before "show more"
const FULL_SCORE = 0.75; // fills its meter

const HEADS = [
  ["rank", "#", "Place by |score| × confidence; bold: among the ten best of its strategy"],
  ["asset", "Asset"],
  ["strategy", "Strategy"],
  ["action", "Action"],
  ["score", "Score"],
  ["confidence", "Conf.", "Confidence: the multiplier of the position"],
  [null, "Engines"],
  ["price", "Price"],
  ["change", "24 h"],
  [null, "48 h"],
  ["age", "Age", "Since the decision"],
];
export const MARKS = { BUY: "▲", SELL: "▼", HOLD: "■" };

export class Table {
  #rows = new Map(); // key -> row view
  #order = [];
  #limit = PAGE;
  #engines = [];

  /** `onSort(column)`, `onSelect(key, {open})`. */
  constructor({ onSort, onSelect }) {
    this.head = $("grid").tHead;
    this.body = $("grid").tBodies[0];
    this.onSelect = onSelect;
    this.head.append(h("tr", { role: "row" }, HEADS.map(([column, text, title]) => h(
      "th",
      { role: "columnheader", scope: "col", class: `c-${column ?? text.replace(" ", "").toLowerCase()}`, title },
      column ? h("button", { type: "button", data: { column }, on: { click: () => onSort(column) } }, text)
        : h("span", {}, text),
    ))));
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("tr[data-key]");
      if (row) onSelect(row.dataset.key, { open: true });
    });
  }

  /** Letters of the engines stand over their bars. */
  engines(names) {
    if (names.join() === this.#engines.join()) return;
    this.#engines = names;
    const cell = this.head.querySelector(".c-engines");
    cell.replaceChildren(h("span", { class: "bars letters" }, names.map((name) => h(
      "abbr", { title: format.words(name) }, name.charAt(0).toUpperCase(),
    ))));
  }

  /** Mark the column that orders the table. */
  sorted(sort) {
    for (const button of this.head.querySelectorAll("button")) {
      const is = button.dataset.column === sort.column;
      const natural = COLUMNS[button.dataset.column].first === sort.direction;
      const rising = (sort.direction > 0) === true;
      mark(button.parentElement, "aria-sort", is ? (rising ? "ascending" : "descending") : "none");
      mark(button, "data-natural", is && natural);
    }
  }

  /** Put rows into this order; all that are not in it go. */
  arrange(rows, store, context) {
    this.#order = rows;
    const shown = rows.slice(0, this.#limit);
    const wanted = new Set(shown.map((row) => row.key));
    for (const [key, view] of this.#rows) {
      if (wanted.has(key)) continue;
      view.element.remove();
      this.#rows.delete(key);
    }
    let next = this.body.firstElementChild;
    for (const row of shown) {
      const view = this.#view(row, store, context);
      if (view.element === next) next = next.nextElementSibling;
      else this.body.insertBefore(view.element, next);
    }
    this.#more(rows.length);
    mark($("grid"), "aria-rowcount", rows.length + 1);
  }

  #more(count) {
    let more = this.body.querySelector(".more");
    more?.remove();
    if (count <= this.#limit) return;
    more = h("tr", { class: "more" }, h("td", { colspan: HEADS.length }, h(
      "button", { type: "button", on: { click: () => { this.#limit += PAGE; this.onMore?.(); } } },
      `Show ${Math.min(PAGE, count - this.#limit)} more of ${count - this.#limit}`,
    )));
    this.body.append(more);
  }

  #view(row, store, context) {
    const known = this.#rows.get(row.key);
    if (known) {
      known.draw(row, store, context);
      return known;
    }
    const view = rowView(row);
    this.#rows.set(row.key, view);
    view.draw(row, store, context);
    return view;
  }

  /** Draw these rows again where they stand. */
  refresh(keys, store, context) {
    for (const key of keys) this.#rows.get(key)?.draw(store.rows.get(key), store, context);
  }

  /** Ages only: once a second, and nothing else moves. */
  tick(now) {
    for (const view of this.#rows.values()) view.tick(now);
  }

  /** Mark the selected row; `focus` moves the keyboard there too. */
  select(key, { focus = false } = {}) {
    for (const [one, view] of this.#rows) {
      const is = one === key;
      mark(view.element, "aria-selected", is);
      view.element.tabIndex = is ? 0 : -1;
      if (is && focus) {
        view.element.focus({ preventScroll: true });
        view.element.scrollIntoView({ block: "nearest" });
      }
    }
  }

  /** The key `step` rows from a key in the order on the screen. */
  neighbour(key, step) {
    const place = this.#order.findIndex((row) => row.key === key);
    const last = Math.min(this.#order.length, this.#limit) - 1;
    const next = place < 0 ? 0 : Math.min(last, Math.max(0, place + step));
    return this.#order[next]?.key ?? null;
  }

  has(key) {
    return this.#rows.has(key);
  }
}

function rowView(row) {
  const cell = (name, ...children) => h("td", { role: "gridcell", class: `c-${name}` }, ...children);
  const parts = {
    rank: h("span"), symbol: h("strong"), name: h("small"), action: h("span", { class: "action" }),
    score: h("span"), fill: h("i", { class: "meter" }, h("b")), confidence: h("span"),
    price: h("span"), change: h("span"), age: h("time"),
  };
  const bars = engineBars();
  const spark = sparkline();
  const element = h(
    "tr", { role: "row", tabindex: -1, data: { key: row.key, asset: row.asset, strategy: row.strategy } },
    cell("rank", parts.rank),
    cell("asset", parts.symbol, parts.name),
    cell("strategy", h("span", {})),
    cell("action", parts.action),
    cell("score", parts.score, parts.fill),
    cell("confidence", parts.confidence),
    cell("engines", bars.element),
    cell("price", parts.price),
    cell("change", parts.change),
    cell("48h", spark.element),
    cell("age", parts.age),
  );
  const view = { element, parts, bars, spark, signal: null, row };
  view.strategy = element.querySelector(".c-strategy span");
  view.draw = (now, store, context) => drawRow(view, now, store, context);
  view.tick = (now) => put(parts.age, format.age(now - view.row.signal.as_of));
  return view;
}

function drawRow(view, row, store, context) {
  const { parts } = view;
  const signal = row.signal;
  view.row = row;
  drawPrice(view, store, row.asset);
  const place = context.ranks.get(row.key);
  put(parts.rank, place ? String(place[context.place]) : "");
  mark(view.element, "data-top", place?.own <= 10);
  put(parts.symbol, row.asset);
  put(parts.name, store.names.get(row.asset) ?? "");
  put(view.strategy, store.strategies.get(row.strategy) ?? format.words(row.strategy));
  if (signal === view.signal) return;
  view.signal = signal;
  put(parts.action, `${MARKS[signal.action]} ${signal.action}`);
  mark(view.element, "data-action", signal.action);
  mark(view.element, "data-signal", signal.signal_id);
  mark(view.element, "data-turned", isTurned(row)); // stands until the next signal; nothing blinks
  mark(parts.action, "title", signal.override ? `${signal.fused_action} before ${format.words(signal.override).toLowerCase()}` : null);
  mark(parts.action, "data-override", Boolean(signal.override) && signal.action !== signal.fused_action);
  put(parts.score, format.signed(signal.final_score, 3));
  parts.fill.firstChild.style.setProperty("--share", Math.min(1, Math.abs(signal.final_score) / FULL_SCORE).toFixed(3));
  mark(parts.fill, "data-side", signal.final_score < 0 ? "down" : "up");
  put(parts.confidence, format.percent(signal.confidence));
  view.bars.draw(signal.contributions);
  view.tick(store.now());
}

function drawPrice(view, store, asset) {
  const { parts } = view;
  put(parts.price, format.price(store.prices.get(asset)?.price));
  const change = store.change24h(asset);
  put(parts.change, format.change(change));
  mark(parts.change, "data-side", change === null ? null : change < 0 ? "down" : "up");
  view.spark.draw(store.trend(asset));
}

/** Whether the latest signal says another action than the one before. */
function isTurned(row) {
  const before = row.history.at(-2);
  return before !== undefined && before.action !== row.signal.action;
}
