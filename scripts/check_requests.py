#!/usr/bin/env python3
"""Holds requests to language models against the types of their vendors' own clients.

Reads from each line {"vendor": "openai"|"responses"|"anthropic"|"gemini", "body": {...}}, and prints as
JSON what is wrong: values that the types do not allow, keys that they have no name for, and keys that are
missing. The exit code is 1 if anything is. Needs what tests/vendors/requirements.txt lists:

    tests/vendors/python/bin/python scripts/check_requests.py <requests.jsonl
"""

import collections.abc
import importlib
import json
import sys
import types
import typing

import typing_extensions

TYPED = {
    "openai": ("openai.types.chat.completion_create_params", "CompletionCreateParams"),
    "responses": ("openai.types.responses.response_create_params", "ResponseCreateParams"),
    "anthropic": ("anthropic.types.message_create_params", "MessageCreateParams"),
}

# They are sent only where they are set. OpenAI's client has no name for what other servers of its protocol
# take, and Anthropic's none any more for what its older models take.
OF_OTHERS = {"openai": {"top_k"}, "anthropic": {"temperature", "top_p", "top_k"}}

# It is another kind of thing altogether: marks that the type was hardly meant.
SHAPE = "shape"


def main():
    wrong = []
    for line in sys.stdin:
        request = json.loads(line)
        vendor, body = request["vendor"], request["body"]
        found = of_gemini(body) if vendor == "gemini" else of_typed(vendor, body)
        wrong += [f"{vendor}{problem}" for problem in found if problem != SHAPE]
    print(json.dumps(wrong))
    sys.exit(bool(wrong))


def of_typed(vendor, body):
    module, name = TYPED[vendor]
    # One for whole answers, one for streams.
    kinds = typing.get_args(getattr(importlib.import_module(module), name))
    others = OF_OTHERS.get(vendor, ())
    body = {key: value for key, value in body.items() if key not in others}
    return problems(typing.Union[kinds], body, "")


def problems(kind, value, place):
    """What is wrong with a value by a type hint, as a list."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind in (object, typing.Any):
        return []
    if origin in (typing.Annotated, typing_extensions.Required, typing_extensions.NotRequired):
        return problems(inner[0], value, place)
    if origin in (typing.Union, types.UnionType):
        # The one that it comes closest to: of its own shape, if there is such a one.
        all_found = [problems(one, value, place) for one in inner]
        return min(all_found, key=lambda found: (SHAPE in found, len(found)))
    if origin in (typing.Literal, typing_extensions.Literal):
        return [] if value in inner else [f"{place}: {short(value)} is none of {inner}"]
    if typing_extensions.is_typeddict(kind):
        return of_object(kind, value, place)
    if origin in (dict, collections.abc.Mapping):
        if not isinstance(value, dict):
            return [SHAPE, f"{place}: {short(value)} is no object"]
        return [found for key in value for found in problems(inner[1], value[key], f"{place}.{key}")]
    if isinstance(origin, type) and issubclass(origin, collections.abc.Iterable) or is_sequence(origin):
        if not isinstance(value, list):
            return [SHAPE, f"{place}: {short(value)} is no list"]
        return [found for one in value for found in problems(inner[0], one, f"{place}[]")]
    if kind is type(None):
        return [] if value is None else [SHAPE, f"{place}: {short(value)} is not null"]
    if origin is typing.IO:
        return [SHAPE, f"{place}: {short(value)} is no file"]
    if kind is float:
        kind = (int, float)
    right = isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)
    return [] if right else [SHAPE, f"{place}: {short(value)} is no {kind}"]


def short(value):
    return repr(value)[:100]


def is_sequence(origin):
    """These clients have a list that a text is not taken for."""
    return getattr(origin, "__name__", "") == "SequenceNotStr"


def is_required(hint):
    return typing.get_origin(hint) is typing_extensions.Required


def of_object(kind, value, place):
    if not isinstance(value, dict):
        return [SHAPE, f"{place}: {short(value)} is no object"]
    hints = typing_extensions.get_type_hints(kind, include_extras=True)
    # Where hints are texts, the class does not know what they require.
    required = {key for key, hint in hints.items() if is_required(hint)} | kind.__required_keys__
    found = [f"{place}.{key} is missing" for key in sorted(required - value.keys())]
    for key, one in value.items():
        if key in hints:
            found += problems(hints[key], one, f"{place}.{key}")
        else:
            found.append(f"{place}.{key} is unknown")
    return found


def of_gemini(body):
    """The client's types are those of the parts of a request. They refuse what they do not know."""
    import pydantic
    from google.genai import types as google

    parts = {
        "contents": list[google.Content],
        "systemInstruction": google.Content,
        "tools": list[google.Tool],
        "toolConfig": google.ToolConfig,
        "safetySettings": list[google.SafetySetting],
        "generationConfig": google.GenerationConfig,
        "cachedContent": str,
    }
    found = [] if "contents" in body else [".contents is missing"]
    for key, value in body.items():
        if key not in parts:
            found.append(f".{key} is unknown")
            continue
        try:
            pydantic.TypeAdapter(parts[key]).validate_python(value)
        except pydantic.ValidationError as error:
            found += [f".{key}: {problem['loc']}: {problem['msg']}" for problem in error.errors()]
    return found


if __name__ == "__main__":
    main()
