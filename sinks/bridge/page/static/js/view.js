// Which rows, in which order. Pure.

import { conviction } from "./store.js";

export const NO_FILTER = { text: "", action: "ALL", strategy: "ALL", confidence: 0 };

const ORDER = { BUY: 0, SELL: 1, HOLD: 2 };

/** What each column orders by, and which direction comes first. */
export const COLUMNS = {
  rank: { of: (row) => -conviction(row.signal), first: 1 },
  asset: { of: (row) => row.asset, first: 1 },
  strategy: { of: (row) => row.strategy, first: 1 },
  action: { of: (row) => ORDER[row.signal.action], first: 1 },
  score: { of: (row) => row.signal.final_score, first: -1 },
  confidence: { of: (row) => row.signal.confidence, first: -1 },
  price: { of: (row, store) => store.prices.get(row.asset)?.price ?? 0, first: -1 },
  change: { of: (row, store) => store.change24h(row.asset) ?? -Infinity, first: -1 },
  age: { of: (row) => row.signal.as_of, first: -1 },
};

/** The rows that pass a filter, in order; ties by conviction, then by name. */
export function visible(store, filter, sort) {
  const text = filter.text.trim().toLowerCase();
  const rows = [...store.rows.values()].filter((row) => passes(row, filter, text, store));
  const { of } = COLUMNS[sort.column];
  const keyed = rows.map((row) => ({ row, by: of(row, store), tie: conviction(row.signal) }));
  keyed.sort((a, b) => sort.direction * compare(a.by, b.by)
    || b.tie - a.tie || compare(a.row.key, b.row.key));
  return keyed.map((one) => one.row);
}

function compare(a, b) {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

function passes(row, filter, text, store) {
  const signal = row.signal;
  if (filter.action !== "ALL" && signal.action !== filter.action) return false;
  if (filter.strategy !== "ALL" && row.strategy !== filter.strategy) return false;
  if (signal.confidence < filter.confidence) return false;
  if (!text) return true;
  const name = store.names.get(row.asset) ?? "";
  return row.asset.toLowerCase().includes(text) || name.toLowerCase().includes(text);
}

/** How many of each action there are. */
export function tally(rows) {
  const counts = { BUY: 0, HOLD: 0, SELL: 0 };
  for (const row of rows) counts[row.signal.action] += 1;
  return counts;
}

/** Places by conviction, from 1, as the top ten is ordered: key -> {all, own} (own strategy). */
export function ranks(rows) {
  const places = new Map();
  const seen = new Map();
  const ordered = [...rows].sort(
    (a, b) => conviction(b.signal) - conviction(a.signal) || compare(a.asset, b.asset),
  );
  ordered.forEach((row, place) => {
    const own = (seen.get(row.strategy) ?? 0) + 1;
    seen.set(row.strategy, own);
    places.set(row.key, { all: place + 1, own });
  });
  return places;
}

/** One sentence on what carries a signal and what holds it back. */
export function inShort(signal, words, signed) {
  const parts = [...signal.contributions].sort(
    (a, b) => Math.abs(b.contribution) - Math.abs(a.contribution),
  );
  const side = Math.sign(signal.final_score) || 1;
  const name = (one) => `${words(one.engine).toLowerCase()} (${signed(one.contribution, 3).trim()})`;
  const carry = parts.filter((one) => one.contribution * side > 0).slice(0, 2).map(name);
  const against = parts.filter((one) => one.contribution * side < 0).slice(0, 2).map(name);
  const silent = parts.filter((one) => one.status !== "ok").map((one) => `${words(one.engine)} is ${one.status}`);
  const text = [];
  if (carry.length) text.push(`Carried by ${carry.join(" and ")}`);
  if (against.length) text.push(`${carry.length ? "held back" : "Held back"} by ${against.join(" and ")}`);
  return [text.join(", ") || "Every engine is neutral", ...silent].join(". ") + ".";
}
