/** Says in the reader's language why a question did not reach the bot: Gradio would show the status, in English. */

import { labels } from "./labels.js";

const JOIN = /\/gradio_api\/queue\/join/;
const TOO_MANY = 429;
const BUSY = 503;

const send = window.fetch;

function why(response) {
  if (response.status === TOO_MANY) {
    return labels().too_many.replace("{seconds}", response.headers.get("Retry-After") ?? "60");
  }
  return response.status === BUSY ? labels().busy : "";
}

window.fetch = async (...request) => {
  const address = String(request[0]?.url ?? request[0]);
  if (!JOIN.test(address)) return send(...request);
  let response;
  try {
    response = await send(...request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return Response.json({ detail: labels().unreached }, { status: BUSY });
  }
  const text = why(response);
  return text ? Response.json({ detail: text }, { status: response.status, headers: response.headers }) : response;
};
