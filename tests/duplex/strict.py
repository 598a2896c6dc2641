"""Holds what the mock sends against the types of the services' own clients, which let more pass.

Usage: strict.py openai|google FILE, with a message on each line. Prints what is wrong as JSON.
"""

import json
import sys

import pydantic

# The client's types have what a client may set of a session.
OF_THE_SERVICE = (".session.id", ".session.object", ".session.expires_at")


def wrong_for_openai(raw):
    """What is wrong with an event: a value that cannot be, or a key that no type has."""
    try:
        event = openai_types().validate_json(raw)
    except pydantic.ValidationError as error:
        return [f"{raw}: {error}"]
    found = unknown_keys(event, event.type)
    return [key for key in found if not key.endswith(OF_THE_SERVICE)]


def wrong_for_google(raw):
    """What is wrong with a message. These types forbid what they do not know."""
    from google.genai import types

    try:
        types.LiveServerMessage.model_validate_json(raw)
    except pydantic.ValidationError as error:
        return [f"{raw}: {error}"]
    return []


def openai_types(made=[]):
    if not made:
        from openai.types.realtime import RealtimeServerEvent

        made.append(pydantic.TypeAdapter(RealtimeServerEvent))
    return made[0]


def unknown_keys(value, place):
    if isinstance(value, pydantic.BaseModel):
        yield from (f"{place}.{key}" for key in value.model_extra or {})
        for key in value.model_fields_set:
            yield from unknown_keys(getattr(value, key, None), f"{place}.{key}")
    elif isinstance(value, list):
        for one in value:
            yield from unknown_keys(one, place)


if __name__ == "__main__":
    check = {"openai": wrong_for_openai, "google": wrong_for_google}[sys.argv[1]]
    with open(sys.argv[2], encoding="utf-8") as file:
        print(json.dumps([found for line in file for found in check(line)]))
