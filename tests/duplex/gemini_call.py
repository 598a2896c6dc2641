"""A call by Google's own client: a tool, an answer that is interrupted, another answer, and all of it
once more by the handle of the first.

Usage: gemini_call.py URL KEY FOLDER, with the certificate in SSL_CERT_FILE. Prints what it saw as
JSON.
"""

import asyncio
import collections
import json
import sys

import strict
from google import genai
from google.genai import types
from microphone import Microphone, Speaker

RATE, VOICE_RATE = 16_000, 24_000
CLOCK = types.FunctionDeclaration(name="clock", description="Tells the time")


def config(handle=None):
    return types.LiveConnectConfig(
        response_modalities=["AUDIO"],
        system_instruction="Be brief.",
        tools=[types.Tool(function_declarations=[CLOCK])],
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        speech_config=types.SpeechConfig(
            voice_config=types.VoiceConfig(
                prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Puck")
            )
        ),
        realtime_input_config=types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(
                silence_duration_ms=400, prefix_padding_ms=100
            )
        ),
        session_resumption=types.SessionResumptionConfig(handle=handle),
        context_window_compression=types.ContextWindowCompressionConfig(
            trigger_tokens=100_000, sliding_window=types.SlidingWindow(target_tokens=50_000)
        ),
    )


def check_types(seen):
    """Holds each message against the client's own types, before it forgets what they do not know."""
    lenient = types.LiveServerMessage._from_response.__func__

    def checked(cls, *, response, kwargs):
        seen["wrong"].extend(strict.wrong_for_google(json.dumps(response)))
        return lenient(cls, response=response, kwargs=kwargs)

    types.LiveServerMessage._from_response = classmethod(checked)


async def main(url, key, folder):
    seen = {
        "kinds": collections.Counter(),
        "wrong": [],
        "heard": "",
        "said": [""],
        "interrupted": 0,
        "turns": 0,
    }
    check_types(seen)
    options = types.HttpOptions(base_url=url, api_version="v1beta")
    client = genai.Client(api_key=key, http_options=options)
    microphone, speaker = Microphone(folder, RATE), Speaker(VOICE_RATE)
    async with client.aio.live.connect(model="gemini-live", config=config()) as call:

        async def talk():
            async for piece in microphone.pieces():
                blob = types.Blob(data=piece, mime_type=f"audio/pcm;rate={RATE}")
                await call.send_realtime_input(audio=blob)

        talking = asyncio.create_task(talk())
        microphone.say("04")
        try:
            async with asyncio.timeout(60):
                while seen["turns"] < 2:
                    await listen(call, seen, microphone, speaker)
        finally:
            talking.cancel()
    async with client.aio.live.connect(model="gemini-live", config=config(seen["handle"])) as call:
        await call.send_client_content(
            turns=types.Content(role="user", parts=[types.Part(text="Are you still there?")])
        )
        async with asyncio.timeout(30):
            await listen(call, seen, microphone, speaker)
    seen["began_ms"] = microphone.began_ms
    print(json.dumps(seen))


async def listen(call, seen, microphone, speaker):
    """Until a turn is over."""
    async for message in call.receive():
        fields = message.model_dump(exclude_none=True)
        seen["kinds"].update(fields.keys())
        content = message.server_content
        if content:
            seen["kinds"].update(content.model_dump(exclude_none=True).keys())
        if content and content.input_transcription:
            seen["heard"] += content.input_transcription.text or ""
        if content and content.output_transcription:
            seen["said"][-1] += content.output_transcription.text or ""
        if content and content.interrupted:
            seen["interrupted"] += 1
            seen["played_ms"] = speaker.played_ms()
        for part in (content and content.model_turn and content.model_turn.parts) or []:
            speaker.play(part.inline_data.data)
            if len(microphone.began_ms) == 1 and speaker.got_ms > 1000:
                microphone.say("01")
        if message.tool_call:
            calls = message.tool_call.function_calls
            seen["tool"] = {"name": calls[0].name, "args": calls[0].args}
            results = [
                types.FunctionResponse(id=one.id, name=one.name, response={"time": "12:00"})
                for one in calls
            ]
            await call.send_tool_response(function_responses=results)
        if message.session_resumption_update and message.session_resumption_update.resumable:
            seen["handle"] = message.session_resumption_update.new_handle
        if message.usage_metadata:
            seen["usage"] = message.usage_metadata.model_dump(exclude_none=True, mode="json")
        if content and content.turn_complete:
            seen["turns"] += 1
            seen["said"].append("")
            speaker.stop()


asyncio.run(main(*sys.argv[1:]))
