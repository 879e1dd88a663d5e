// The view of what strategies have earned since they began: a list of them, and one's record.

import * as data from "./data.js";
import { $, h, mark, put } from "./dom.js";
import * as format from "./format.js";
import * as parts from "./record_parts.js";

const DAY_MS = 86_400_000;
const RANGES = [["1 week", 7], ["1 month", 30], ["1 year", 365], ["All", null]];

export class TrackRecord {
  #strategy = null;
  #range = RANGES.length - 1;
  #loads = 0; // what comes for an earlier selection is dropped
  #cards = new Map();
  isOpen = false;

  /** `onPick(strategy)` is told of a choice. */
  constructor(store, { onPick }) {
    this.store = store;
    this.onPick = onPick;
    this.list = h("div", { class: "cards", role: "group", "aria-label": "Strategies" });
    this.title = h("h2", {});
    this.since = h("small", { class: "as-of" });
    this.ranges = h("div", { class: "frames", role: "group", "aria-label": "Time" }, RANGES.map(([name], place) => h(
      "button", { type: "button", on: { click: () => this.range(place) } }, name,
    )));
    this.content = h("div", {});
    this.body = h("article", { class: "book record", tabindex: -1 },
      h("header", {}, this.title, this.since), this.ranges, this.content);
    this.empty = h("div", { class: "nothing" }, h("h2", {}, "No track record yet"),
      h("p", {}, "Every strategy trades its own signals on paper. Its record begins with the first cycle, ten minutes at most after the strategy was saved."));
    $("record").append(this.list, this.body, this.empty);
  }

  async open(strategy) {
    this.isOpen = true;
    if (strategy) this.#strategy = strategy;
    this.#choose(this.#strategy);
    await data.fillPortfolios(this.store).catch(() => null);
    if (this.isOpen && this.#names().length !== this.#cards.size) this.#choose(this.#strategy);
  }

  again() {
    if (this.isOpen) this.open();
  }

  close() {
    this.isOpen = false;
  }

  range(place) {
    if (!RANGES[place]) return;
    this.#range = place;
    this.#load();
  }

  move(step) {
    const names = this.#names();
    const next = names[Math.min(names.length - 1, Math.max(0, names.indexOf(this.#strategy) + step))];
    if (!next || next === this.#strategy) return;
    this.#choose(next);
    this.#cards.get(next).focus();
  }

  focus() {
    this.body.focus();
  }

  /** Strategies with a portfolio, as they are named. */
  #names() {
    const { portfolios, strategies } = this.store;
    return [...portfolios].filter(([, one]) => one.now).map(([id]) => [strategies.get(id) ?? id, id]).sort().map(([, id]) => id);
  }

  #choose(strategy) {
    const names = this.#names();
    const chosen = names.includes(strategy) ? strategy : names[0] ?? null;
    for (const one of [this.body, this.list]) mark(one, "hidden", chosen === null);
    mark(this.empty, "hidden", chosen !== null);
    if (chosen === null) return;
    if (chosen !== this.#strategy || !this.content.childElementCount) this.content.replaceChildren(parts.note("Asking …"));
    this.#strategy = chosen;
    this.body.scrollTop = 0;
    this.onPick(chosen);
    this.#drawCards(names);
    put(this.title, this.store.strategies.get(chosen) ?? chosen);
    this.#load();
  }

  #drawCards(names) {
    this.#cards = new Map(names.map((name) => {
      const now = this.store.portfolios.get(name).now;
      const share = now.invested_usd > 0 ? now.equity_usd / now.invested_usd - 1 : null;
      return [name, h("button", {
        type: "button", data: { strategy: name }, "aria-pressed": String(name === this.#strategy), on: { click: () => this.#choose(name) },
      }, h("span", {}, this.store.strategies.get(name) ?? name), h("b", { data: { side: share < 0 ? "down" : "up" } }, format.change(share)))];
    }));
    this.list.replaceChildren(...this.#cards.values());
  }

  async #load() {
    const load = ++this.#loads;
    [...this.ranges.children].forEach((button, place) => mark(button, "aria-pressed", String(place === this.#range)));
    const days = RANGES[this.#range][1];
    // To the minute, so that who looks again within it is answered from what is kept.
    const since = days ? Math.max(0, Math.floor((this.store.now() - days * DAY_MS) / 60_000) * 60_000) : null;
    let record = null;
    let why = null;
    try {
      record = await data.trackRecord(this.#strategy, since);
    } catch (refusal) { why = refusal.message; }
    if (load !== this.#loads) return;
    if (!record) {
      put(this.since, "");
      this.content.replaceChildren(parts.note(why));
      return;
    }
    const count = format.count(record.records);
    put(this.since, `since ${format.day(record.began_at)} UTC · version ${record.version} · ${count} moments`);
    this.content.replaceChildren(...parts.content(record));
  }
}
