// The line of filters. It stands in the address, so that a desk can keep its view as a bookmark.

import { $, h, mark, put } from "./dom.js";
import { percent } from "./format.js";
import { COLUMNS, NO_FILTER } from "./view.js";

const ACTIONS = [["ALL", "All"], ["BUY", "▲ Buy"], ["SELL", "▼ Sell"], ["HOLD", "■ Hold"]];
const ALL_STRATEGIES = ["ALL", "All", " strategies"];
export const FIRST_SORT = { column: "rank", direction: 1 };

export class Filters {
  filter = { ...NO_FILTER };
  sort = { ...FIRST_SORT };
  #strategies = "";

  constructor(onChange) {
    this.onChange = onChange;
    this.text = h("input", {
      type: "search", id: "search", placeholder: "Asset", "aria-label": "Asset", enterkeyhint: "search",
      spellcheck: "false", on: { input: () => this.set({ text: this.text.value }) },
    });
    this.actions = group("Action", ACTIONS, (action) => this.set({ action }));
    this.strategies = group("Strategy", [ALL_STRATEGIES], (strategy) => this.set({ strategy }));
    this.slider = h("input", {
      type: "range", min: 0, max: 0.9, step: 0.05, id: "confidence",
      on: { input: () => this.set({ confidence: Number(this.slider.value) }) },
    });
    this.said = h("output", { for: "confidence" });
    this.count = h("span", { class: "count", role: "status" });
    this.clear = h("button", { type: "button", class: "clear", on: { click: () => this.reset() } }, "Clear");
    $("filters").append(
      h("span", { class: "search" }, this.text, h("kbd", { "aria-hidden": "true" }, "/")), this.actions, this.strategies,
      h("label", { class: "slide" }, h("span", {}, "Confidence"), this.slider, this.said),
      this.clear, this.count,
    );
    $("filters").addEventListener("submit", (event) => { event.preventDefault(); this.text.blur(); });
    this.#read();
    this.#draw();
  }

  set(change) {
    Object.assign(this.filter, change);
    this.#draw();
    this.#write();
    this.onChange();
  }

  reset() {
    this.set({ ...NO_FILTER });
  }

  /** Order by a column; a second time the other way round. */
  orderBy(column) {
    const direction = this.sort.column === column ? -this.sort.direction : COLUMNS[column].first;
    this.sort = { column, direction };
    this.#write();
    this.onChange();
  }

  /** Offer the strategies that there are, [[id, name], ...]. */
  offer(strategies) {
    const said = JSON.stringify(strategies);
    if (said === this.#strategies) return;
    this.#strategies = said;
    fill(this.strategies, [ALL_STRATEGIES, ...strategies], (strategy) => this.set({ strategy }));
    this.#draw();
  }

  counted(shown, all) {
    put(this.count, shown === all ? `${all} signals` : `${shown} of ${all} signals`);
  }

  #draw() {
    const { text, action, strategy, confidence } = this.filter;
    if (this.text.value !== text) this.text.value = text;
    if (Number(this.slider.value) !== confidence) this.slider.value = confidence;
    put(this.said, confidence ? `≥ ${percent(confidence)}` : "any");
    press(this.actions, action);
    press(this.strategies, strategy);
    const isAll = Object.keys(NO_FILTER).every((name) => this.filter[name] === NO_FILTER[name]);
    mark(this.clear, "hidden", isAll);
  }

  #read() {
    const asked = new URLSearchParams(location.search);
    const action = asked.get("action")?.toUpperCase();
    this.filter = {
      text: asked.get("asset") ?? "",
      action: ACTIONS.some(([one]) => one === action) ? action : "ALL",
      strategy: asked.get("strategy") ?? "ALL",
      confidence: Math.min(0.9, Math.max(0, Number(asked.get("confidence")) || 0)),
    };
    const [column, way] = (asked.get("sort") ?? "").split(".");
    if (column in COLUMNS) this.sort = { column, direction: way === "up" ? 1 : -1 };
  }

  #write() {
    const { text, action, strategy, confidence } = this.filter;
    const { column, direction } = this.sort;
    const isFirst = column === FIRST_SORT.column && direction === FIRST_SORT.direction;
    const said = new URLSearchParams(Object.entries({
      asset: text, action: action === "ALL" ? "" : action, strategy: strategy === "ALL" ? "" : strategy,
      confidence: confidence || "", sort: isFirst ? "" : `${column}.${direction > 0 ? "up" : "down"}`,
    }).filter(([, value]) => value !== ""));
    history.replaceState(null, "", location.pathname + (said.size ? `?${said}` : "") + location.hash);
  }
}

function group(name, options, onPick) {
  const element = h("div", { class: `choices ${name.toLowerCase()}`, role: "group", "aria-label": name });
  fill(element, options, onPick);
  return element;
}

function fill(element, options, onPick) {
  element.replaceChildren(...options.map(([value, text, long]) => h(
    "button", { type: "button", data: { value }, on: { click: () => onPick(value) } },
    text, long && h("span", { class: "long" }, long),
  )));
}

function press(element, value) {
  for (const button of element.children) mark(button, "aria-pressed", button.dataset.value === value);
}
