// What comes over REST: candles, news, history, names. Each asked for when it is looked at.

import { ask } from "./session.js";

const AT_ONCE = 4;
const DAY_MS = 86_400_000;

let running = 0;
const waiting = [];

/** Ask, a few at a time: a page that opens is no storm. */
function calmly(path) {
  return new Promise((resolve, reject) => {
    waiting.push(() => ask(path).then(resolve, reject).finally(() => { running -= 1; next(); }));
    next();
  });
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    waiting.shift()();
  }
}

const of = (asset) => `/api/v1/assets/${encodeURIComponent(asset)}`;

/** The last candles of an asset: [{time, open, high, low, close, volume, closed}, ...]. */
export async function candles(asset, timeframe, limit = 200) {
  return (await ask(`${of(asset)}/candles?timeframe=${timeframe}&limit=${limit}`)).bars;
}

/** Fill the sparklines of assets, one after the other. */
export async function fillTrends(store, assets) {
  await Promise.all(assets.map(async (asset) => {
    const answer = await calmly(`${of(asset)}/candles?timeframe=1h&limit=48`).catch(() => null);
    if (answer) store.setCandles(asset, answer.bars.map((bar) => bar.close));
  }));
}

/** How the bridge and what is behind it do. */
export const status = () => ask("/api/v1/status");

/** Whether stored things can be asked for: without a database the bridge has none. */
export const isStored = (store) => store.report?.database === "ok";

/** Names of strategies and of assets. */
export async function fillNames(store) {
  if (!isStored(store)) return;
  for (const { strategy } of (await ask("/api/v1/strategies")).items) {
    store.strategies.set(strategy.strategy_id, strategy.name);
  }
  for (const one of (await ask("/api/v1/trending")).items) store.names.set(one.asset, one.name);
}

/**
 * The news that was there when a signal was made, the newest first; null: nothing is stored,
 * undefined: not known yet.
 */
export async function news(store, signal) {
  if (!store.report) return undefined;
  if (!isStored(store)) return null;
  const asked = new URLSearchParams({
    asset: signal.asset, since: signal.as_of - DAY_MS, until: signal.as_of + 1, limit: 8,
  });
  return (await ask(`/api/v1/news?${asked}`)).items;
}

/** Put the stored signals of a row into the store. */
export async function fillHistory(store, row) {
  if (!isStored(store)) return;
  const asked = new URLSearchParams({ asset: row.asset, strategy: row.strategy, limit: 200 });
  for (const signal of (await ask(`/api/v1/signals?${asked}`)).items) store.signal(signal);
}

const ofPortfolio = (strategy) => `/api/v1/portfolios/${encodeURIComponent(strategy)}`;
const FINE = 1000; // moments of a curve that are drawn one by one

/** Put what every portfolio is worth into the store. */
export async function fillPortfolios(store) {
  for (const one of (await ask("/api/v1/portfolios")).items) store.equity(one);
}

/**
 * The equity of a strategy since a time, the oldest first: every moment, or where these are many the
 * last of each `step`.
 */
export async function curve(strategy, since, step) {
  const asked = (more) => ask(`${ofPortfolio(strategy)}/equity?${new URLSearchParams({ since, limit: FINE, ...more })}`);
  let answer = await asked({});
  if (answer.next) answer = await asked({ step });
  return answer.items.reverse();
}

/** A page of the sales of a strategy, the newest first: {items, next}. */
export async function sales(strategy, cursor, limit = 50) {
  const asked = new URLSearchParams({ side: "sell", limit, ...(cursor ? { cursor } : {}) });
  return ask(`${ofPortfolio(strategy)}/trades?${asked}`);
}

/** What a strategy has earned since it began, or since a time in ms; the figures of a backtest's report. */
export async function trackRecord(strategy, since) {
  const path = `/api/v1/strategies/${encodeURIComponent(strategy)}/track-record`;
  return ask(since ? `${path}?${new URLSearchParams({ since })}` : path);
}

/** Whether scores and signals foretold returns: {items, samples, enough, made_at}. */
export const outcomes = () => ask("/api/v1/outcomes");
