// The parts of the view of portfolios, each made of a portfolio and the last prices.

import { h, mark, put } from "./dom.js";
import * as format from "./format.js";

const side = (value) => (value < 0 ? "down" : "up");

/** A portfolio at the last prices: what the bridge said, moved on with each price that came since. */
export function atLastPrices(now, prices) {
  const positions = now.positions.map((one) => {
    const known = prices.get(one.asset);
    const price = known && known.at > now.as_of ? known.price : one.price_usd;
    const value = one.size * price;
    return { ...one, price, value, profit: value - one.size * one.entry_price_usd };
  });
  const held = positions.reduce((sum, one) => sum + one.value, 0);
  const equity = now.cash_usd + held;
  return {
    positions, held, equity, profit: equity - now.invested_usd,
    share: now.invested_usd > 0 ? equity / now.invested_usd - 1 : null,
    exposure: equity > 0 ? held / equity : 0,
  };
}

/** The line of figures; `draw(now, live)` changes them. */
export function figures() {
  const names = ["Equity", "Profit", "Cash", "In positions", "Trades closed", "Fees"];
  const values = names.map(() => h("b", {}));
  const notes = names.map(() => h("small", {}));
  const element = h("div", { class: "figures" }, names.map((name, place) => h(
    "span", { class: "figure" }, h("small", {}, name), values[place], notes[place],
  )));
  const bar = h("b", {});
  const exposure = h("div", { class: "exposure", role: "img" }, bar);
  const draw = (now, live) => {
    const won = now.closed_trades ? `${format.percent(now.won_trades / now.closed_trades)} with a profit` : "";
    const said = [
      [format.usd(live.equity), `of ${format.usd(now.invested_usd)} put in`],
      [format.gain(live.profit), format.change(live.share)],
      [format.usd(now.cash_usd), ""],
      [format.usd(live.held), `${format.percent(live.exposure)} exposure`],
      [format.count(now.closed_trades), won],
      [format.usd(now.fees_usd), "paid"],
    ];
    said.forEach(([value, note], place) => { put(values[place], value); put(notes[place], note); });
    mark(values[1], "data-side", side(live.profit));
    bar.style.setProperty("--share", live.exposure.toFixed(4));
    mark(exposure, "aria-label", `${format.percent(live.exposure)} of the equity is in positions`);
  };
  return { element: h("div", {}, element, exposure), draw };
}

const HELD = ["Asset", "Size", "Entry", "Price", "Value", "Profit", "Share", "Stop", "Target", "Trailing", "Held"];

/** The open positions; `draw(live, now)` moves them with the prices, without making them anew. */
export function positions(held, nameOf, onOpen) {
  if (!held.length) return { element: note("It holds nothing now: all of it is cash."), draw: () => {} };
  const rows = new Map();
  const sorted = [...held].sort((a, b) => b.value_usd - a.value_usd || (a.asset < b.asset ? -1 : 1));
  const body = sorted.map((one) => {
    const moving = { price: h("span"), value: h("span"), profit: h("b"), change: h("small"), share: h("span"), age: h("span") };
    rows.set(one.asset, moving);
    return h("tr", {},
      cell("asset", h("button", { type: "button", title: `The signal of ${one.asset}`, on: { click: () => onOpen(one.asset) } },
        h("strong", {}, one.asset), h("small", {}, nameOf(one.asset)))),
      cell("size", format.units(one.size)),
      cell("entry", format.price(one.entry_price_usd)),
      cell("price", moving.price),
      cell("value", moving.value),
      cell("profit", moving.profit, " ", moving.change),
      cell("share", moving.share),
      cell("stop", format.price(one.stop_loss_usd)),
      cell("target", format.price(one.take_profit_usd)),
      cell("trailing", format.price(one.trailing_stop_usd)),
      cell("held", moving.age));
  });
  return { element: table("Open positions", HELD, body, "held"), draw: (live, at) => drawPositions(rows, live, at) };
}

function drawPositions(rows, live, at) {
  for (const one of live.positions) {
    const row = rows.get(one.asset);
    if (!row) continue;
    put(row.price, format.price(one.price));
    put(row.value, format.usd(one.value));
    put(row.profit, format.gain(one.profit));
    put(row.change, format.change(one.price / one.entry_price_usd - 1));
    mark(row.profit, "data-side", side(one.profit));
    put(row.share, format.percent(live.equity > 0 ? one.value / live.equity : 0, 1));
    put(row.age, format.age(at - one.entered_at));
  }
}

const SOLD = ["Asset", "Bought", "Sold", "Profit", "Why", "Held", "When"];

/** The closed trades, the newest first; undefined while they are asked for. */
export function closed(sales, onMore) {
  if (sales === undefined) return note("Asking …");
  if (!sales.length) return note("No trade is closed yet: one is when what was bought is sold.");
  const body = sales.map((one) => h("tr", {},
    cell("asset", h("strong", {}, one.asset)),
    cell("entry", format.price(one.entry_price_usd)),
    cell("price", format.price(one.fill_price_usd)),
    cell("profit", h("b", { data: { side: side(one.profit_usd) } }, format.gain(one.profit_usd)), " ",
      h("small", {}, format.change(one.return_pct / 100))),
    cell("why", format.rule(one.reason)),
    cell("held", one.entered_at ? format.age(one.filled_at - one.entered_at) : format.DASH),
    cell("when", h("time", {}, format.day(one.filled_at)))));
  const more = onMore && h("button", { type: "button", class: "more", on: { click: onMore } }, "Show older trades");
  return h("div", {}, table("Closed trades", SOLD, body, "sold"), more);
}

const note = (text) => h("p", { class: "note" }, text);
const cell = (name, ...children) => h("td", { class: `p-${name}` }, ...children);

function table(title, heads, rows, kind) {
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title }, h(
    "table", { class: `ledger ${kind}` },
    h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col", class: `p-${text.toLowerCase()}` }, text)))),
    h("tbody", {}, rows),
  ));
}
