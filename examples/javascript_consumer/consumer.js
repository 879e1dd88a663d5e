// Print trading signals as they come: kafkajs and the Confluent schema registry client.
//
//   npm install --no-package-lock
//   node consumer.js              until Ctrl-C
//   node consumer.js --count 10   ends after ten signals
//
// The addresses come from KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL, or from a demo that runs
// in the folder above (or here). The first start prints everything the topic holds; the next one
// goes on from there, because the group's position is kept on the broker.
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import registryClient from '@kafkajs/confluent-schema-registry';
import kafkajs from 'kafkajs';

const { SchemaRegistry } = registryClient;
const { Kafka, logLevel } = kafkajs;

const { values: options } = parseArgs({
  options: {
    group: { type: 'string', default: 'example-javascript' },
    count: { type: 'string', default: 'Infinity' },
  },
});
const count = Number(options.count);

// The environment, completed by the addresses that a running demo has written.
function addresses() {
  const stack = ['.', '../..'].map((folder) => `${folder}/.quantiva/stack.json`).find(existsSync);
  const found = stack ? JSON.parse(readFileSync(stack, 'utf8')).environment : {};
  return { ...found, ...process.env };
}

const { KAFKA_BOOTSTRAP_SERVERS, SCHEMA_REGISTRY_URL, QUANTIVA_PREFIX = '' } = addresses();
if (!KAFKA_BOOTSTRAP_SERVERS || !SCHEMA_REGISTRY_URL) {
  console.error('Set KAFKA_BOOTSTRAP_SERVERS and SCHEMA_REGISTRY_URL, or start `quantiva demo`.');
  process.exit(1);
}

const registry = new SchemaRegistry({ host: SCHEMA_REGISTRY_URL });
const kafka = new Kafka({
  clientId: 'example-javascript',
  brokers: KAFKA_BOOTSTRAP_SERVERS.split(','),
  logLevel: logLevel.ERROR,
});
const consumer = kafka.consumer({ groupId: options.group, sessionTimeout: 6000, heartbeatInterval: 1000 });

// Do what your application does with a signal; it has the fields of signal.avsc.
function show(signal) {
  const score = (signal.final_score < 0 ? '' : '+') + signal.final_score.toFixed(3);
  console.log(
    `${signal.signal_id} ${signal.asset.padEnd(6)} ${signal.strategy_id.padEnd(10)} ` +
      `${signal.action.padEnd(4)} ${score} conf ${signal.confidence.toFixed(2)}`,
  );
}

// After a crash of the platform, or of this program, a signal can come a second time. A set ends
// with the process: an application with a database makes signal_id its primary key.
const seen = new Set();

async function eachMessage({ partition, message }) {
  if (seen.size >= count) return;
  let signal;
  try {
    signal = await registry.decode(message.value);
  } catch (error) {
    // A registry that is away is worth another try, so kafkajs gets the error and comes back to
    // this record. One record that cannot be read must not stop all that come after it.
    if (error.name === 'ResponseError' && error.status !== 404) throw error;
    console.error(`${partition}:${message.offset}: ${error.message}`);
    return;
  }
  if (seen.has(signal.signal_id)) return;
  show(signal);
  seen.add(signal.signal_id);
  if (seen.size >= count) stop();
}

let stopping = false;
async function stop() {
  if (stopping) return;
  stopping = true;
  await consumer.disconnect(); // commits the position and leaves the group
}

process.once('SIGINT', stop);
process.once('SIGTERM', stop);
await consumer.connect();
await consumer.subscribe({ topics: [`${QUANTIVA_PREFIX}signals`], fromBeginning: true });
await consumer.run({ eachMessage });
