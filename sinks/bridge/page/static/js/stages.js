// Freshness of every stage: what is known is turned into lines here, pure; health.js draws them.

import { age, count, words } from "./format.js";

const CYCLE_MS = 600_000;
const STATES = { ok: "good", degraded: "part", failing: "bad", off: "off" };

/** How old something may be: late after a cycle and a half, bad after three. */
function freshness(ms) {
  if (ms === null || ms > 3 * CYCLE_MS) return "bad";
  return ms > 1.5 * CYCLE_MS ? "warn" : "good";
}

/** [{group, name, state, value, text}, ...]: upstreams, engines, what comes out, the bridge. */
export function stages(store, linkState) {
  const now = store.now();
  return [...upstreams(store, now), ...engines(store, now), ...outputs(store, now), ...bridge(store, linkState)];
}

function upstreams(store, now) {
  return [...store.sources.values()].sort((a, b) => (a.source < b.source ? -1 : 1)).map((one) => ({
    group: "Upstreams",
    name: one.source,
    state: STATES[one.state] ?? "warn",
    value: one.state === "off" ? "off" : age(one.last_success_at && now - one.last_success_at),
    text: [one.state, one.detail, one.state === "failing" && one.last_error].filter(Boolean).join(". "),
  }));
}

function engines(store, now) {
  return Object.entries(store.health?.engines ?? {}).map(([name, one]) => {
    const old = one.last_as_of ? now - one.last_as_of : null;
    const worst = one.missing ? "warn" : one.degraded ? "part" : "good";
    const fresh = freshness(old);
    const notes = [`last score ${age(old)} ago, ${count(one.assets)} assets`];
    if (one.missing) notes.push(`${one.missing} without an answer`);
    if (one.degraded) notes.push(`${one.degraded} with remarks`);
    return { group: "Engines", name: words(name), state: fresh === "good" ? worst : fresh, value: age(old), text: notes.join(", ") };
  });
}

function outputs(store, now) {
  const topics = new Map((store.health?.topics ?? []).map((one) => [one.topic, one]));
  const of = (name, topic, mayBeEmpty = false) => {
    const at = topics.get(topic)?.last_at ?? null;
    const old = at === null ? null : now - at;
    return {
      group: "Delivery", name, value: age(old), state: old === null && mayBeEmpty ? "off" : freshness(old),
      text: old === null ? "nothing yet" : `last record ${age(old)} ago`,
    };
  };
  return [of("Fusion", "signals"), of("Ranking", "signals.top"), of("Portfolios", "portfolio.equity", true), of("Explanations", "signals.explanations", true)];
}

function bridge(store, linkState) {
  const health = linkState === "live" ? store.health : null;
  const lag = store.lagMs ?? health?.lag_ms ?? null;
  const log = !health ? "off" : !health.connected ? "bad" : lag > 5000 ? "warn" : "good";
  const database = health ? store.report?.database ?? null : null;
  return [
    { group: "Delivery", name: "Log", state: log, value: health ? `${count(lag)} ms` : age(null),
      text: health?.last_error ?? (lag ? `${age(lag)} behind the log` : "level with the log") },
    { group: "Delivery", name: "Database", state: { ok: "good", away: "bad" }[database] ?? "off", value: database ?? age(null),
      text: { ok: "answers", away: "does not answer: no history, no news", none: "not configured: no history, no news" }[database] ?? "not known" },
  ];
}

/** The worst state, and how many are not good. */
export function summary(lines) {
  const order = ["bad", "warn", "part", "good", "off"];
  const counted = lines.filter((one) => one.state !== "off");
  const worst = counted.length ? order.find((state) => counted.some((one) => one.state === state)) : "off";
  const wrong = counted.filter((one) => one.state === "bad" || one.state === "warn").length;
  return { worst, wrong, all: counted.length };
}
