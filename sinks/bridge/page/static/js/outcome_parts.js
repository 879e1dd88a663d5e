// The parts of "Do they work?", each made of the bridge's statistics and nothing else.

import { h } from "./dom.js";
import * as format from "./format.js";
import * as plots from "./plots.js";
import { note } from "./record_parts.js";
import { section } from "./sections.js";

const HOUR_MS = 3_600_000;
const isNumber = (value) => typeof value === "number";
const pct = (value, digits = 1) => (isNumber(value) ? `${value.toFixed(digits)}%` : format.DASH);
const gain = (value) => (isNumber(value) ? `${format.signed(value).trim()}%` : format.DASH);
const error = (value, text) => (isNumber(value) ? ` ± ${text(value)}` : "");
const coefficient = (value) => format.signed(value, 3).trim();

/** What the numbers come to, in words, with a state for the colour. */
export function verdict(one, enough) {
  if (one.is_too_few) return ["few", `too few: ${format.count(one.n_effective)} of ${enough}`];
  if (!isNumber(one.ic) || !isNumber(one.ic_error)) return ["none", "always says the same"];
  if (one.ic > 2 * one.ic_error) return ["good", "has foretold something"];
  if (one.ic < -2 * one.ic_error) return ["bad", "has foretold the opposite"];
  return ["none", "nothing to be seen"];
}

/** Overview and details of a horizon. `named(one)` is what people call it. */
export function content(answer, horizon, name, named) {
  const chosen = answer.items.filter((one) => one.horizon === horizon);
  if (!chosen.length) {
    return [note(`Nothing is known yet: the first comes ${name} after the first scores, when the price is there to compare.`)];
  }
  return [overview(chosen, answer.enough, named), read(answer, horizon, name),
    ...chosen.map((one) => details(one, answer, name, named))];
}

const HEADS = ["", "In short", "Times", "Independent", "Direction was right", "Always up was", "Information coefficient"];

function overview(chosen, enough, named) {
  const rows = chosen.map((one) => {
    const [state, text] = verdict(one, enough);
    return h("tr", { data: { state } },
      h("th", { scope: "row" }, named(one), h("small", {}, one.kind === "score" ? "engine" : "strategy")),
      cell(1, h("b", { class: "verdict" }, text)),
      cell(2, format.count(one.n)), cell(3, format.count(one.n_effective)),
      cell(4, `${pct(one.hit_rate_pct)}${error(one.hit_rate_error_pct, (value) => value.toFixed(1))}`),
      cell(5, pct(one.base_rate_pct)),
      cell(6, `${coefficient(one.ic)}${error(one.ic_error, (value) => value.toFixed(3))}`));
  });
  return section("All of them", "overview",
    h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Engines and strategies" }, h("table", { class: "works" },
      h("thead", {}, h("tr", {}, HEADS.map((text) => (text ? h("th", { scope: "col" }, text) : h("td", {}))))), h("tbody", {}, rows))),
    note(`The information coefficient is 1 where the order of the scores is the order of the returns, 0 where they have nothing to do with each other, and −1 where they are opposite. ± is its standard error: what lies within two of them of 0 may be chance, and of twenty numbers that are nothing but chance one lies beyond. With fewer than ${enough} independent times the numbers say nothing.`));
}

const cell = (place, ...children) => h("td", { data: { name: HEADS[place] } }, ...children);

function read(answer, horizon, name) {
  const sample = answer.samples.find((one) => one.horizon === horizon);
  if (!sample?.rows) return null;
  const step = sample.step_ms < HOUR_MS ? "every cycle" : `one cycle every ${format.count(sample.step_ms / HOUR_MS)} h`;
  return note(`${name} after: ${format.count(sample.rows)} outcomes were read, of ${step}, since ${format.day(sample.from_ms)} UTC${sample.is_cut ? "; older ones were not read" : ""}.`);
}

function details(one, answer, name, named) {
  const title = `${named(one)} (${one.kind === "score" ? "engine" : "strategy"})`;
  const [state, text] = verdict(one, answer.enough);
  const said = h("p", { class: "said" }, h("b", { class: "verdict", data: { state } }, text), ` ${sentence(one, name)}`);
  return section(`${title}, ${name} after`, "one-work", said, h("div", { class: "three" },
    fifths(one, title), calibrated(one, title), decay(one, answer, title)));
}

function sentence(one, name) {
  if (!one.n) return `No price came for any of ${format.count(one.without_return)} of them.`;
  const rate = isNumber(one.hit_rate_pct)
    ? `The price went its way in ${pct(one.hit_rate_pct)} of ${format.count(one.n_directional)} times with a direction; always saying up would have had ${pct(one.base_rate_pct)}.`
    : "It never had a direction.";
  const lost = one.without_return ? ` For ${format.count(one.without_return)} more there was no price.` : "";
  return `${rate} After any of them the price moved by ${gain(one.mean_return_pct)} on average in ${name}.${lost}`;
}

const part = (title, plot, text) => h("div", {}, h("h4", {}, title), plot, note(text));

function fifths(one, title) {
  if (!one.buckets.length) return null;
  const last = one.buckets.length - 1;
  const items = one.buckets.map((found, place) => ({
    name: last && place === 0 ? "lowest" : place === last && last ? "highest" : "",
    value: found.mean_return_pct,
    title: `${format.count(found.n)} with a score of ${format.signed(found.lowest_score).trim()} to ${format.signed(found.highest_score).trim()}: ${gain(found.mean_return_pct)}`,
  }));
  const label = `${title}, mean return by fifth of the scores, lowest first: ${items.map((item) => gain(item.value)).join(", ")}`;
  return part("Return by fifth of the scores", plots.bars(label, items, gain), "Bars that rise from left to right: high scores were followed by more.");
}

function calibrated(one, title) {
  if (!one.calibration.length) return null;
  const points = one.calibration.map((bin) => ({
    x: bin.mean_confidence, y: bin.hit_rate_pct / 100, n: bin.n,
    title: `${format.count(bin.n)} with a confidence of ${format.percent(bin.mean_confidence)}: right in ${pct(bin.hit_rate_pct)}`,
  }));
  const label = `${title}, how often it was right by confidence: ${points.map((point) => point.title).join("; ")}`;
  const brier = isNumber(one.brier) ? ` Brier score ${one.brier.toFixed(3)}; ${one.brier_base.toFixed(3)} is that of who knows the hit rate alone.` : "";
  return part("Is its confidence true?", plots.calibration(label, points), `Right: confidence; up: how often it was right. On the line they are the same.${brier}`);
}

function decay(one, answer, title) {
  const all = ["1h", "4h", "1d", "7d"].map((horizon) => answer.items.find(
    (found) => found.kind === one.kind && found.name === one.name && found.horizon === horizon,
  ));
  const items = all.filter(Boolean).map((found) => ({ name: found.horizon, value: found.ic, error: found.ic_error, isFaint: found.is_too_few }));
  const spoken = items.map((item) => `${item.name} ${coefficient(item.value)}`).join(", ");
  return part("How long it lasts", plots.whiskers(`${title}, information coefficient by time after: ${spoken}`, items, coefficient),
    "Information coefficient with two standard errors; pale: too few.");
}
