// Asks for the token, once for each tab.

import { $, h } from "./dom.js";

/** Open the dialog; `onToken(token)` gets what is given. */
export function askForToken(why, onToken) {
  const dialog = $("token-dialog");
  const input = h("input", {
    type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: true,
  });
  const form = h(
    "form", { method: "dialog" },
    h("h2", { id: "token-title" }, "Quantiva Streams"),
    h("p", {}, why),
    h("label", { for: "token" }, "Token"), input,
    h("button", { type: "submit", class: "go" }, "Open the desk"),
    h("p", { class: "note" }, "It stays in this tab alone and is forgotten when the tab is closed."),
  );
  form.addEventListener("submit", () => onToken(input.value.trim()));
  dialog.replaceChildren(form);
  dialog.oncancel = (event) => event.preventDefault(); // there is nothing behind it yet
  if (!dialog.open) dialog.showModal();
}
