// A client of the bridge's websocket, for browsers and node alike; nothing to install.
//
//   const stop = follow({
//     address: () => socketAddress('http://127.0.0.1:8088', token),
//     wanted: { channels: ['signals'], assets: ['BTC', 'ETH'], min_confidence: 0.5 },
//     onEvent: (kind, data) => ...,  // 'signal', and an object with the fields of signal.avsc
//     onState: (text) => ...,        // what a person should know: connected, reconnecting, a gap
//   });
//
// First come the latest events there are, then each new one. It reconnects by itself and goes on
// where it was: every event has a cursor, and the next connection begins after the last one. So no
// signal is missed and none comes twice.

const SILENCE_MS = 15_000; // the bridge sends a heartbeat every 5 s: after three, it is gone
const LONGEST_PAUSE_MS = 10_000;

// A browser cannot send a header with a websocket, and a token in a URL ends up in logs. So the
// token buys a ticket, which opens one socket within half a minute. The token is for programs and
// servers; a page gets the address from its own server (serve.js), and never sees the token.
export async function socketAddress(base, token) {
  const answer = await fetch(new URL('/api/v1/tickets', base), {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status === 401) {
    throw Object.assign(new Error('the bridge does not know this token'), { final: true });
  }
  if (!answer.ok) throw new Error(`the bridge answers ${answer.status}`);
  const url = new URL('/ws', base);
  url.protocol = url.protocol.replace('http', 'ws');
  url.searchParams.set('ticket', (await answer.json()).ticket);
  return url.href;
}

export function follow({ address, wanted, cursor = '', onEvent, onState = () => {} }) {
  const positions = new Map(); // 'signals:2' -> '145', the last offset handled of each partition
  let socket = null;
  let failures = 0;
  let timer = null;
  let stopped = false;
  advance(cursor);

  // A cursor is topic:partition:offset, and more of them after commas.
  function advance(text) {
    for (const part of (text ?? '').split(',').filter(Boolean)) {
      const end = part.lastIndexOf(':');
      positions.set(part.slice(0, end), part.slice(end + 1));
    }
  }

  const reached = () => [...positions].map(([place, offset]) => `${place}:${offset}`).join(',');

  async function connect() {
    try {
      const url = await address();
      if (stopped) return;
      socket = new WebSocket(url);
      socket.onopen = subscribe;
      socket.onmessage = heard;
      socket.onclose = ({ reason }) => again(reason || 'the connection is gone');
      awake();
    } catch (error) {
      if (stopped) return;
      if (error.final) { onState(error.message); stop(); } else again(error.message);
    }
  }

  function subscribe() {
    const request = { type: 'subscribe', id: '1', ...wanted };
    if (positions.size > 0) request.since = reached(); // else a snapshot comes first
    socket.send(JSON.stringify(request));
  }

  // A cable that is pulled closes nothing: whoever waits for `onclose` alone waits for ever.
  function awake() {
    clearTimeout(timer);
    timer = setTimeout(() => { drop(); again('the bridge is silent'); }, SILENCE_MS);
  }

  function heard({ data }) {
    awake();
    try {
      take(JSON.parse(data));
    } catch (error) { // onEvent failed: begin again before that event, it is not lost
      drop();
      again(error.message);
    }
  }

  function take(frame) {
    switch (frame.type) {
      case 'ack':
        onState('connected');
        break;
      case 'snapshot': // the latest of everything wanted, then changes follow; in parts when large
        frame.items.forEach(({ type, data }) => onEvent(type, data));
        if (!frame.more) advance(frame.cursor);
        break;
      case 'heartbeat': // also moves the positions of partitions where nothing was wanted
        advance(frame.cursor);
        failures = 0; // by now the connection has proved itself
        break;
      case 'gap': // the topic no longer has what came after the cursor: say so, never hide it
        advance(frame.cursor);
        onState(`gap: ${frame.message}`);
        break;
      case 'error': // the request was refused: to send it again would not help
        onState(`${frame.code}: ${frame.message}`);
        stop();
        break;
      case 'bye': // the bridge closes the connection: too slow, or it is stopped
        advance(frame.cursor);
        onState(`bye: ${frame.reason}`);
        break;
      default: // an event: signal, score, explanation, top, price, source; or health
        onEvent(frame.type, frame.data ?? frame);
        advance(frame.cursor); // only now: what was not handled comes again
    }
  }

  function again(reason) {
    clearTimeout(timer);
    const pause = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** failures++) * (0.5 + Math.random() / 2);
    onState(`${reason}; again in ${(pause / 1000).toFixed(1)} s`);
    timer = setTimeout(connect, pause);
  }

  function drop() {
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    socket = null;
  }

  function stop() {
    stopped = true;
    clearTimeout(timer);
    drop();
    return reached(); // keep it, and hand it to `follow` as `cursor` the next time
  }

  connect();
  return stop;
}
