// Wires everything: frames go to the store, the store to the screen, at most once a picture.

import * as data from "./data.js";
import { Detail } from "./detail.js";
import { $, mark, put } from "./dom.js";
import { Filters } from "./filters.js";
import * as format from "./format.js";
import * as header from "./header.js";
import * as health from "./health.js";
import * as keys from "./keys.js";
import { Link } from "./link.js";
import { Outcomes } from "./outcomes.js";
import { Portfolios } from "./portfolios.js";
import * as session from "./session.js";
import { rowKey, store } from "./store.js";
import { Table } from "./table.js";
import * as theme from "./theme.js";
import { askForToken } from "./token.js";
import { TrackRecord } from "./track_record.js";
import { ranks, visible } from "./view.js";

const SORT_EVERY_MS = 1000;
const STATUS_EVERY_MS = 15_000;
const TRENDS_EVERY_MS = 1_800_000; // hourly closes, asked for twice as often
const WIDE = matchMedia("(min-width: 1100px)");

let selected = null; // key of the selected row
let context = { ranks: new Map(), place: "all" };
let arranged = [];
let arrangedAt = -Infinity;
let isPlanned = false;
let isOrderWanted = true;
let linkDetail = null;
let seenAt = null; // the bridge's time of the last frame

const filters = new Filters(() => { isOrderWanted = true; arrangedAt = -Infinity; plan(); });
const table = new Table({ onSort: (column) => filters.orderBy(column), onSelect: select });
const detail = new Detail(store, { onPick: (key) => select(key), onClose: closeDetail });
detail.rankOf = (key) => context.ranks.get(key)?.own;
const portfolios = new Portfolios(store, {
  onOpen: (asset, strategy) => { location.hash = "#signals"; select(rowKey(asset, strategy), { open: true }); },
  onPick: (strategy) => keepInAddress(`portfolios/${strategy}`),
});
const record = new TrackRecord(store, { onPick: (strategy) => keepInAddress(`record/${strategy}`) });
const books = { portfolios, record, outcomes: new Outcomes(store) };
const link = new Link({ ticket: session.ticket, onFrame: hear, onState: linked });

/** Draw soon: with the next picture, or on a timer where the tab is hidden. */
function plan() {
  if (isPlanned) return;
  isPlanned = true;
  if (document.hidden) setTimeout(draw, 500);
  else requestAnimationFrame(draw);
}

function hear(frame) {
  if (frame.type === "gap") frame.heardAt = performance.now();
  store.take(frame);
  if (frame.type === "signal" || frame.type === "snapshot") isOrderWanted = true;
  seenAt = store.now();
  plan();
}

function draw() {
  isPlanned = false;
  const touched = store.takeTouched();
  portfolios.draw(store.takeTraded());
  const now = performance.now();
  if (isOrderWanted && now - arrangedAt >= SORT_EVERY_MS) arrange(now);
  else {
    table.refresh(touched, store, context);
    if (isOrderWanted) setTimeout(plan, SORT_EVERY_MS - (now - arrangedAt));
  }
  if (!selected && WIDE.matches && arranged.length) select(arranged[0].key, { quiet: true });
  detail.quote();
  if (selected && touched.has(selected)) {
    detail.show(store.rows.get(selected));
    detail.refresh();
  }
}

function arrange(now) {
  isOrderWanted = false;
  arrangedAt = now;
  const rows = [...store.rows.values()];
  context = { ranks: ranks(rows), place: filters.filter.strategy === "ALL" ? "all" : "own" };
  arranged = visible(store, filters.filter, filters.sort);
  if (arranged.length) table.engines(arranged[0].signal.contributions.map((one) => one.engine));
  table.sorted(filters.sort);
  table.arrange(arranged, store, context);
  table.select(selected);
  filters.offer([...store.strategies]);
  filters.counted(arranged.length, rows.length);
  header.drawTally(store);
  mark($("empty"), "hidden", arranged.length > 0);
  put($("empty"), rows.length ? "No signal passes the filters." : "Waiting for the first signals …");
}

function select(key, { open = false, focus = false, quiet = false } = {}) {
  selected = key;
  table.select(key, { focus });
  const row = store.rows.get(key);
  detail.show(row);
  if (open) mark(document.body, "data-open", true);
  if (!quiet && row) {
    put($("said"), `${row.asset}, ${store.strategies.get(row.strategy)}: ${row.signal.action}, score ${format.signed(row.signal.final_score)}`);
  }
}

function move(step) {
  const key = table.neighbour(selected, step);
  if (key) select(key, { focus: true });
}

function closeDetail() {
  mark(document.body, "data-open", null);
  if (selected) table.select(selected, { focus: true });
}

function keepInAddress(name) {
  history.replaceState(null, "", `${location.pathname}${location.search}#${name}`);
}

/** Show the view that the address names: #portfolios, #record/ID, #outcomes, else the signals. */
function showView() {
  const [, name, strategy] = /^#(portfolios|record|outcomes)(?:\/([\w.-]+))?$/.exec(location.hash) ?? [];
  const view = name ?? "signals";
  mark(document.body, "data-view", view);
  for (const one of $("views").children) mark(one, "aria-current", one.dataset.view === view ? "page" : null);
  for (const id of ["filters", "desk"]) mark($(id), "hidden", view !== "signals");
  for (const [id, book] of Object.entries(books)) {
    mark($(id), "hidden", view !== id);
    if (view !== id) book.close();
  }
  books[view]?.open(strategy);
}

/** What a key does among the signals, and what in the book that is open. */
const either = (amongSignals, inBook) => () => {
  const book = Object.values(books).find((one) => one.isOpen);
  if (book) inBook?.(book);
  else amongSignals?.();
};
const go = (hash) => { location.hash = hash; };
const toggle = (id) => () => go(books[id].isOpen ? "#signals" : `#${id}`);

function openDetail() {
  if (!selected) move(1);
  if (!selected) return;
  mark(document.body, "data-open", true);
  $("detail").focus();
}

function linked(state, what) {
  linkDetail = state === "waiting" ? performance.now() + what : what;
  if (state === "refused") signIn(what);
  if (state === "live") learn();
  second();
}

function signIn(why) {
  session.keep(null);
  askForToken(why, (token) => { session.keep(token); link.start(); });
}

let learned = 0;

/** Ask for what the socket does not bring; again after a reconnect, not with every frame. */
async function learn() {
  if (performance.now() - learned < STATUS_EVERY_MS && learned) return;
  learned = performance.now();
  try {
    store.report = await data.status();
    await data.fillNames(store);
  } catch { /* the page lives without; the strip says so */ }
  detail.again();
  for (const book of Object.values(books)) book.again();
  isOrderWanted = true;
  plan();
  await trends();
}

/** Sparklines that are not there yet, from the top of the table down. */
async function trends() {
  const assets = new Set([...arranged.map((row) => row.asset), ...store.prices.keys()]);
  await data.fillTrends(store, [...assets].filter((one) => !store.candles.has(one)));
  plan();
}

async function report() {
  if (link.state !== "live" || document.hidden) return;
  store.report = await data.status().catch(() => store.report);
  await trends(); // of assets that are new
}

/** What changes with time alone. */
function second() {
  if (document.hidden) return;
  table.tick(store.now());
  portfolios.tick();
  header.drawLink(link, store);
  header.drawCycle(store);
  header.drawBanner(link, store, linkDetail, seenAt);
  health.draw(store, link.state);
}

header.begin(() => link.start());
table.onMore = () => { isOrderWanted = true; arrangedAt = -Infinity; plan(); };
theme.begin();
theme.onTheme(() => { detail.paint(); portfolios.paint(); });
$("health-button").addEventListener("click", () => health.open(store, link.state));
$("help-button").addEventListener("click", keys.help);
const [next, previous] = [1, -1].map((step) => either(() => move(step), (book) => book.move(step)));
keys.begin({
  j: next, ArrowDown: next, k: previous, ArrowUp: previous,
  g: either(() => move(-Infinity), (book) => book.move(-Infinity)),
  G: either(() => move(Infinity), (book) => book.move(Infinity)),
  Enter: either(openDetail, (book) => book.focus()), Escape: either(closeDetail, () => go("#signals")),
  "/": either(() => filters.text.focus()),
  ...Object.fromEntries(["ALL", "BUY", "SELL", "HOLD"].map((action, place) => [
    String(place + 1), either(() => filters.set({ action }), (book) => book.range(place)),
  ])),
  c: either(() => filters.reset()), p: toggle("portfolios"), t: toggle("record"), w: toggle("outcomes"),
  d: theme.toggle, h: () => health.open(store, link.state), "?": keys.help,
});
setInterval(second, 1000);
setInterval(report, STATUS_EVERY_MS);
setInterval(() => { store.candles.clear(); trends(); }, TRENDS_EVERY_MS);
document.addEventListener("visibilitychange", () => { second(); plan(); });
const isSignedIn = session.begin();
addEventListener("hashchange", showView);
showView();
if (isSignedIn) link.start();
else signIn("Give the token of your role to see the signals.");
