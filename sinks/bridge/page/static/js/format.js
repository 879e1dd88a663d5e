// Numbers and times as a desk writes them. Pure; a missing value is a dash.

export const DASH = "–";
const MINUS = "−";
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** A score with its sign: +0.582. */
export function signed(value, digits = 2) {
  if (!isNumber(value)) return DASH;
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return ` ${text}`;
  return (value < 0 ? MINUS : "+") + text;
}

export function percent(share, digits = 0) {
  return isNumber(share) ? `${(share * 100).toFixed(digits)}%` : DASH;
}

export function change(share) {
  return isNumber(share) ? `${signed(share * 100, 1).trim()}%` : DASH;
}

/** Decimals that show five significant digits of a price. */
export function decimals(price) {
  const size = Math.abs(price);
  if (size >= 1000) return 2;
  if (size >= 10) return 3;
  if (size === 0) return 2;
  return Math.min(10, Math.max(4, 4 - Math.floor(Math.log10(size))));
}

export function price(value) {
  if (!isNumber(value)) return DASH;
  const digits = decimals(value);
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function usd(value) {
  if (!isNumber(value)) return DASH;
  const digits = Math.abs(value) < 100 ? 2 : 0;
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

/** What was won or lost: +$12.40, −$814. */
export function gain(value) {
  if (!isNumber(value)) return DASH;
  const text = usd(Math.abs(value));
  return /[1-9]/.test(text) ? (value < 0 ? MINUS : "+") + text : text;
}

/** Units of an asset: five significant digits, no more. */
export function units(value) {
  return isNumber(value) ? value.toLocaleString("en-US", { maximumSignificantDigits: 5 }) : DASH;
}

export function count(value) {
  return isNumber(value) ? value.toLocaleString("en-US") : DASH;
}

/** An age in its largest unit: 8s, 4m, 2h, 3d. */
export function age(ms) {
  if (!isNumber(ms)) return DASH;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 90) return `${seconds}s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)}m`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** A time of the day in UTC: 14:20, with seconds 14:20:05. */
export function clock(ms, seconds = false) {
  return isNumber(ms) ? new Date(ms).toISOString().slice(11, seconds ? 19 : 16) : DASH;
}

export function day(ms) {
  return isNumber(ms) ? new Date(ms).toISOString().slice(0, 16).replace("T", " ") : DASH;
}

/** mm:ss until something. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** event_risk -> Event risk. */
export function words(name) {
  const text = String(name).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What decides an action or closes a trade, as people call it. */
const RULES = {
  thresholds: "scores", event_risk: "event risk", entry_rule: "entry rule", exit_rule: "exit rule",
  stop_loss: "stop", trailing_stop: "trailing stop", take_profit: "target",
  max_age: "longest time in a position", band: "band", confirmation: "time of confirmation",
  minimum_hold: "shortest time in a position", unwatched: "strategy's list of assets", reset: "reset",
};

/** exit_rule -> exit rule. */
export function rule(name) {
  return RULES[name] ?? words(name).toLowerCase();
}
