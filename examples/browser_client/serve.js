// Serves the page to a browser and keeps the token: node serve.js --token TOKEN
//
// POST /socket answers with the address for one websocket. In your application that is the place to
// ask who the visitor is. Options: --base URL of the bridge, --port 8000.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { socketAddress } from './client.js';

const { values: options } = parseArgs({
  options: {
    base: { type: 'string', default: process.env.QUANTIVA_BRIDGE_URL ?? 'http://127.0.0.1:8088' },
    token: { type: 'string', default: process.env.QUANTIVA_TOKEN ?? '' },
    port: { type: 'string', default: '8000' },
  },
});
const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/client.js': ['client.js', 'text/javascript; charset=utf-8'],
};

const server = createServer(async (request, response) => {
  if (request.method === 'POST' && request.url === '/socket') {
    try {
      response.end(await socketAddress(options.base, options.token));
    } catch (error) {
      response.writeHead(502).end(error.message);
    }
  } else if (request.method === 'GET' && request.url in FILES) {
    const [name, type] = FILES[request.url];
    const body = await readFile(new URL(name, import.meta.url));
    response.writeHead(200, { 'Content-Type': type }).end(body);
  } else {
    response.writeHead(404).end();
  }
});
server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
