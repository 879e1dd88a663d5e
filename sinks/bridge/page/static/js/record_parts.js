// The parts of a track record, each made of the bridge's answer and nothing else.

import { h } from "./dom.js";
import * as format from "./format.js";
import * as plots from "./plots.js";
import { section } from "./sections.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const side = (value) => (value < 0 ? "down" : "up");
const isNumber = (value) => typeof value === "number";

export const note = (text) => h("p", { class: "note" }, text);

const pct = (value, digits = fit(value)) => (isNumber(value) ? `${format.signed(value, digits).trim()}%` : format.DASH);
const plain = (value, digits = fit(value)) => (isNumber(value) ? `${value.toFixed(digits)}%` : format.DASH);
const fit = (value) => (Math.abs(value) < 1 ? 2 : 1);
const hours = (value) => (isNumber(value) ? format.age(value * 3_600_000) : format.DASH);
const ratio = (value) => (isNumber(value) ? format.signed(value).trim() : format.DASH);
const days = (value) => (isNumber(value) ? `${value < 10 ? value.toFixed(1) : Math.round(value)} days` : format.DASH);
const date = (ms) => format.day(ms).slice(0, 10);
const dayOf = (record) => (record.until_ms - record.from_ms < 3 * 86_400_000 ? format.day : date);

/** Everything of a record, from the line of figures down. */
export function content(record) {
  return [figures(record), growth(record), drawdown(record), doubts(record), statistics(record), months(record),
    versions(record), backtest(record)].filter(Boolean);
}

function figures(record) {
  const { metrics, benchmarks } = record;
  const [holding] = benchmarks;
  const won = metrics.trades ? `${format.count(metrics.won)} with a profit` : "none is closed yet";
  const said = [
    ["Return", pct(metrics.total_return_pct), "what was put in and out left aside", metrics.total_return_pct],
    ["Holding instead", pct(holding?.total_return_pct), holding ? `${holding.assets.join(", ")}` : "no prices are stored", holding?.total_return_pct],
    ["Deepest fall", plain(metrics.max_drawdown_pct), "below an earlier high"],
    ["Sharpe ratio", ratio(metrics.sharpe), "a year, by daily returns"],
    ["Closed trades", format.count(metrics.trades), won],
  ];
  return h("div", { class: "figures" }, said.map(([name, value, text, sign]) => h(
    "span", { class: "figure" }, h("small", {}, name), h("b", isNumber(sign) ? { data: { side: side(sign) } } : {}, value), h("small", { class: "of" }, text),
  )));
}

function growth(record) {
  const [holding] = record.benchmarks;
  const change = (value) => pct(100 * (value - 1));
  const label = `Growth since ${date(record.from_ms)}: ${pct(record.metrics.total_return_pct)}${holding ? `; holding ${pct(holding.total_return_pct)}` : ""}`;
  const series = [{ name: "This strategy", kind: "own", points: record.equity.map((one) => [one.at_ms, one.growth]) }];
  if (holding) {
    const points = holding.curve.filter((one) => one.value !== null).map((one) => [one.at_ms, one.value]);
    series.push({ name: `Holding ${holding.assets.join(", ")}`, kind: "other", points });
  }
  return section("Growth against holding", "growth", plots.lines(label, series, { text: change, day: dayOf(record), low: 1, high: 1 }));
}

function drawdown(record) {
  const label = `Below the highest so far: at most ${plain(record.metrics.max_drawdown_pct)}`;
  const points = record.equity.map((one) => [one.at_ms, -one.drawdown_pct]);
  return section("Drawdown: how far below its highest", "fall", plots.lines(label, [{ name: "Drawdown", kind: "fallen", points }], {
    text: (value) => pct(value), day: dayOf(record), high: 0, isArea: true,
  }));
}

function doubts(record) {
  const said = [...record.doubts.map((one) => one.text), ...record.notes];
  if (!said.length) return null;
  return section("Reasons to doubt", "doubts", h("ul", {}, said.map((text) => h("li", {}, text))));
}

/** Name, value and what it means, in groups. */
function statistics(record) {
  const m = record.metrics;
  const { significance } = record;
  const chance = (value) => (isNumber(value) ? format.percent(value) : format.DASH);
  const groups = [
    ["Return", [
      ["Return", pct(m.total_return_pct, 2), range(record, "total_return_pct", pct)],
      ["Return a year (CAGR)", pct(m.cagr_pct), range(record, "cagr_pct", pct)],
      ["Volatility a year", plain(m.volatility_pct), "how much the daily returns swing"],
      ["Best, worst day", `${pct(m.best_day_pct)}, ${pct(m.worst_day_pct)}`],
    ]],
    ["Return for the risk", [
      ["Sharpe", ratio(m.sharpe), range(record, "sharpe", ratio)],
      ["Sortino", ratio(m.sortino), "only falls count as risk"],
      ["Calmar", ratio(m.calmar), "return a year by the deepest fall"],
      ["Chance that Sharpe is above 0", chance(significance.probabilistic), "50% is no knowledge at all"],
    ]],
    ["Falls", [
      ["Deepest fall (max drawdown)", plain(m.max_drawdown_pct), `${days(m.max_drawdown_days)} from the high before it`],
      ["Longest time below a high", days(m.longest_drawdown_days)],
    ]],
    ["Trades", [
      ["Closed trades", format.count(m.trades), `held ${hours(m.average_hours)} on average`],
      ["Win rate", plain(m.win_rate_pct), range(record, "win_rate_pct", plain)],
      ["Average win, loss", `${pct(m.average_win_pct)}, ${pct(m.average_loss_pct)}`],
      ["Expected of a trade", format.gain(m.expectancy_usd), pct(m.expectancy_pct, 2)],
      ["Profit factor", isNumber(m.profit_factor) ? m.profit_factor.toFixed(2) : format.DASH, "won by lost; below 1 it loses"],
      ["SQN", ratio(m.sqn), "system quality: steadiness of the profits"],
    ]],
    ["Costs and use", [
      ["Fees paid", format.usd(m.fees_usd)],
      ["Turnover a year", isNumber(m.turnover) ? `${m.turnover.toFixed(1)}×` : format.DASH, "of the equity"],
      ["In positions", plain(m.exposure_pct), "of the equity, on average"],
      ["Time in the market", plain(m.time_in_market_pct)],
    ]],
  ];
  return section("Statistics", "statistics", h("div", { class: "groups" }, groups.map(([name, rows]) => h(
    "div", {}, h("h4", {}, name), h("dl", {}, rows.map(([term, value, text]) => h(
      "div", {}, h("dt", {}, term), h("dd", {}, value, text && h("small", {}, text)),
    ))),
  ))), note(`Of ${m.days} daily returns, 365 days a year, no interest on cash. After fees, spread and slippage; on paper: no order is sent.`));
}

function range(record, name, text) {
  const one = record.intervals.find((found) => found.name === name);
  return one ? `${Math.round(one.level_pct)}% range: ${text(one.low)} to ${text(one.high)}` : null;
}

function months(record) {
  if (!record.monthly.length) return null;
  const years = [...new Set(record.monthly.map((one) => one.year))];
  const of = (list, year, month) => list.find((one) => one.year === year && one.month === month)?.return_pct;
  const cell = (value) => h("td", isNumber(value) ? { data: { side: side(value) } } : {}, isNumber(value) ? format.signed(value, 1).trim() : "");
  return section("Return by month, in percent", "months", h(
    "div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Return by month" },
    h("table", {},
      h("thead", {}, h("tr", {}, ["Year", ...MONTHS, "All"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, years.map((year) => h("tr", {}, h("th", { scope: "row" }, String(year)),
        MONTHS.map((_, place) => cell(of(record.monthly, year, place + 1))), cell(of(record.yearly, year, 0)))))),
  ));
}

function versions(record) {
  if (record.versions.length < 2) return null;
  return section("By version of the strategy", "versions", h("ul", {}, record.versions.map((one) => h("li", {},
    h("b", {}, `Version ${one.version}`), h("span", {}, `${format.day(one.from_ms)} to ${format.day(one.until_ms)}`),
    h("em", { data: { side: side(one.return_pct) } }, pct(one.return_pct)),
    h("small", {}, `${format.count(one.fills)} purchases and sales`)))));
}

function backtest(record) {
  return section("The same days in a backtest", "same",
    h("p", {}, "A backtest runs these very engines, rules and portfolio, so over the recorded days it gives the same figures, those of every strategy at once. ",
      "ARCHIVE is the folder that ", h("code", {}, "quantiva archive run"), " writes."),
    h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Command of the backtest" }, h("pre", {}, h("code", {}, record.backtest))));
}
