// Candles with the signals on them, by the library of the installed package; without it, words.

import { colour, h } from "./dom.js";
import { decimals } from "./format.js";

const library = () => globalThis.LightweightCharts ?? null;
const SHAPES = { BUY: ["belowBar", "arrowUp", "--buy"], SELL: ["aboveBar", "arrowDown", "--sell"],
  HOLD: ["aboveBar", "square", "--hold"] };
const MOST_MARKS = 40;
const BARS_SHOWN = 96;
const AFTER = 13; // bars of room for the names of the lines

/** One chart that is kept while the selection changes. */
export class CandleChart {
  #chart = null;
  #bars = [];
  #lines = [];
  #levels = [];
  #last = null;

  constructor() {
    this.element = h("div", { class: "candles", role: "img", "aria-label": "Candles" });
  }

  /** Whether there is a library to draw with. */
  static get isThere() {
    return library() !== null;
  }

  /** Show bars with a row's signals, and the lines of its latest signal. */
  show(bars, row, label) {
    this.element.setAttribute("aria-label", label);
    if (!this.#chart) this.#make();
    this.#bars = bars;
    const digits = bars.length ? decimals(bars.at(-1).close) : 2;
    const format = { type: "price", precision: digits, minMove: 10 ** -digits };
    this.#candles.applyOptions({ priceFormat: format });
    this.#candles.setData(bars.map(candle));
    this.#volume.setData(bars.map((bar) => volume(bar, this.#colours)));
    this.#last = bars.length ? { ...bars.at(-1) } : null;
    this.signals(row);
    const end = bars.length + AFTER;
    this.#chart.timeScale().setVisibleLogicalRange({ from: end - BARS_SHOWN, to: end });
  }

  /** Put the signals of a row on the candles: where the action changed, and the latest. */
  signals(row) {
    if (!this.#chart) return;
    this.#marks.setMarkers(markers(row.history, this.#bars, this.#colours));
    for (const line of this.#lines) this.#candles.removePriceLine(line);
    this.#levels = levels(row.signal).map(([price]) => price);
    this.#lines = levels(row.signal).map(([price, title, name, style]) => this.#candles.createPriceLine({
      price, title, color: this.#colours[name], lineStyle: style, lineWidth: 1, axisLabelVisible: true,
    }));
  }

  /** Move the last candle with the price. */
  price(value) {
    if (!this.#chart || !this.#last) return;
    const bar = this.#last;
    bar.close = value;
    bar.high = Math.max(bar.high, value);
    bar.low = Math.min(bar.low, value);
    this.#candles.update(candle(bar));
  }

  /** Take the colours of the theme again. */
  paint() {
    if (!this.#chart) return;
    const read = (name) => colour(`--${name}`);
    this.#colours = { "--buy": read("buy"), "--sell": read("sell"), "--hold": read("muted"),
      "--entry": read("accent"), "--volume": read("line") };
    const line = read("grid");
    this.#chart.applyOptions({
      layout: { background: { color: "transparent" }, textColor: read("muted") },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      rightPriceScale: { borderColor: read("line") },
      timeScale: { borderColor: read("line") },
    });
    const { "--buy": up, "--sell": down } = this.#colours;
    this.#candles.applyOptions({ upColor: up, borderUpColor: up, wickUpColor: up,
      downColor: down, borderDownColor: down, wickDownColor: down });
  }

  #colours = {};
  #candles = null;
  #volume = null;
  #marks = null;

  #make() {
    const lib = library();
    this.#chart = lib.createChart(this.element, {
      autoSize: true,
      // The mark of its makers is in the footer of the panel: theirs brings a style of its own.
      layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11 },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: AFTER },
      rightPriceScale: { scaleMargins: { top: 0.08, bottom: 0.2 } },
      crosshair: { mode: lib.CrosshairMode.Normal },
      handleScroll: { vertTouchDrag: false },
    });
    this.#volume = this.#chart.addSeries(lib.HistogramSeries, {
      priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
    });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
    this.#candles = this.#chart.addSeries(lib.CandlestickSeries, {
      priceLineVisible: false, lastValueVisible: false,
      autoscaleInfoProvider: (original) => widened(original(), this.#levels),
    });
    this.#marks = lib.createSeriesMarkers(this.#candles, []);
    this.paint();
  }
}

function candle(bar) {
  return { time: bar.time / 1000, open: bar.open, high: bar.high, low: bar.low, close: bar.close };
}

function volume(bar, colours) {
  return { time: bar.time / 1000, value: bar.volume, color: colours["--volume"] };
}

/** A mark where the action changed, and one on the latest signal; at most so many. */
function markers(history, bars, colours) {
  if (!bars.length) return [];
  const found = history.filter((signal, place) => place === history.length - 1
    || (signal.action !== history[place - 1]?.action && place > 0));
  return found.slice(-MOST_MARKS).flatMap((signal) => {
    const bar = bars.findLast((one) => one.time <= signal.as_of);
    if (!bar) return [];
    const [position, shape, name] = SHAPES[signal.action];
    const size = signal === history.at(-1) ? 1.6 : 1;
    return [{ time: bar.time / 1000, position, shape, color: colours[name], size }];
  });
}

/** Widen the scale so that the lines are on it, unless that would flatten the candles. */
function widened(info, prices) {
  if (!info?.priceRange) return info;
  const { minValue, maxValue } = info.priceRange;
  const low = Math.min(minValue, ...prices);
  const high = Math.max(maxValue, ...prices);
  if (high - low > 3 * (maxValue - minValue)) return info;
  return { ...info, priceRange: { minValue: low, maxValue: high } };
}

/** Lines of a signal: price, label, colour, 0 solid or 2 dashed. */
function levels(signal) {
  return [
    [signal.entry_price_usd, "entry", "--entry", 0],
    [signal.stop_loss_usd, "stop", "--sell", 2],
    [signal.take_profit_usd, "target", "--buy", 2],
  ].filter(([price]) => typeof price === "number");
}
