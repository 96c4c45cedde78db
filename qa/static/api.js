// Shows the OpenAPI document: operations, what they take and give, and a form to try each. Everything becomes text nodes.

const place = document.getElementById("api");

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function resolved(api, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? api.components.schemas[name] : (schema ?? {});
}

function typeName(api, schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map((one) => typeName(api, one)).join(" or ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${typeName(api, schema.items) || "values"}`;
  return schema.type ?? "any";
}

function table(heads, rows) {
  if (!rows.length) return null;
  const cells = (row, kind) => element("tr", {}, ...row.map((cell) => element(kind, {}, cell)));
  return element("table", {}, element("thead", {}, cells(heads, "th")), element("tbody", {}, ...rows.map((row) => cells(row, "td"))));
}

function fields(api, schema) {
  const { properties = {}, required = [] } = resolved(api, schema);
  return table(
    ["Field", "Type", ""],
    Object.entries(properties).map(([name, field]) => [
      required.includes(name) ? `${name} (needed)` : name,
      typeName(api, field),
      field.description ?? "",
    ]),
  );
}

function replies(api, operation) {
  return table(
    ["Status", "Form", ""],
    Object.entries(operation.responses).map(([status, reply]) => [
      status,
      Object.entries(reply.content ?? {}).map(([type, { schema }]) => `${type}: ${typeName(api, schema)}`).join(", "),
      reply.description ?? "",
    ]),
  );
}

function parts(api, operation) {
  const shown = [];
  if (operation.parameters?.length) {
    shown.push(element("h3", {}, "Parameters"), table(
      ["Name", "Type", ""],
      operation.parameters.map((one) => [`${one.name} (${one.in})`, typeName(api, one.schema), one.description ?? ""]),
    ));
  }
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  if (body) shown.push(element("h3", {}, "Body"), fields(api, body));
  shown.push(element("h3", {}, "Replies"), replies(api, operation));
  const good = operation.responses["200"]?.content?.["application/json"]?.schema;
  if (good?.$ref) shown.push(element("h3", {}, typeName(api, good)), fields(api, good));
  return shown;
}

function trial(api, path, method, operation) {
  const form = element("form", {}, element("h3", {}, "Try it"));
  const inputs = (operation.parameters ?? []).map((one) => {
    const input = element("input", { name: one.name, autocomplete: "off" });
    form.append(element("label", {}, one.name, input));
    return [one, input];
  });
  const schema = operation.requestBody?.content?.["application/json"]?.schema;
  const body = schema ? element("textarea", { spellcheck: "false" }) : null;
  if (body) {
    body.value = JSON.stringify(resolved(api, schema).examples?.[0] ?? {}, null, 2);
    form.append(element("label", {}, "Body", body));
  }
  const result = element("pre", { role: "status", hidden: "" });
  form.append(element("button", {}, "Send"), result);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    let address = path;
    for (const [one, input] of inputs) {
      if (one.in === "path") address = address.replace(`{${one.name}}`, encodeURIComponent(input.value));
      else if (input.value) query.set(one.name, input.value);
    }
    result.hidden = false;
    result.textContent = "…";
    try {
      const reply = await fetch(query.size ? `${address}?${query}` : address, {
        method: method.toUpperCase(),
        ...(body ? { body: body.value, headers: { "Content-Type": "application/json" } } : {}),
      });
      const text = await reply.text();
      const json = reply.headers.get("content-type")?.includes("json");
      result.textContent = `${reply.status}\n${json ? JSON.stringify(JSON.parse(text), null, 2) : text}`;
    } catch (error) {
      result.textContent = `No reply: ${error.message}`;
    }
  });
  return form;
}

function operationBlock(api, path, method, operation) {
  const summary = element(
    "summary", {}, element("span", { class: "api-method" }, method.toUpperCase()), element("code", {}, path), ` ${operation.summary ?? ""}`,
  );
  const text = operation.description ? element("p", {}, operation.description) : null;
  return element("details", { class: "api-operation", id: operation.operationId },
    summary, element("div", {}, text, ...parts(api, operation), trial(api, path, method, operation)));
}

async function show() {
  const reply = await fetch("/openapi.json");
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  const api = await reply.json();
  document.title = `API · ${api.info.title}`;
  place.replaceChildren(
    element("h1", { class: "qa-headline" }, `${api.info.title}: API`),
    element("p", {}, api.info.description),
    element("p", {}, element("a", { href: "/openapi.json" }, "openapi.json"), ` · version ${api.info.version}`),
    ...Object.entries(api.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => operationBlock(api, path, method, operation))),
  );
  if (location.hash) document.getElementById(location.hash.slice(1))?.setAttribute("open", "");
}

show().catch((error) => place.replaceChildren(element("p", { role: "alert" }, `The document cannot be read: ${error.message}`)));
