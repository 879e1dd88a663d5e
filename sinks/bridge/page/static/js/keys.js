// The keyboard: one letter a thing, never while somebody types.

import { $, h } from "./dom.js";
import { close } from "./health.js";

/** What the dialog lists: keys and what they do. */
const KEYS = [
  ["j  k", "next and previous signal (also ↓ ↑)"],
  ["g  G", "first and last"],
  ["Enter", "open the signal's panel"],
  ["Esc", "back to the table"],
  ["/", "search for an asset"],
  ["1 2 3 4", "all, buy, sell, hold"],
  ["c", "clear the filters"],
  ["p", "portfolios, and back; there j and k change the strategy, 1 to 4 the time"],
  ["t", "track record, and back; the same keys there"],
  ["w", "do they work? and back; j, k and 1 to 4 change how long after"],
  ["d", "dark or light"],
  ["h", "health of every stage"],
  ["?", "these keys"],
];

/** `actions` has a function for each key, by its name in KeyboardEvent. */
export function begin(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const typing = event.target.matches("input, textarea, select");
    if (typing && event.key !== "Escape") return;
    const pressed = event.target.closest("button, a, summary") && (event.key === "Enter" || event.key === " ");
    const action = actions[event.key];
    if (!action || pressed) return;
    event.preventDefault();
    if (typing) event.target.blur();
    else action();
  });
}

export function help() {
  $("help-dialog").replaceChildren(
    h("header", {}, h("h2", { id: "help-title" }, "Keys"), close("help-dialog")),
    h("dl", { class: "keys" }, KEYS.flatMap(([keys, text]) => [
      h("dt", {}, keys.split(/\s+/).map((one) => h("kbd", {}, one))), h("dd", {}, text),
    ])),
    h("h3", {}, "Engine bars"),
    h("p", {}, "One bar an engine, about zero: up adds to the score, down takes from it; paler is less sure, ",
      "an empty frame is missing or stale. Full height is 0.25."),
    h("h3", {}, "Actions"),
    h("p", {}, "A plate behind an action: it has just changed. A star: a rule, a stop or the event risk changed what the scores alone said."),
    h("p", { class: "note" }, "Charts by TradingView Lightweight Charts™, Apache License 2.0. ",
      "The programming interface of this bridge is described at ", h("a", { href: "/docs" }, "/docs"), "."),
  );
  $("help-dialog").showModal();
}
