// What users do with the openai package, one task a run; asked and answered in JSON.
//   {"url", "task": one of those below, …}
import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import OpenAI, { APIError } from "openai";

const asked = JSON.parse(readFileSync(0, "utf8"));
const client = new OpenAI({ baseURL: `${asked.url}/v1`, apiKey: "none", maxRetries: 0 });
const file = () => createReadStream(asked.file);

const tasks = {
  async speech() {
    const answer = await client.audio.speech.create(asked.fields);
    await pipeline(Readable.fromWeb(answer.body), createWriteStream(asked.file));
    return { type: answer.headers.get("content-type") };
  },
  transcription: () => client.audio.transcriptions.create({ file: file(), ...asked.fields }),
  async events() {
    const stream = await client.audio.transcriptions.create({ file: file(), stream: true, ...asked.fields });
    return await collected(stream);
  },
  async models() {
    return await collected(client.models.list());
  },
};

async function collected(items) {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
}

try {
  console.log(JSON.stringify({ answer: await tasks[asked.task]() }));
} catch (failure) {
  if (!(failure instanceof APIError)) throw failure;
  const { status, code, param, type, requestID, message } = failure;
  console.log(JSON.stringify({ failure: { name: failure.constructor.name, status, code, param, type, requestID, message } }));
}
