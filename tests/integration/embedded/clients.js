// Drives the registry with both JavaScript clients: node clients.js URL HEX
// HEX: a record of subject "signals-value" that Python wrote. Prints one JSON object.
const { SchemaRegistry, SchemaType } = require('@kafkajs/confluent-schema-registry');
const confluent = require('@confluentinc/schemaregistry');

const [url, hex] = process.argv.slice(2);
const record = (...fields) => JSON.stringify({ type: 'record', name: 'Signal', namespace: 'mkt', fields });
const signal = record({ name: 'symbol', type: 'string' }, { name: 'score', type: 'double' });
const grown = record({ name: 'symbol', type: 'string' }, { name: 'score', type: 'double' },
  { name: 'rank', type: ['null', 'int'], default: null });
const incompatible = record({ name: 'other', type: 'int' });

const failure = async (call) => {
  try { await call(); return 'no error'; } catch (error) { return `${error.name}: ${error.message}`; }
};

async function kafkajs() {
  const avro = (schema) => ({ type: SchemaType.AVRO, schema });
  const registry = new SchemaRegistry({ host: url, retry: { retries: 1 } });
  const stranger = new SchemaRegistry({ host: url, retry: { retries: 1 } });
  const subject = { subject: 'signals-value' };
  const { id } = await registry.register(avro(signal), subject);
  const { id: fresh } = await registry.register(avro(signal), { subject: 'fresh-value' });
  const encoded = await registry.encode(id, { symbol: 'BTC/USDT', score: 0.5 });
  return {
    id,
    fresh,
    grown: (await registry.register(avro(grown), { subject: 'fresh-value' })).id,
    decoded: await stranger.decode(encoded),
    fromPython: await stranger.decode(Buffer.from(hex, 'hex')),
    latest: await stranger.getLatestSchemaId('fresh-value'),
    byVersion: await stranger.getRegistryId('signals-value', 1),
    bySchema: await stranger.getRegistryIdBySchema('signals-value', avro(signal)),
    incompatible: await failure(() => stranger.register(avro(incompatible), subject)),
    unknown: await failure(() => stranger.getSchema(999)),
  };
}

async function confluentinc() {
  const client = new confluent.SchemaRegistryClient({ baseURLs: [url] });
  const options = { autoRegisterSchemas: false, useLatestVersion: true };
  const serializer = new confluent.AvroSerializer(client, confluent.SerdeType.VALUE, options);
  const deserializer = new confluent.AvroDeserializer(client, confluent.SerdeType.VALUE, {});
  const encoded = await serializer.serialize('signals', { symbol: 'ETH/USDT', score: 1 });
  const result = {
    encoded: encoded.toString('hex'),
    decoded: await deserializer.deserialize('signals', encoded),
    registered: await client.register('confluent-value', { schemaType: 'AVRO', schema: signal }),
    subjects: await client.getAllSubjects(),
    incompatible: await failure(() =>
      client.register('signals-value', { schemaType: 'AVRO', schema: incompatible })),
  };
  await client.close();
  return result;
}

(async () => {
  console.log(JSON.stringify({ kafkajs: await kafkajs(), confluentinc: await confluentinc() }));
})().catch((error) => { console.error(error); process.exit(1); });
