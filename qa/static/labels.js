/** The interface's texts that the scripts need. */

const LABELS = JSON.parse(document.querySelector('meta[name="qa-labels"]').content);

/** Those of the language in use; Gradio sets the language of the document from the browser's. */
export function labels() {
  return document.documentElement.lang.startsWith("de") ? LABELS.de : LABELS.en;
}
