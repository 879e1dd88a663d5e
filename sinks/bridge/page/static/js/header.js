// Connection, counts and cycle in the header, and the banner that says when something is wrong.

import { $, h, mark, put } from "./dom.js";
import * as format from "./format.js";
import { tally } from "./view.js";

const CYCLE_MS = 600_000;
const QUIET_MS = 1.5 * CYCLE_MS;
const LINKS = { live: "Live", stale: "Stale", connecting: "Connecting", waiting: "Disconnected", refused: "Signed out" };
const ACTIONS = ["BUY", "HOLD", "SELL"];

export function begin(onRetry) {
  $("link").append(h("i", {}), h("b", {}), h("span", {}));
  $("tally").append(
    ...ACTIONS.map((one) => h("span", { data: { action: one } }, h("b", {}), h("small", {}, one))),
    h("i", { class: "share", "aria-hidden": "true" }, ACTIONS.map((one) => h("b", { data: { action: one } }))),
  );
  $("banner").append(h("span", {}), h("button", { type: "button", on: { click: onRetry } }, "Try now"));
}

export function drawLink(link, store) {
  const element = $("link");
  mark(element, "data-state", link.state);
  put(element.children[1], LINKS[link.state]);
  const lag = store.lagMs;
  put(element.children[2], link.state === "live" && lag > 1000 ? `${format.age(lag)} behind` : "");
}

export function drawTally(store) {
  const rows = [...store.rows.values()];
  const counts = tally(rows);
  const element = $("tally");
  ACTIONS.forEach((action, place) => {
    put(element.children[place].firstChild, String(counts[action]));
    const share = rows.length ? counts[action] / rows.length : 0;
    element.lastChild.children[place].style.setProperty("--share", share.toFixed(4));
  });
}

/** The running cycle: when it began, how much of it is here, when the next one begins. */
export function drawCycle(store) {
  const tops = [...store.top.values()];
  const cycle = Math.max(0, ...tops.map((one) => one.cycle));
  if (!cycle) return;
  const here = tops.filter((one) => one.cycle === cycle);
  const received = here.reduce((sum, one) => sum + one.received, 0);
  const expected = here.reduce((sum, one) => sum + one.expected, 0);
  const left = cycle + CYCLE_MS - store.now();
  const next = left > -QUIET_MS ? `next in ${format.countdown(left)}` : `${format.age(-left)} overdue`;
  put($("cycle"), `Cycle ${format.clock(cycle)} UTC · ${received}/${expected} · ${next}`);
}

/** One banner for the worst of: signed out, disconnected, stale, behind, quiet, a gap. */
export function drawBanner(link, store, detail, seenAt) {
  const [text, level] = trouble(link, store, detail, seenAt) ?? [null, null];
  const banner = $("banner");
  mark(banner, "hidden", text === null);
  mark(document.body, "data-trouble", level === "bad" ? "bad" : null);
  if (text === null) return;
  mark(banner, "data-level", level);
  put(banner.firstChild, text);
  mark(banner.lastChild, "hidden", link.state === "live" || link.state === "refused");
}

function trouble(link, store, detail, seenAt) {
  const seen = seenAt ? ` What you see is from ${format.clock(seenAt, true)} UTC.` : "";
  if (link.state === "waiting") {
    const left = Math.max(0, Math.ceil((detail - performance.now()) / 1000));
    return [`Disconnected from the bridge. Trying again ${left > 0 ? `in ${left} s` : "now"}.${seen}`, "bad"];
  }
  if (link.state === "connecting" && seenAt) return [`Disconnected from the bridge. Connecting …${seen}`, "bad"];
  if (link.state === "refused") return ["Signed out: give a token to go on.", "bad"];
  if (link.state === "stale") return [`Nothing heard from the bridge for a while: figures may be old.${seen}`, "bad"];
  if (link.state !== "live") return null;
  if (store.health && !store.health.connected) {
    return [`The bridge cannot read the log: figures may be old. ${store.health.last_error ?? ""}`, "bad"];
  }
  if (store.lagMs > 10_000) return [`The bridge is ${format.age(store.lagMs)} behind the log.`, "warn"];
  const gap = store.gaps.at(-1);
  if (gap && performance.now() - gap.heardAt < 60_000) return [`Some records will not come. ${gap.message}`, "warn"];
  return quiet(store);
}

function quiet(store) {
  let newest = 0;
  for (const row of store.rows.values()) newest = Math.max(newest, row.signal.as_of);
  const old = store.now() - newest;
  if (!newest || old < QUIET_MS) return null;
  return [`No new signal for ${format.age(old)}: a cycle is overdue.`, "warn"];
}
