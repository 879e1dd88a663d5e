// The browser's client in a terminal: prints signals as they come.
//
//   node watch.js --token TOKEN                              node 22 and newer
//   node --experimental-websocket watch.js --token TOKEN     node 20
//
// Options: --base URL, --asset BTC (again for more), --strategy ID, --action BUY,
// --min-confidence 0.5, --cursor CURSOR, --count N (ends after N signals, or the snapshot they came
// in). At the end it prints the cursor: hand it to the next start, and that one goes on from there.
import { parseArgs } from 'node:util';

import { follow, socketAddress } from './client.js';

const list = { type: 'string', multiple: true, default: [] };
const { values: options } = parseArgs({
  options: {
    base: { type: 'string', default: process.env.QUANTIVA_BRIDGE_URL ?? 'http://127.0.0.1:8088' },
    token: { type: 'string', default: process.env.QUANTIVA_TOKEN ?? '' },
    asset: list,
    strategy: list,
    action: list,
    'min-confidence': { type: 'string', default: '0' },
    cursor: { type: 'string', default: '' },
    count: { type: 'string', default: 'Infinity' },
  },
});
if (typeof WebSocket === 'undefined') {
  console.error('This node has no WebSocket: run `node --experimental-websocket watch.js ...`.');
  process.exit(1);
}

let left = Number(options.count);
const stop = follow({
  address: () => socketAddress(options.base, options.token),
  cursor: options.cursor,
  wanted: {
    channels: ['signals'],
    assets: options.asset,
    strategies: options.strategy,
    actions: options.action,
    min_confidence: Number(options['min-confidence']),
  },
  onState: (text) => console.error(text),
  onEvent: (kind, signal) => {
    const score = (signal.final_score < 0 ? '' : '+') + signal.final_score.toFixed(3);
    console.log(
      `${signal.signal_id} ${signal.asset.padEnd(6)} ${signal.strategy_id.padEnd(10)} ` +
        `${signal.action.padEnd(4)} ${score} conf ${signal.confidence.toFixed(2)}`,
    );
    left -= 1;
    // Not at once: the client moves its cursor when this function has returned.
    if (left === 0) setTimeout(end);
  },
});

function end() {
  console.error(`cursor ${stop()}`);
  process.exit(0);
}
process.once('SIGINT', end);
process.once('SIGTERM', end);
