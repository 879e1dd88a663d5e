// The view of the strategies' portfolios: a list of them, and the one that is chosen.

import * as data from "./data.js";
import { $, h, mark, put } from "./dom.js";
import { EquityChart } from "./equity_chart.js";
import * as format from "./format.js";
import * as parts from "./portfolio_parts.js";
import { section } from "./sections.js";

const DAY_MS = 86_400_000;
/** Name, days, and the step of a curve that has more moments than are drawn one by one. */
const RANGES = [["1 day", 1, "10m"], ["1 week", 7, "1h"], ["1 month", 30, "4h"], ["All", null, "1d"]];
const FIRST_RANGE = 1;

export class Portfolios {
  #strategy = null;
  #range = FIRST_RANGE;
  #loads = 0; // what comes for an earlier selection is dropped
  #cards = new Map();
  #sales; // closed trades: undefined while they are asked for
  #next = null;
  #curve = []; // what the chart shows
  #shown = null; // whose curve the chart shows
  #drawn = null; // the equity that the positions were made of
  #positions = null;
  #isAsked = false;
  isOpen = false;

  /** `onOpen(asset, strategy)` shows a signal, `onPick(strategy)` is told of a choice. */
  constructor(store, { onOpen, onPick }) {
    this.store = store;
    this.onOpen = onOpen;
    this.onPick = onPick;
    this.chart = new EquityChart();
    this.figures = parts.figures();
    this.list = h("div", { class: "cards", role: "group", "aria-label": "Strategies" });
    this.title = h("h2", {});
    this.since = h("small", { class: "as-of" });
    this.ranges = h("div", { class: "frames", role: "group", "aria-label": "Time" }, RANGES.map(([name], place) => h(
      "button", { type: "button", on: { click: () => this.range(place) } }, name,
    )));
    this.held = section("Open positions", "open");
    this.sold = section("Closed trades", "closed");
    this.body = h("article", { class: "book", tabindex: -1 },
      h("header", {}, this.title, this.since), this.figures.element,
      h("div", { class: "chart-head" }, h("h3", {}, "Equity"), this.ranges), this.chart.element,
      h("p", { class: "note key" }, "The dashed line is what was put in. Every strategy trades its own signals on paper: no order is sent."),
      this.held, this.sold,
      h("p", { class: "note credit" }, "Charts by TradingView Lightweight Charts™, Apache License 2.0."));
    this.empty = h("div", { class: "nothing" }, h("h2", {}, "No portfolio yet"),
      h("p", {}, "Every strategy trades its own signals on paper. Its portfolio begins with the first cycle, ten minutes at most after the strategy was saved, and stands here from then on."));
    $("portfolios").append(this.list, this.body, this.empty);
  }

  /** Open the view, with a strategy or with the one that was there. */
  open(strategy) {
    this.isOpen = true;
    if (strategy) this.#strategy = strategy;
    this.#ask();
    this.#choose(this.#strategy);
  }

  /** Ask again for what may have come while nobody was connected. */
  again() {
    if (!this.isOpen) return;
    this.#ask();
    this.#load({ again: true });
  }

  close() {
    this.isOpen = false;
  }

  /** Choose another range of time, by its place in the row of buttons. */
  range(place) {
    this.#range = place;
    this.#load();
  }

  /** Go to the strategy so many places down the list. */
  move(step) {
    const names = this.#names();
    const place = names.indexOf(this.#strategy);
    const next = names[Math.min(names.length - 1, Math.max(0, place + step))];
    if (next && next !== this.#strategy) this.#choose(next, { focus: true });
  }

  focus() {
    this.body.focus();
  }

  paint() {
    this.chart.paint();
  }

  /** Take in what came: `traded` are the strategies whose portfolio changed. */
  draw(traded) {
    if (!this.isOpen || !traded.size) return;
    if (!this.#strategy || !this.store.portfolios.has(this.#strategy)) this.#choose(this.#strategy);
    this.#drawCards();
    if (!traded.has(this.#strategy)) return;
    this.#extend();
    this.#drawBook();
  }

  /** Move everything with the last prices: once a second. */
  tick() {
    if (!this.isOpen) return;
    this.#drawCards();
    this.#move();
  }

  async #ask() {
    const isAnswered = await data.fillPortfolios(this.store).then(() => true, () => false);
    this.#isAsked ||= isAnswered; // else what the socket brings is there
    this.draw(this.store.takeTraded());
    if (!this.store.portfolios.size) this.#choose(null);
  }

  /** Strategies with a portfolio, as they are named. */
  #names() {
    const { portfolios, strategies } = this.store;
    const named = [...portfolios].filter(([, one]) => one.now).map(([id]) => [strategies.get(id) ?? id, id]);
    return named.sort().map(([, id]) => id);
  }

  #choose(strategy, { focus = false } = {}) {
    const names = this.#names();
    const isThere = names.includes(strategy);
    const chosen = isThere ? strategy : names[0] ?? null;
    mark(this.body, "hidden", chosen === null);
    mark(this.list, "hidden", chosen === null);
    mark(this.empty, "hidden", chosen !== null || !this.#isAsked);
    if (chosen === null) return;
    this.#strategy = chosen;
    this.#sales = undefined;
    this.#next = null;
    this.#drawn = null;
    this.#shown = null;
    this.#curve = [...this.store.portfolios.get(chosen).moments];
    this.body.scrollTop = 0;
    this.onPick(chosen);
    this.#drawCards();
    this.#drawBook();
    this.#load();
    if (focus) this.#cards.get(chosen).element.focus();
  }

  async #load({ again = false } = {}) {
    const load = ++this.#loads;
    const strategy = this.#strategy;
    if (!strategy) return;
    [...this.ranges.children].forEach((button, place) => mark(button, "aria-pressed", place === this.#range));
    const [name, days, step] = RANGES[this.#range];
    const since = days ? Math.max(0, Math.floor(this.store.now() - days * DAY_MS)) : 0;
    const jobs = [data.curve(strategy, since, step).catch(() => this.store.portfolios.get(strategy).moments)];
    if (again || this.#sales === undefined) jobs.push(data.sales(strategy, null).catch(() => (this.#sales ? null : { items: [], next: null })));
    const [curve, sales] = await Promise.all(jobs);
    if (load !== this.#loads) return;
    this.#shown = null;
    this.#curve = curve.filter((one) => one.as_of >= since);
    if (sales) [this.#sales, this.#next] = [sales.items, sales.next];
    this.#extend();
    this.#shown = strategy;
    this.chart.show(this.#curve, `Equity of ${this.store.strategies.get(strategy)}, ${name.toLowerCase()}`);
    this.#drawSales();
  }

  async #more() {
    const [strategy, cursor] = [this.#strategy, this.#next];
    const page = await data.sales(strategy, cursor).catch(() => null);
    if (!page || strategy !== this.#strategy || cursor !== this.#next) return;
    this.#sales.push(...page.items);
    this.#next = page.next;
    this.#drawSales();
  }

  /** Put what came since the answers behind them. */
  #extend() {
    const { moments, trades } = this.store.portfolios.get(this.#strategy);
    const last = this.#curve.at(-1);
    for (const one of moments) {
      if (last && (one.as_of < last.as_of || (one.as_of === last.as_of && one.kind <= last.kind))) continue;
      this.#curve.push(one);
      if (this.#shown === this.#strategy) this.chart.add(one);
    }
    if (this.#sales === undefined) return;
    const known = new Set(this.#sales.map((one) => one.trade_id));
    const fresh = [...trades.values()].filter((one) => one.side === "sell" && !known.has(one.trade_id)
      && (!this.#next || one.filled_at >= (this.#sales.at(-1)?.filled_at ?? 0)));
    this.#sales = [...fresh, ...this.#sales].sort((a, b) => b.filled_at - a.filled_at);
  }

  #drawCards() {
    const names = this.#names();
    for (const name of names) {
      const card = this.#cards.get(name) ?? this.#card(name);
      const { now } = this.store.portfolios.get(name);
      const live = parts.atLastPrices(now, this.store.prices);
      put(card.name, this.store.strategies.get(name) ?? name);
      put(card.equity, format.usd(live.equity));
      put(card.profit, `${format.gain(live.profit)} ${format.change(live.share)}`);
      mark(card.profit, "data-side", live.profit < 0 ? "down" : "up");
      const count = now.positions.length;
      put(card.held, count ? `${format.percent(live.exposure)} in ${count} position${count === 1 ? "" : "s"}` : "all in cash");
      mark(card.element, "aria-pressed", String(name === this.#strategy));
    }
    const order = names.map((name) => this.#cards.get(name).element);
    if (order.some((one, place) => this.list.children[place] !== one)) this.list.replaceChildren(...order);
  }

  #card(strategy) {
    const card = { name: h("span"), equity: h("b"), profit: h("em"), held: h("small") };
    card.element = h("button", { type: "button", data: { strategy }, on: { click: () => this.#choose(strategy) } },
      card.name, card.equity, card.profit, card.held);
    this.#cards.set(strategy, card);
    return card;
  }

  /** Draw what changes with the portfolio itself; positions anew only where they are others. */
  #drawBook() {
    const { now } = this.store.portfolios.get(this.#strategy);
    put(this.title, this.store.strategies.get(this.#strategy) ?? this.#strategy);
    if (this.#drawn !== now) {
      this.#drawn = now;
      const nameOf = (asset) => this.store.names.get(asset) ?? "";
      this.#positions = parts.positions(now.positions, nameOf, (asset) => this.onOpen(asset, this.#strategy));
      this.held.replaceChildren(this.held.firstChild, this.#positions.element);
    }
    this.#drawSales();
    this.#move();
  }

  #drawSales() {
    const isLost = this.store.report?.database === "none";
    this.sold.replaceChildren(this.sold.firstChild, parts.closed(this.#sales, this.#next && (() => this.#more())),
      ...(isLost ? [h("p", { class: "note" }, "This bridge has no database: older trades and moments are not here.")] : []));
  }

  #move() {
    const now = this.store.portfolios.get(this.#strategy)?.now;
    if (!now || !this.#positions) return;
    const live = parts.atLastPrices(now, this.store.prices);
    this.figures.draw(now, live);
    this.#positions.draw(live, this.store.now());
    put(this.since, `at the last prices · last cycle ${format.clock(now.as_of)} UTC`);
  }
}
