#!/usr/bin/env python3
"""Writes what Silero says of sound files, by Python's onnxruntime and the model for both rates.

It is the reference of the tests in src/models/onnx/tests.rs:

    python3 -m venv /tmp/silero
    /tmp/silero/bin/pip install numpy onnxruntime==1.31.1
    /tmp/silero/bin/pip download --no-deps --dest /tmp/silero silero-vad==6.2.3
    unzip -d /tmp/silero /tmp/silero/silero_vad-*.whl
    /tmp/silero/bin/python scripts/silero_reference.py /tmp/silero/silero_vad/data/silero_vad.onnx \\
        assets/conversation.wav $BANTER_SPEECH_DATA/librivox/*.wav ... >src/models/onnx/reference.json

Files are named by their last two parts. Of each, every eighth window of the first 20 seconds.
"""

import json
import sys
import wave
from pathlib import Path

import numpy as np
import onnxruntime

FRAME, CONTEXT, EVERY, SECONDS = 512, 64, 8, 20


def main(model, *files):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    said = {"/".join(Path(file).parts[-2:]): probabilities(session, file) for file in files}
    lines = [f" {json.dumps(file)}: {json.dumps(all)}" for file, all in said.items()]
    print("{", ",\n".join(lines), "}", sep="\n")


def probabilities(session, file):
    with wave.open(file) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (16000, 1, 2), file
        samples = np.frombuffer(wav.readframes(SECONDS * 16000), np.int16)
    samples = samples.astype(np.float32) / 32768
    state, context, said = np.zeros((2, 1, 128), np.float32), np.zeros(CONTEXT, np.float32), []
    for at in range(0, len(samples) - FRAME + 1, FRAME):
        window = np.concatenate([context, samples[at : at + FRAME]])
        inputs = {"input": window[None], "state": state, "sr": np.array(16000, np.int64)}
        probability, state = session.run(None, inputs)
        context = window[-CONTEXT:]
        said.append(round(float(probability[0, 0]), 4))
    return said[EVERY - 1 :: EVERY]


main(*sys.argv[1:])
