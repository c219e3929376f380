// Calls one method of Harmony Speech Engine's published client; asked and answered in JSON.
//   {"url", "method", "request": "TextToSpeechRequest" or null, "fields": {…}, "options": {…}}
import { readFileSync } from "node:fs";
import client from "@harmony-ai/harmonyspeech";

const asked = JSON.parse(readFileSync(0, "utf8"));
const api = new client.DefaultApi(new client.ApiClient(asked.url));
const body = asked.request ? [client[asked.request].constructFromObject(asked.fields)] : [];

try {
  const data = await api[asked.method](...body, asked.options ?? {});
  console.log(JSON.stringify({ kind: data.constructor.name, data }));
} catch (failure) {
  if (!failure.status) throw failure.error ?? failure;
  console.log(JSON.stringify({ status: failure.status, body: failure.body }));
}
