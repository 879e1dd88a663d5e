// The token, and requests with it. It lives in sessionStorage: gone with the tab.

const KEY = "quantiva.token";
let token = null;

/** Take `#token=...` out of the address bar, or the token of this tab. True when there is one. */
export function begin() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    keep(given);
    history.replaceState(null, "", location.pathname + location.search);
  } else {
    try {
      token = sessionStorage.getItem(KEY);
    } catch { /* storage may be off: asked for again after a reload */ }
  }
  return Boolean(token);
}

export function keep(given) {
  token = given;
  try {
    if (given) sessionStorage.setItem(KEY, given);
    else sessionStorage.removeItem(KEY);
  } catch { /* as above */ }
}

/** An answer that is not a success; `status` 0 when there was none. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Ask the bridge; resolves to the JSON, rejects with a Refusal. */
export async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${token}`, Accept: "application/json" };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, cache: "no-cache" });
  } catch {
    throw new Refusal(0, "The bridge does not answer.");
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refusal(answer.status, problem.detail || problem.title || `Answer ${answer.status}`);
  }
  return answer.json();
}

/** A ticket for one websocket; it is good once and for seconds. */
export async function ticket() {
  return (await ask("/api/v1/tickets", { method: "POST" })).ticket;
}
