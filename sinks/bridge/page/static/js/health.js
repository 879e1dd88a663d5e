// The strip of stages under the header, and the dialog with everything about them.

import { $, h, mark, put } from "./dom.js";
import * as format from "./format.js";
import { stages, summary } from "./stages.js";

let drawn = "";
const chips = new Map();

/** Draw the strip and the button; the dialog too while it is open. */
export function draw(store, linkState) {
  const lines = stages(store, linkState);
  strip(lines);
  const { worst, wrong, all } = summary(lines);
  const button = $("health-button");
  const isKnown = linkState === "live";
  mark($("stages"), "data-old", !isKnown);
  mark(button, "data-state", isKnown ? worst : "off");
  put(button, !isKnown ? "Health not known" : wrong ? `${wrong} of ${all} stages need a look` : "All stages well");
  if ($("health-dialog").open) $("health-dialog").replaceChildren(...dialog(store, lines));
}

export function open(store, linkState) {
  const dialogElement = $("health-dialog");
  dialogElement.replaceChildren(...dialog(store, stages(store, linkState)));
  if (!dialogElement.open) dialogElement.showModal();
}

function strip(lines) {
  const names = lines.map((one) => `${one.group}/${one.name}`).join();
  if (names !== drawn) build(lines, names);
  for (const one of lines) {
    const chip = chips.get(`${one.group}/${one.name}`);
    mark(chip, "data-state", one.state);
    mark(chip, "title", `${one.name}: ${one.text}`);
    put(chip.lastChild, one.value);
  }
}

function build(lines, names) {
  drawn = names;
  chips.clear();
  const groups = Map.groupBy(lines, (one) => one.group);
  $("stages").replaceChildren(...[...groups].map(([group, members]) => h(
    "div", { class: "group" }, h("span", { class: "group-name", id: `group-${group}` }, group),
    h("ul", { "aria-labelledby": `group-${group}` }, members.map((one) => {
      const chip = h("li", { class: "stage" }, h("i", {}), h("span", {}, one.name), h("b", {}));
      chips.set(`${group}/${one.name}`, chip);
      return chip;
    })),
  )));
}

function dialog(store, lines) {
  const now = store.now();
  const sources = [...store.sources.values()].map((one) => [
    state(one.state), one.source, one.feeds.join(", "), format.age(one.last_success_at && now - one.last_success_at),
    quota(one.requests_minute, one.limit_minute), quota(one.requests_day, one.limit_day), one.circuit.replace("_", " "),
    one.state === "failing" || one.state === "degraded" ? one.last_error ?? one.detail : one.detail,
  ]);
  const topics = (store.health?.topics ?? []).filter((one) => one.records).map((one) => [
    one.topic, format.count(one.records), format.age(one.last_at && now - one.last_at), one.behind === null ? format.DASH : format.count(one.behind),
  ]);
  return [
    h("header", {}, h("h2", { id: "health-title" }, "Health"), close("health-dialog")),
    grid("Stages", ["", "Stage", "Since", "What"], lines.map((one) => [dot(one.state), one.name, one.value, one.text])),
    grid("Upstreams", ["", "Upstream", "Feeds", "Last", "A minute", "A day", "Circuit", "Remark"], sources),
    grid("Topics", ["Topic", "Records read", "Last", "Behind"], topics),
    ...store.gaps.map((gap) => h("p", { class: "note" }, gap.message)),
  ];
}

const dot = (one) => h("i", { class: "dot", data: { state: one }, role: "img", "aria-label": one });
const state = (name) => dot({ ok: "good", degraded: "part", failing: "bad" }[name] ?? "off");
const quota = (used, limit) => format.count(used) + (limit ? ` / ${format.count(limit)}` : "");

function grid(title, heads, rows) {
  if (!rows.length) return h("section", {}, h("h3", {}, title), h("p", { class: "note" }, "Nothing yet."));
  return h("section", {}, h("h3", {}, title), h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title }, h(
    "table", {}, h("thead", {}, h("tr", {}, heads.map((text) => h("th", { scope: "col" },
      text || h("span", { class: "sr-only" }, "State"))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell ?? format.DASH))))),
  )));
}

/** A button that closes a dialog. */
export function close(id) {
  return h("button", { type: "button", class: "close", "aria-label": "Close", on: { click: () => $(id).close() } }, "✕");
}
