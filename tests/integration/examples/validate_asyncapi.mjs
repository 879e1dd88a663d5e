// Prints what AsyncAPI's own parser has to say of a document: node validate_asyncapi.mjs FILE
import { readFileSync } from 'node:fs';

import { AvroSchemaParser } from '@asyncapi/avro-schema-parser';
import { Parser } from '@asyncapi/parser';

const parser = new Parser({ schemaParsers: [AvroSchemaParser()] });
const found = await parser.validate(readFileSync(process.argv[2], 'utf8'));
console.log(JSON.stringify(found.map(({ severity, code, message, path }) => ({
  severity, code, message, path: path.join('/'),
}))));
