// The view "Do they work?": whether scores and signals foretold what prices did.

import * as data from "./data.js";
import { $, h, mark, put } from "./dom.js";
import * as format from "./format.js";
import { note } from "./record_parts.js";
import * as parts from "./outcome_parts.js";

const HORIZONS = [["1h", "1 hour"], ["4h", "4 hours"], ["1d", "1 day"], ["7d", "7 days"]];

export class Outcomes {
  #horizon = 2;
  #answer = null;
  #loads = 0;
  isOpen = false;

  constructor(store) {
    this.store = store;
    this.since = h("small", { class: "as-of" });
    this.horizons = h("div", { class: "frames", role: "group", "aria-label": "How long after" }, HORIZONS.map(([, name], place) => h(
      "button", { type: "button", on: { click: () => this.range(place) } }, name,
    )));
    this.content = h("div", {}, note("Asking …"));
    this.body = h("article", { class: "book work", tabindex: -1 },
      h("header", {}, h("h2", {}, "Do they work?"), this.since),
      h("p", { class: "lead" }, "Every score and signal is compared with what the price did after it. A score that knows something is followed by a rise where it was high and by a fall where it was low. Nothing is left out because it is bad."),
      h("div", { class: "chart-head" }, h("h3", {}, "How long after"), this.horizons), this.content);
    $("outcomes").append(this.body);
  }

  async open() {
    this.isOpen = true;
    this.#mark();
    const load = ++this.#loads;
    try {
      const answer = await data.outcomes();
      if (load !== this.#loads) return;
      this.#answer = answer;
    } catch (refusal) {
      if (load === this.#loads && !this.#answer) this.content.replaceChildren(note(refusal.message));
      return;
    }
    this.#draw();
  }

  again() {
    if (this.isOpen) this.open();
  }

  close() {
    this.isOpen = false;
  }

  range(place) {
    if (!HORIZONS[place]) return;
    this.#horizon = place;
    this.#mark();
    if (this.#answer) this.#draw();
  }

  /** To the next horizon, or the one before. */
  move(step) {
    this.range(Math.min(HORIZONS.length - 1, Math.max(0, this.#horizon + step)));
  }

  focus() {
    this.body.focus();
  }

  #mark() {
    [...this.horizons.children].forEach((button, place) => mark(button, "aria-pressed", String(place === this.#horizon)));
  }

  #draw() {
    const [horizon, name] = HORIZONS[this.#horizon];
    put(this.since, `as of ${format.clock(this.#answer.made_at)} UTC`);
    const named = (one) => (one.kind === "score" ? format.words(one.name) : this.store.strategies.get(one.name) ?? one.name);
    this.content.replaceChildren(...parts.content(this.#answer, horizon, name, named));
  }
}
