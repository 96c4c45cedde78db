// The page to try the widget on: fills in this server's address, drives window.ArticleQA and shows its events.

const show = (id, text) => document.getElementById(id).append(text);
const loader = new URL("widget.js", location.href);

show("line", `<script src="${loader}" defer></script>`);
show("policy", `script-src ${loader.origin}; frame-src ${loader.origin}`);

const deeds = {
  open: () => window.ArticleQA.open(),
  close: () => window.ArticleQA.close(),
  ask: () => window.ArticleQA.ask(document.getElementById("question").value),
  destroy: () => window.ArticleQA.destroy(),
};
document.getElementById("deeds").addEventListener("click", ({ target }) => {
  if (window.ArticleQA) deeds[target.dataset.do]?.();
  else show("events", "The widget is gone; load the page again.\n");
});
for (const name of ["ready", "answer", "error"]) {
  window.ArticleQA?.addEventListener(name, ({ detail }) => show("events", `${name} ${JSON.stringify(detail ?? {})}\n`));
}
