// Shows the OpenAPI document of this bridge. The token is the tab's, as on the page at /.

const KEY = "quantiva.token";
const $ = (id) => document.getElementById(id);

/** An element with children; text is always text, never markup. */
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${typeOf(schema.items) || "values"}`;
  if (schema.type === "object" && schema.additionalProperties)
    return `${typeOf(schema.additionalProperties)} by name`;
  return schema.type ?? "anything";
}

const LIMITS = [
  ["minimum", "from "], ["maximum", "to "], ["maxLength", "at most "], ["maxItems", "at most "],
  ["pattern", "like "], ["default", "default "],
];

function limitsOf(schema) {
  const inner = schema.anyOf?.find((one) => one.type !== "null") ?? {};
  const all = { ...inner, ...schema };
  const found = LIMITS.filter(([key]) => all[key] !== undefined && all[key] !== null)
    .map(([key, said]) => said + (typeof all[key] === "object" ? JSON.stringify(all[key]) : all[key]));
  return [all.description, found.join(", ")].filter(Boolean).join(" ");
}

function fieldRows(schema) {
  return el("table", {}, ...Object.entries(schema.properties ?? {}).map(([name, kind]) =>
    el("tr", {}, el("td", {}, name), el("td", {}, typeOf(kind)), el("td", {}, limitsOf(kind)))));
}

/** The fields of a schema and of those it names, each once. */
function fields(ref, schemas, seen = new Set()) {
  const names = [...JSON.stringify(ref ?? {}).matchAll(/#\/components\/schemas\/(\w+)/g)];
  const found = [];
  for (const [, name] of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    found.push(el("details", {}, el("summary", {}, schemas[name].title ?? name), fieldRows(schemas[name])));
    found.push(...fields(schemas[name], schemas, seen));
  }
  return found;
}

function endpoint(path, method, operation, schemas) {
  const made = el("article", { id: operation.operationId });
  made.append(el("h3", {}, el("span", { class: "method" }, method.toUpperCase()), path));
  made.append(el("p", {}, operation.summary));
  if (operation.description) made.append(el("p", { class: "quiet" }, operation.description));
  if (operation.parameters) {
    made.append(el("h4", {}, "Parameters"), el("table", {}, ...operation.parameters.map((one) =>
      el("tr", {}, el("td", {}, one.name), el("td", {}, typeOf(one.schema)),
        el("td", {}, limitsOf(one.schema))))));
  }
  const body = operation.requestBody?.content["application/json"].schema;
  if (body) made.append(el("h4", {}, "Body"), ...fields(body, schemas));
  const [status, success] = Object.entries(operation.responses)[0];
  const answer = success.content?.["application/json"].schema;
  made.append(el("h4", {}, `Answer ${status}`), ...fields(answer, schemas));
  const failures = Object.keys(operation.responses).filter((one) => one >= "400");
  if (failures.length) made.append(el("p", { class: "quiet" }, `Failures: ${failures.join(", ")}`));
  return made;
}

function show(api) {
  $("about").textContent = api.info.description;
  for (const tag of api.tags) {
    $("endpoints").append(el("h2", {}, `${tag.name}: ${tag.description}`));
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags[0] !== tag.name) continue;
        $("endpoints").append(endpoint(path, method, operation, api.components.schemas));
        $("index").append(el("a", { href: `#${operation.operationId}` }, `${method.toUpperCase()} ${path}`));
      }
    }
  }
  $("problems").append(...fields({ $ref: "#/components/schemas/Problem" }, api.components.schemas));
}

async function load(token) {
  const answer = await fetch("/api/v1/openapi.json", { headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(answer.status === 401 ? "The bridge does not know this token." : `The bridge answered ${answer.status}.`);
  return answer.json();
}

async function start(token) {
  try {
    const api = await load(token);
    sessionStorage.setItem(KEY, token);
    $("ask").hidden = true;
    show(api);
  } catch (error) {
    $("refused").textContent = error.message;
    $("ask").hidden = false;
  }
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  start($("token").value);
});
const known = sessionStorage.getItem(KEY);
if (known) start(known);
else $("ask").hidden = false;
