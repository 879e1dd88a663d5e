// Dark or light: what the system says until a person says otherwise.

import { $, mark, put } from "./dom.js";

const KEY = "quantiva.theme";
const system = matchMedia("(prefers-color-scheme: light)");
const listeners = [];

export function theme() {
  return document.documentElement.dataset.theme || (system.matches ? "light" : "dark");
}

export function toggle() {
  const next = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch { /* kept until the reload */ }
  tell();
}

export function onTheme(listener) {
  listeners.push(listener);
}

function tell() {
  const button = $("theme-button");
  put(button, theme() === "dark" ? "☾" : "☀");
  mark(button, "aria-label", theme() === "dark" ? "Dark; change to light" : "Light; change to dark");
  for (const listener of listeners) listener();
}

export function begin() {
  system.addEventListener("change", tell);
  $("theme-button").addEventListener("click", toggle);
  tell();
}
