// Prints what AsyncAPI's own parser has to say of documents, a list for each: node validate_asyncapi.mjs FILE...
import { readFileSync } from 'node:fs';

import { AvroSchemaParser } from '@asyncapi/avro-schema-parser';
import { Parser } from '@asyncapi/parser';

const parser = new Parser({ schemaParsers: [AvroSchemaParser()] });
const said = [];
for (const file of process.argv.slice(2)) {
  const found = await parser.validate(readFileSync(file, 'utf8'));
  said.push(found.map(({ severity, code, message, path }) => ({
    severity, code, message, path: path.join('/'),
  })));
}
console.log(JSON.stringify(said));
