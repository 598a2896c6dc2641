"""Holds what a client says against the types of OpenAI's and Google's own clients.

Usage: client_events.py openai|gemini. Reads a JSON object from each line, and prints as JSON how many
of each kind there were, and what is wrong: values that the types do not allow, and keys that they have
no name for.
"""

import collections
import json
import sys

import pydantic


def main():
    check = {"openai": of_openai, "gemini": of_gemini}[sys.argv[1]]()
    kinds, wrong = collections.Counter(), []
    for line in sys.stdin:
        message = json.loads(line)
        try:
            kind, problems = check(message)
        except pydantic.ValidationError as error:
            kind, problems = "?", [f"{line.strip()}: {error}"]
        kinds[kind] += 1
        wrong += problems
    print(json.dumps({"kinds": kinds, "wrong": wrong}))


def of_openai():
    from openai.types.realtime import RealtimeClientEvent

    types = pydantic.TypeAdapter(RealtimeClientEvent)

    def check(message):
        event = types.validate_python(message)
        return event.type, list(unknown_keys(event, event.type))

    return check


def unknown_keys(value, place):
    """These types take any key, and keep what they have no name for."""
    if isinstance(value, pydantic.BaseModel):
        yield from (f"{place}.{key}" for key in value.model_extra or {})
        for key in value.model_fields_set:
            yield from unknown_keys(getattr(value, key, None), f"{place}.{key}")
    elif isinstance(value, list):
        for one in value:
            yield from unknown_keys(one, place)


def of_gemini():
    from google.genai import types

    def check(message):
        (kind,) = message
        if kind == "setup":
            # Google's type of this message lacks what its client sends all the same.
            types.RealtimeInputConfig.model_validate(message[kind].pop("realtimeInputConfig"))
        # These types refuse what they have no name for.
        said = types.LiveClientMessage.model_validate(message)
        inner = getattr(said, next(iter(said.model_fields_set)))
        return f"{kind}.{'+'.join(sorted(inner.model_fields_set))}", []

    return check


if __name__ == "__main__":
    main()
