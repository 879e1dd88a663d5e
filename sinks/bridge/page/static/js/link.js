// One websocket that stays: ticket, subscription, heartbeats, backoff, resume by cursor.

import { Refusal } from "./session.js";

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
const BEAT_MS = 5000; // until the bridge's own heartbeats say otherwise
const QUIET_BEATS = 2.5; // so long without a word: stale
const DEAD_BEATS = 5; // and so long: the connection is given up
// Portfolios after all that the table of signals needs.
const SUBSCRIPTIONS = {
  page: ["signals", "scores", "explanations", "top", "prices", "status"],
  portfolios: ["trades", "equity"],
};
// Followed without a hole; of the other channels only what is so now is wanted.
const RESUMED = new Set(["signals", "signals.explanations", "portfolio.trades", "portfolio.equity"]);

/**
 * States, said to `onState(state, detail)`: connecting, live, stale, waiting (detail: ms until the
 * next try), refused (detail: why; a token is needed).
 */
export class Link {
  #socket = null;
  #failures = 0;
  #timer = 0;
  #heardAt = 0;
  #beatAt = 0;
  #beatMs = BEAT_MS;
  #positions = new Map(); // "topic:partition" -> last offset that is in the store
  #closed = false;

  constructor({ ticket, onFrame, onState }) {
    this.ticket = ticket;
    this.onFrame = onFrame;
    this.onState = onState;
    this.state = "connecting";
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
    setInterval(() => this.#watch(), 1000);
  }

  /** Connect, or connect anew with another token. */
  start() {
    this.#closed = false;
    this.#failures = 0;
    this.#connect();
  }

  stop(why) {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#say("refused", why);
  }

  async #connect() {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    this.#say("connecting");
    let ticket;
    try {
      ticket = await this.ticket();
    } catch (error) {
      if (error instanceof Refusal && (error.status === 401 || error.status === 403)) {
        this.stop(error.message);
      } else this.#retry();
      return;
    }
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws?ticket=${encodeURIComponent(ticket)}`);
    this.#socket = socket;
    this.#heardAt = performance.now();
    this.#beatAt = 0;
    socket.addEventListener("open", () => this.#subscribe(socket));
    socket.addEventListener("message", (event) => this.#hear(socket, event.data));
    socket.addEventListener("close", () => {
      if (socket === this.#socket && !this.#closed) this.#retry();
    });
  }

  #subscribe(socket) {
    const since = this.#since();
    for (const [id, channels] of Object.entries(SUBSCRIPTIONS)) {
      socket.send(JSON.stringify({ type: "subscribe", id, channels, ...(since ? { since } : {}) }));
    }
  }

  /** The cursor to go on from; null at first. */
  #since() {
    if (!this.#positions.size) return null;
    return [...this.#positions].map(([place, offset]) => `${place}:${offset}`).join(",");
  }

  #hear(socket, text) {
    if (socket !== this.#socket) return;
    this.#heardAt = performance.now();
    const frame = JSON.parse(text);
    if (frame.type === "heartbeat") this.#beat();
    if (frame.type === "ack" || frame.type === "snapshot") {
      this.#failures = 0;
      this.#say("live");
    } else if (this.state === "stale") this.#say("live");
    this.onFrame(frame); // first into the store, then into the cursor: never ahead of it
    if (frame.type === "gap") this.#goBack(frame.cursor);
    else if (!frame.more) this.#advance(frame.cursor); // a snapshot counts with its last part
    if (frame.type === "bye") socket.close();
  }

  /** "signals:2:145", or more of them after commas; -1: nothing yet. */
  #advance(cursor) {
    if (!cursor) return;
    for (const one of cursor.split(",")) {
      const [topic, partition, offset] = one.split(":");
      if (!RESUMED.has(topic)) continue;
      const place = `${topic}:${partition}`;
      this.#positions.set(place, Math.max(this.#positions.get(place) ?? -1, Number(offset)));
    }
  }

  /** After a gap its cursor counts, also a smaller one: the log was made anew. */
  #goBack(cursor) {
    const [topic, partition, offset] = cursor.split(":");
    if (RESUMED.has(topic)) this.#positions.set(`${topic}:${partition}`, Number(offset));
  }

  #watch() {
    if (!this.#socket || this.#socket.readyState !== WebSocket.OPEN) return;
    const quiet = performance.now() - this.#heardAt;
    if (quiet > DEAD_BEATS * this.#beatMs) this.#retry();
    else if (quiet > QUIET_BEATS * this.#beatMs && this.state === "live") this.#say("stale", quiet);
  }

  /** Learn how often the bridge says that it is there. */
  #beat() {
    const now = performance.now();
    if (this.#beatAt) this.#beatMs = Math.min(30_000, Math.max(1000, now - this.#beatAt));
    this.#beatAt = now;
  }

  #retry() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 1.7 ** this.#failures);
    const wait = longest * (0.6 + 0.4 * Math.random()); // a thousand pages do not come at once
    this.#failures += 1;
    this.#say("waiting", wait);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #hurry() {
    if (this.state === "waiting" && !this.#closed) this.#connect();
  }

  #say(state, detail = null) {
    this.state = state;
    this.onState(state, detail);
  }
}
