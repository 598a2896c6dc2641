#!/usr/bin/env python3
"""Synthesizes the speech in assets/ with flite, and labels it exactly.

    scripts/make_assets.py            # writes into assets/ beside this folder
    scripts/make_assets.py some/dir   # writes there instead
    scripts/make_assets.py --speech some/dir
                                      # only clips, for `banter bench turns --make`

Needs Python 3.9 or later and the program flite; nothing else. The same flite
gives the same bytes: nothing is random but the noise, and that is seeded.
The labels are taken from the samples before any noise is added.
"""

import array
import json
import math
import random
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

RATE = 16_000
USER_VOICE = "rms"
AGENT_VOICE = "slt"
LICENCE = "Apache-2.0, synthesized by scripts/make_assets.py with flite"

# A sample counts as speech from -50 dBFS on.
LOUD = 32768 * 10 ** (-50 / 20)
# Silence must not be digital zero: a real microphone never gives it.
NOISE_RMS = 32768 * 10 ** (-70 / 20)
NOISE_SEED = 7

# The conversation keeps room for the agent: it waits for 800 ms of silence, then thinks.
LEAD_MS = 1_000
END_OF_TURN_MS = 800
THINKING_MS = 700
PAUSE_AFTER_ANSWER_MS = 800
BARGE_IN_AFTER_MS = 5_000
# Shorter than the 800 ms that end a turn, long enough to tempt an impatient agent.
HESITATION_MS = 520

# kind, the parts of the turn (a hesitation stands between two), what the agent is expected to
# answer. `None` is the answer that the next turn interrupts.
TURNS = [
    ("question", ["how much is ten plus five"], "It is fifteen."),
    ("hesitation", ["my name is", "john"], "Hello, John. I will remember that."),
    ("story", ["tell me a story"], None),
    ("barge_in", ["stop please"], "Okay."),
    ("question", ["what is my name"], "Sure, your name is John."),
    ("short", ["goodbye"], "Goodbye! It was nice to talk to you."),
]

# Each has a short answer, so a test can join any of them into a conversation. Like the turns
# above, these are sentences that the embedded recogniser gets right in this voice.
SENTENCES = [
    "hello",
    "hello there",
    "good morning",
    "what time is it",
    "what is the time",
    "how much is ten plus five",
    "how much is three plus four",
    "what is three plus four",
    "my name is john",
    "what is my name",
    "how far is the moon",
    "never mind",
]


# Who speaks to an agent in the scenarios of turn taking, and what the agent says.
TURN_VOICES = ["rms", "awb", "kal16"]
AGENT_STORY = (
    "once upon a time there was a small house at the edge of a forest, and in that house lived "
    "an old woman, who knew the name of every bird"
)


def main():
    if sys.argv[1:2] == ["--speech"]:
        return make_speech(Path(sys.argv[2]))
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "assets"
    make_conversation(out)
    make_sentences(out)


def make_conversation(out):
    samples, turns = array.array("h"), []
    start = LEAD_MS
    for kind, parts, answer in TURNS:
        turn, end = {"text": " ".join(parts), "start_ms": start, "end_ms": 0, "kind": kind}, start
        for number, part in enumerate(parts):
            if number > 0:
                turn["pause_ms"] = [end, end + HESITATION_MS]
                end += HESITATION_MS
            end = place(samples, end, say(USER_VOICE, part))
        turn["end_ms"] = end
        turns.append(turn)
        start = end + END_OF_TURN_MS + THINKING_MS + room_for(answer)
    pad_to(samples, start)
    add_noise(samples)
    write_wav(out / "conversation.wav", samples)
    write_json(
        out / "conversation.json",
        description="A user's side of a conversation; room is left for the agent's answers.",
        turns=turns,
    )


def make_sentences(out):
    sentences = []
    for number, text in enumerate(SENTENCES, 1):
        samples = say(USER_VOICE, text)
        first, end = loud_part(samples)
        file = f"sentences/{number:02}.wav"
        write_wav(out / file, samples)
        label = {"file": file, "text": text, "start_ms": to_ms(first), "end_ms": to_ms(end)}
        sentences.append(label)
    write_json(
        out / "sentences.json",
        description="Single sentences of a user, without noise, to compose conversations from.",
        sentences=sentences,
    )


def make_speech(out):
    """Every sentence in every voice, and the agent's story, with the list of them."""
    clips = [(voice, text) for text in SENTENCES for voice in TURN_VOICES]
    entries = []
    for number, (voice, text) in enumerate([*clips, (AGENT_VOICE, AGENT_STORY)]):
        path = f"{number:02}-{voice}.wav"
        write_wav(out / path, say(voice, text))
        entry = {"path": path, "set": "command", "lang": "en", "speaker": voice}
        entries.append({**entry, "transcript": text, "licence": LICENCE})
    (out / "manifest.json").write_text(json.dumps(entries, indent=1) + "\n")


def say(voice, text):
    """The samples of `text` as flite speaks it."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "speech.wav")
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", file], check=True)
        with wave.open(file) as speech:
            shape = (speech.getframerate(), speech.getnchannels(), speech.getsampwidth())
            if shape != (RATE, 1, 2):
                sys.exit(f"flite's voice {voice} gave {shape}, not 16 kHz mono 16-bit: try flite 2.2")
            samples = array.array("h", speech.readframes(speech.getnframes()))
    return swapped_on_big_endian(samples)


def place(samples, start_ms, speech):
    """Mixes `speech` in so that its first loud sample is at `start_ms`; returns its end in ms.

    The end is a whole millisecond: the first one at or after the last loud sample.
    """
    first, end = loud_part(speech)
    origin = start_ms * RATE // 1000 - first
    pad_to(samples, math.ceil((origin + len(speech)) * 1000 / RATE))
    for offset, sample in enumerate(speech, origin):
        samples[offset] = clipped(samples[offset] + sample)
    return to_ms(origin + end)


def loud_part(samples):
    """The first loud sample and the one after the last."""
    loud = [at for at, sample in enumerate(samples) if abs(sample) >= LOUD]
    return loud[0], loud[-1] + 1


def room_for(answer):
    """How long the user listens, in ms, once the agent has begun to speak."""
    if answer is None:
        return BARGE_IN_AFTER_MS
    return to_ms(len(say(AGENT_VOICE, answer))) + PAUSE_AFTER_ANSWER_MS


def add_noise(samples):
    chance = random.Random(NOISE_SEED)
    for at, sample in enumerate(samples):
        samples[at] = clipped(sample + round(chance.gauss(0, NOISE_RMS)))


def pad_to(samples, ms):
    samples.extend([0] * (ms * RATE // 1000 - len(samples)))


def clipped(sample):
    return max(-32768, min(32767, sample))


def to_ms(sample):
    return math.ceil(sample * 1000 / RATE)


def swapped_on_big_endian(samples):
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def write_wav(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(swapped_on_big_endian(array.array("h", samples)).tobytes())
    print(f"{path}: {len(samples) / RATE:.2f} s")


def write_json(path, description, **content):
    head = {"description": description, "licence": LICENCE, "rate": RATE}
    path.write_text(json.dumps({**head, **content}, indent=2) + "\n")


if __name__ == "__main__":
    main()
