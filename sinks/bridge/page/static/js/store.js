// Everything the page knows. Frames go in, views read; `changed` says what to draw again.

import { words } from "./format.js";

const HISTORY = 240; // signals kept of each asset and strategy
const POINTS = 400; // prices kept of each asset
const EXPLANATIONS = 2000;
const MOMENTS = 1000; // of the equity of each strategy
const TRADES = 200; // of each strategy

export const rowKey = (asset, strategy) => `${asset}|${strategy}`;

/** |score| * confidence: what the ranking of a strategy orders by. */
export const conviction = (signal) => Math.abs(signal.final_score) * signal.confidence;

export class Store {
  rows = new Map(); // row key -> {key, asset, strategy, signal, history, arrivedAt}
  ids = new Set(); // every signal id received
  prices = new Map(); // asset -> {price, at, points: [[ms, price], ...]}
  candles = new Map(); // asset -> closes of the last hours, oldest first
  scores = new Map(); // "asset|engine" -> latest score
  explanations = new Map(); // signal id -> explanation
  sources = new Map(); // upstream -> status
  names = new Map(); // asset -> name
  strategies = new Map(); // strategy id -> name
  portfolios = new Map(); // strategy id -> {now, moments, trades: trade id -> trade}
  top = new Map(); // strategy id -> its latest ranking
  health = null; // how the bridge does: lag, topics, engines
  report = null; // the last answer of /api/v1/status
  lagMs = null;
  gaps = [];
  touched = new Set(); // row keys that changed since the last drawing
  traded = new Set(); // strategies whose portfolio changed since the last drawing
  #skewMs = 0;

  /** The bridge's clock, ms: ages are right whatever this machine's clock says. */
  now() {
    return Date.now() + this.#skewMs;
  }

  /** Take one frame of the bridge. */
  take(frame) {
    const takers = {
      snapshot: () => frame.items.forEach((item) => this.take(item)),
      signal: () => this.signal(frame.data),
      score: () => this.#score(frame.data),
      price: () => this.#price(frame.data),
      explanation: () => this.#explanation(frame.data),
      source: () => this.sources.set(frame.data.source, frame.data),
      health: () => { this.health = frame.data ?? frame; },
      trade: () => this.trade(frame.data),
      equity: () => this.equity(frame.data),
      top: () => this.top.set(frame.data.strategy_id, frame.data),
      heartbeat: () => this.#heartbeat(frame),
      gap: () => this.gaps.push(frame),
    };
    takers[frame.type]?.();
  }

  /** Take a signal, from the socket or from a page of history; false when it was known. */
  signal(signal) {
    if (this.ids.has(signal.signal_id)) return false;
    this.ids.add(signal.signal_id);
    const key = rowKey(signal.asset, signal.strategy_id);
    const row = this.rows.get(key) ?? {
      key, asset: signal.asset, strategy: signal.strategy_id, signal: null, history: [], arrivedAt: 0,
    };
    const history = row.history;
    let place = history.length; // nearly always the newest
    while (place > 0 && history[place - 1].as_of > signal.as_of) place -= 1;
    history.splice(place, 0, signal);
    if (history.length > HISTORY) history.shift();
    if (row.signal !== history.at(-1)) row.arrivedAt = performance.now();
    row.signal = history.at(-1);
    this.rows.set(key, row);
    this.touched.add(key);
    if (!this.strategies.has(row.strategy)) this.strategies.set(row.strategy, words(row.strategy));
    if (signal.entry_price_usd && !this.prices.has(signal.asset)) {
      this.#price({ asset: signal.asset, price_usd: signal.entry_price_usd, at: signal.as_of });
    }
    return true;
  }

  #portfolio(strategy) {
    const known = this.portfolios.get(strategy) ?? { now: null, moments: [], trades: new Map() };
    this.portfolios.set(strategy, known);
    if (!this.strategies.has(strategy)) this.strategies.set(strategy, words(strategy));
    return known;
  }

  /** Take what a portfolio is worth, from the socket or over REST: the newest counts. */
  equity(equity) {
    const known = this.#portfolio(equity.strategy_id);
    if (known.now && equity.as_of < known.now.as_of) return;
    known.now = equity;
    this.traded.add(equity.strategy_id);
    if (!equity.kind) return; // over REST: it is no moment of the curve
    const last = known.moments.at(-1);
    if (last && last.as_of === equity.as_of && last.kind === equity.kind) return; // sent again
    known.moments.push({ ...equity, positions: undefined, inputs: undefined });
    if (known.moments.length > MOMENTS) known.moments.shift();
  }

  /** Take a fill of a portfolio, from the socket or from a page of history. */
  trade(trade) {
    const { trades } = this.#portfolio(trade.strategy_id);
    trades.set(trade.trade_id, trade);
    if (trades.size > TRADES) trades.delete(trades.keys().next().value);
    this.traded.add(trade.strategy_id);
  }

  #price(price) {
    const known = this.prices.get(price.asset) ?? { price: null, at: 0, changePct: null, points: [] };
    const at = price.at ?? price.observed_at;
    if (at < known.at) return;
    known.price = price.price_usd;
    known.changePct = price.change_24h_pct ?? known.changePct ?? null;
    known.at = at;
    known.points.push([at, price.price_usd]);
    if (known.points.length > POINTS) known.points.shift();
    this.prices.set(price.asset, known);
    this.#touchAsset(price.asset);
  }

  #touchAsset(asset) {
    for (const strategy of this.strategies.keys()) this.touched.add(rowKey(asset, strategy));
  }

  #score(score) {
    this.scores.set(`${score.asset}|${score.engine}`, score);
  }

  #explanation(explanation) {
    this.explanations.set(explanation.signal_id, explanation);
    if (this.explanations.size > EXPLANATIONS) {
      this.explanations.delete(this.explanations.keys().next().value);
    }
    this.touched.add(rowKey(explanation.asset, explanation.strategy_id));
  }

  #heartbeat(frame) {
    this.#skewMs = frame.at - Date.now();
    this.lagMs = frame.lag_ms;
  }

  /** Closes of an asset's last hours, for its sparkline. */
  setCandles(asset, closes) {
    this.candles.set(asset, closes);
    this.#touchAsset(asset);
  }

  /** Up to `most` prices for a sparkline: hourly closes, then the last price. */
  trend(asset, most = 48) {
    const closes = this.candles.get(asset);
    const price = this.prices.get(asset);
    if (!closes?.length) return (price?.points ?? []).slice(-most).map((one) => one[1]);
    return [...closes.slice(1 - most), ...(price ? [price.price] : [])];
  }

  /** Change over 24 h as a share: as the market says it, else from the hours; null: not known. */
  change24h(asset) {
    const price = this.prices.get(asset);
    if (price && price.changePct !== null) return price.changePct / 100;
    const closes = this.candles.get(asset);
    if (!closes || closes.length < 25 || !price) return null;
    return price.price / closes.at(-25) - 1;
  }

  /** Row keys that changed since the last call. */
  takeTouched() {
    const touched = this.touched;
    this.touched = new Set();
    return touched;
  }

  /** Strategies whose portfolio changed since the last call. */
  takeTraded() {
    const traded = this.traded;
    this.traded = new Set();
    return traded;
  }
}

export const store = new Store();
