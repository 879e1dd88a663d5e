// The parts of the panel, each made of a signal and nothing else.

import { h, outside } from "./dom.js";
import * as format from "./format.js";
import { MARKS } from "./table.js";
import { inShort } from "./view.js";

const pair = (name, value, note = null) => [h("dt", {}, name), h("dd", {}, value, note && h("small", {}, ` ${note}`))];

const card = (name, value, note = null) => h("div", {}, pair(name, value, note));

export function section(title, name, ...children) {
  return h("section", { class: `part ${name}`, "aria-label": title }, h("h3", {}, title), ...children);
}

/** Action, score and confidence, large; what overrode what, and what was missing. */
export function decision(signal, rank) {
  const override = signal.override && signal.override !== "" ? overridden(signal) : null;
  return h(
    "div", { class: "decision", data: { action: signal.action } },
    h("span", { class: "action" }, `${MARKS[signal.action]} ${signal.action}`),
    figure("Score", format.signed(signal.final_score, 3)),
    figure("Confidence", format.percent(signal.confidence)),
    figure("Rank", rank ? `#${rank}` : format.DASH),
    figure("Decided", `${format.clock(signal.as_of, true)}`, "UTC"),
    override,
  );
}

function figure(name, value, unit = null) {
  return h("span", { class: "figure" }, h("small", {}, name), h("b", {}, value, unit && h("small", {}, ` ${unit}`)));
}

function overridden(signal) {
  const by = format.rule(signal.override);
  return h("p", { class: "override" }, signal.fused_action === signal.action
    ? `The ${by} says the same as the scores.`
    : `The scores alone said ${signal.fused_action}; the ${by} made it ${signal.action}.`);
}

export function why(signal, explanation) {
  const short = h("p", { class: "short" }, inShort(signal, format.words, format.signed));
  const text = explanation?.text;
  const isTemplate = explanation?.model === "template"; // then the text says so itself
  const note = isTemplate ? explanation.reason : `Written by ${explanation?.model}.`;
  return section("Why", "why", short,
    text ? h("p", { class: "prose" }, text) : null,
    text && !note ? null : h("p", { class: "note" }, text ? note
      : "No prose for this one: the ten best of a strategy and cycle are explained."),
    trace(signal));
}

const TRUTHS = { true: ["✓", "yes"], false: ["✗", "no"], unknown: ["?", "not known"] };

/** What was asked on the way to the action, what came of it, and which step decided. */
function trace(signal) {
  const steps = [];
  for (const one of signal.trace ?? []) {
    if (steps.at(-1)?.rule === one.rule) steps.at(-1).parts.push(one);
    else steps.push({ rule: one.rule, parts: [one] });
  }
  if (!steps.length) return null;
  const by = signal.override || "thresholds";
  return h("ol", { class: "trace", "aria-label": "Step by step" }, steps.map(({ rule, parts }) => h(
    "li", { data: { decided: String(rule === by) } },
    h("b", {}, format.words(format.rule(rule)), rule === by && h("small", {}, ` made it ${signal.action}`)),
    h("ul", {}, parts.map((one) => {
      const [sign, said] = TRUTHS[one.truth] ?? TRUTHS.unknown;
      return h("li", { data: { truth: one.truth } }, h("i", { role: "img", "aria-label": said, title: said }, sign),
        h("code", {}, one.part), one.values && h("small", {}, one.values));
    })),
  )));
}

export function contributions(signal) {
  const widest = Math.max(0.1, ...signal.contributions.map((one) => Math.abs(one.contribution)));
  const rows = signal.contributions.map((one) => h(
    "tr", { data: { status: one.status } },
    h("th", { scope: "row" }, format.words(one.engine)),
    h("td", {}, format.signed(one.score)),
    h("td", { class: "quiet" }, `× ${format.percent(one.weight)}`),
    h("td", { class: "wide" }, h("span", {
      class: "lever", data: { side: one.contribution < 0 ? "down" : "up" },
      vars: { "--share": (Math.abs(one.contribution) / widest).toFixed(3) },
    }, h("b"))),
    h("td", { class: "sum" }, format.signed(one.contribution, 3)),
    h("td", { class: "quiet" }, one.status === "ok" ? format.percent(one.confidence) : one.status),
    h("td", { class: "quiet" }, format.age(one.age_ms)),
  ));
  const sentiment = signal.detail["sentiment.model"] ?? "";
  const head = ["Engine", "Score", "Weight", null, "Adds", "Conf.", "Age"];
  return section("Contributions", "contributions", h(
    "table", {}, h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" },
      text ?? h("span", { class: "sr-only" }, "Share of the widest"))))),
    h("tbody", {}, rows),
    h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "Score"), h("td"), h("td", { class: "quiet" }), h("td"),
      h("td", { class: "sum" }, format.signed(signal.final_score, 3)), h("td", { colspan: 2 }))),
  ), sentiment.startsWith("no model") && h("p", { class: "note" }, `Sentiment had ${sentiment}.`));
}

export function position(signal) {
  const entry = signal.entry_price_usd;
  const away = (level) => (entry && level ? format.change(level / entry - 1) : null);
  const risk = Math.abs(entry - signal.stop_loss_usd);
  const reward = Math.abs(signal.take_profit_usd - entry);
  const ratio = risk > 0 && signal.take_profit_usd && signal.stop_loss_usd ? (reward / risk).toFixed(1) : null;
  const size = signal.position_size ? `${format.units(signal.position_size)} ${signal.asset}` : "none";
  return section("Position", "position", h(
    "dl", {},
    card("Entry", format.price(entry)),
    card("Size", size),
    card("Value", signal.position_value_usd ? format.usd(signal.position_value_usd) : format.DASH),
    card("Stop", format.price(signal.stop_loss_usd), away(signal.stop_loss_usd)),
    card("Target", format.price(signal.take_profit_usd), away(signal.take_profit_usd)),
    card("Reward : risk", ratio ? `${ratio} : 1` : format.DASH),
    ...held(signal, away),
  ));
}

/** What the strategy has of the asset already: how much, since when, and the stop that follows. */
function held(signal, away) {
  if (!signal.entered_at && !signal.held_size && !signal.trailing_stop_usd) return [];
  return [
    card("Held", signal.held_size ? `${format.units(signal.held_size)} ${signal.asset}` : "none"),
    card("Entered", signal.entered_at ? `${format.age(signal.as_of - signal.entered_at)} before` : format.DASH,
      signal.entered_at ? `${format.day(signal.entered_at)} UTC` : null),
    card("Trailing stop", format.price(signal.trailing_stop_usd), away(signal.trailing_stop_usd)),
  ];
}

/** News of a signal: undefined while it is asked for, null where none is stored. */
export function news(articles, now) {
  let body = h("p", { class: "note" }, "Asking …");
  if (articles === null) body = h("p", { class: "note" }, "This bridge has no database, and so no news.");
  else if (articles?.length === 0) body = h("p", { class: "note" }, "No headline in the 24 hours before.");
  else if (articles) {
    body = h("ul", {}, articles.map((one) => h(
      "li", {},
      outside(one.url, one.headline),
      h("small", {}, `${one.publisher} · ${format.age(now - (one.published_at ?? one.event_time))}`,
        said(one)),
    )));
  }
  return section("News", "news", body);
}

/** What a headline says of the asset: our score where there is one, else the source's own label. */
function said(article) {
  const label = article.label ?? article.sentiment_label;
  if (!label) return null;
  const how = article.label ? ` ${format.signed(article.score)}${article.score_model ? "" : " (no model)"}` : " (the source's)";
  return h("em", { data: { label } }, `${label}${how}`);
}

/** Earlier signals of the row, the newest first: each change, and how long it stood. */
export function past(row) {
  const changes = row.history.filter((one, place) => one.action !== row.history[place - 1]?.action);
  const items = changes.slice(-6).reverse().map((one) => h(
    "li", { data: { action: one.action } },
    h("span", { class: "action" }, `${MARKS[one.action]} ${one.action}`),
    h("span", {}, format.signed(one.final_score, 3)),
    h("span", {}, format.price(one.entry_price_usd)),
    h("time", {}, format.day(one.as_of)),
  ));
  return section("Changes of action", "past", h("ol", {}, items),
    h("p", { class: "note" }, `${format.count(row.history.length)} signals since ${format.day(row.history[0].as_of)} UTC.`));
}

/** What the decision was made of: positions in the log, indicator values, remarks, sizing. */
export function inputs(signal) {
  const table = (entries) => h("dl", { class: "facts" }, entries.flatMap(([name, value]) => pair(name, value)));
  const numbers = (record) => Object.entries(record).map(([name, value]) => [name, format.units(value)]);
  const fold = (title, entries) => entries.length > 0
    && h("details", { data: { fold: title } }, h("summary", {}, title, h("small", {}, ` ${entries.length}`)), table(entries));
  const places = signal.inputs.map((one) => [one.topic, `partition ${one.partition}, offset ${format.count(one.offset)}`]);
  return section("Inputs", "inputs",
    fold("Remarks", Object.entries(signal.detail)),
    fold("Places in the log", places),
    fold("Indicators and features", numbers(signal.features)),
    fold("Terms of the size", numbers(signal.sizing)),
    h("p", { class: "note" }, "Signal ", h("code", {}, signal.signal_id),
      signal.strategy_version ? `, by version ${signal.strategy_version} of the strategy.` : "."));
}
