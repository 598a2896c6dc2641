// A call by OpenAI's agents for JavaScript: a tool, an answer that is interrupted and cut, another
// answer. Usage: agents_call.mjs URL KEY FOLDER. Prints what it saw as JSON.

import { readFileSync } from "node:fs";
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";
import { z } from "zod";

const [url, key, folder] = process.argv.slice(2);
const PIECE_MS = 20;
const PIECE = (24_000 * 2 * PIECE_MS) / 1000;

const seen = { kinds: {}, sound_ms: 0, interruptions: 0, errors: [], tools: [], history: [] };
const queue = [];
let sentences = 0;

function say(sentence) {
  sentences += 1;
  const sound = readFileSync(`${folder}/${sentence}.pcm`);
  for (let at = 0; at < sound.length; at += PIECE) queue.push(sound.subarray(at, at + PIECE));
}

const clock = tool({
  name: "clock",
  description: "Tells the time",
  parameters: z.object({}),
  execute: async () => "12:00",
});
const agent = new RealtimeAgent({ name: "me", instructions: "Be brief.", tools: [clock] });
const transport = new OpenAIRealtimeWebSocket({ useInsecureApiKey: true });
const session = new RealtimeSession(agent, {
  transport,
  model: "gpt-realtime-2",
  config: {
    audio: {
      input: {
        transcription: { model: "gpt-4o-mini-transcribe" },
        turnDetection: { type: "server_vad", silenceDurationMs: 400, interruptResponse: true },
      },
    },
  },
});

const over = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("it took too long")), 60_000).unref();
  let got = 0;
  session.on("transport_event", (event) => {
    seen.kinds[event.type] = (seen.kinds[event.type] ?? 0) + 1;
    if (event.type === "conversation.item.truncated") seen.truncated_ms = event.audio_end_ms;
    if (event.type === "response.done" && seen.interruptions > 0 && got > 200) {
      // What follows is the history's.
      setTimeout(resolve, 500);
    }
  });
  session.on("audio", (event) => {
    const ms = event.data.byteLength / 48;
    seen.sound_ms += ms;
    got += ms;
    if (sentences === 1 && got > 1000) say("01");
  });
  session.on("audio_interrupted", () => {
    seen.interruptions += 1;
    got = 0;
  });
  session.on("agent_tool_end", (_context, _agent, called, result) => {
    seen.tools.push({ name: called.name, result });
  });
  session.on("error", (error) => seen.errors.push(JSON.stringify(error)));
  session.on("history_updated", (history) => {
    seen.history = history.map((item) => ({
      role: item.role ?? item.type,
      text: (item.content ?? []).map((part) => part.text ?? part.transcript ?? "").join(" "),
    }));
  });
});

await session.connect({ apiKey: key, url });
say("04");
const begin = performance.now();
let sent = 0;
const talking = setInterval(() => {
  for (; sent * PIECE_MS < performance.now() - begin; sent += 1) {
    const piece = new Uint8Array(PIECE);
    piece.set(queue.shift() ?? []);
    session.sendAudio(piece.buffer);
  }
}, PIECE_MS / 2);
try {
  await over;
} finally {
  clearInterval(talking);
  session.close();
}
console.log(JSON.stringify(seen));
process.exit(0);
