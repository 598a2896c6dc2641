"""A call by OpenAI's own client: a tool, an answer that is interrupted and cut, another answer.

Usage: openai_call.py URL KEY FOLDER. Prints what it saw as JSON.
"""

import asyncio
import base64
import collections
import json
import sys

import strict
from microphone import Microphone, Speaker
from openai import AsyncOpenAI

RATE = 24_000
CLOCK = {
    "type": "function",
    "name": "clock",
    "description": "Tells the time",
    "parameters": {"type": "object", "properties": {}},
}
SESSION = {
    "type": "realtime",
    "instructions": "Be brief.",
    "tools": [CLOCK],
    "audio": {
        "input": {
            "transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 400},
        },
        "output": {"voice": "marin"},
    },
}


async def main(url, key, folder):
    seen = {"kinds": collections.Counter(), "wrong": [], "heard": [], "answers": [], "errors": []}
    microphone, speaker = Microphone(folder, RATE), Speaker(RATE)
    client = AsyncOpenAI(api_key=key, base_url=url)
    async with client.realtime.connect(model="gpt-realtime-2") as call:
        await call.session.update(session=SESSION)

        async def talk():
            async for piece in microphone.pieces():
                await call.input_audio_buffer.append(audio=base64.b64encode(piece).decode())

        talking = asyncio.create_task(talk())
        try:
            async with asyncio.timeout(60):
                await listen(call, seen, microphone, speaker)
        finally:
            talking.cancel()
    seen["began_ms"] = microphone.began_ms
    print(json.dumps(seen))


async def listen(call, seen, microphone, speaker):
    item, interrupted = None, False
    while True:
        raw = await call.recv_bytes()
        seen["wrong"].extend(strict.wrong_for_openai(raw))
        event = call.parse_event(raw)
        seen["kinds"][event.type] += 1
        if event.type == "session.updated":
            seen["session"] = event.session.to_dict()
            microphone.say("04")
        elif event.type == "conversation.item.input_audio_transcription.completed":
            seen["heard"].append(event.transcript)
        elif event.type == "response.function_call_arguments.done":
            seen["tool"] = {"name": event.name, "arguments": json.loads(event.arguments)}
            result = {"type": "function_call_output", "call_id": event.call_id, "output": "12:00"}
            await call.conversation.item.create(item=result)
        elif event.type == "response.output_audio.delta":
            speaker.play(base64.b64decode(event.delta))
            if len(microphone.began_ms) == 1 and speaker.got_ms > 1000:
                microphone.say("01")
                item = event.item_id
        elif event.type == "input_audio_buffer.speech_started" and item and not interrupted:
            interrupted = True
            played = speaker.played_ms()
            seen["played_ms"], seen["got_ms"] = played, speaker.got_ms
            await call.conversation.item.truncate(
                item_id=item, content_index=0, audio_end_ms=played
            )
            await call.conversation.item.retrieve(item_id=item)
            # The service has done that already.
            await call.response.cancel()
        elif event.type == "conversation.item.retrieved":
            seen["cut"] = event.item.content[0].transcript
        elif event.type == "error":
            seen["errors"].append(event.error.code)
        elif event.type == "response.done":
            speaker.stop()
            done = event.response
            kinds = [one.type for one in done.output]
            texts = [one.content[0].transcript for one in done.output if one.type == "message"]
            seen["answers"].append({"status": done.status, "kinds": kinds, "texts": texts})
            seen["usage"] = done.usage.to_dict()
            if kinds == ["function_call"]:
                await call.response.create()
            elif interrupted and done.status == "completed":
                return


asyncio.run(main(*sys.argv[1:]))
