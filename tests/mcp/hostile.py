"""A server of the Model Context Protocol that misbehaves as its argument, and its tools, say."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

MODE = sys.argv[1]
CANCELLED = []
ANSWERED = {}
MORE = []
LINGERING = []


def main():
    if MODE == "crash":
        sys.exit("no such database: " + os.environ.get("DB_KEY", ""))
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "1000"])
        note(f"{os.getpid()} {child.pid}")
    if MODE == "count":
        note("started")
    for line in sys.stdin:
        message = json.loads(line)
        threading.Thread(target=hear, args=[message], daemon=True).start()
    while MODE == "stubborn" or LINGERING:
        time.sleep(1)


def note(line):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(line + "\n")


def hear(message):
    method, id = message.get("method"), message.get("id")
    if method is None:
        ANSWERED[id] = message.get("result") or message.get("error")
    elif method == "notifications/cancelled":
        CANCELLED.append(message["params"]["requestId"])
    elif method == "initialize":
        initialize(id, message["params"])
    elif method == "server/discover" and MODE == "modern":
        answer(id, {
            "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "modern", "version": "1"},
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
        })
    elif method == "tools/list":
        list_tools(id, message.get("params") or {})
    elif method == "tools/call":
        call(id, message["params"]["name"], message["params"].get("arguments") or {})
    elif id is not None:
        refuse(id, -32601, "Method not found")


def initialize(id, params):
    if MODE == "silent":
        print("waiting for the moon", file=sys.stderr, flush=True)
        return
    if MODE == "modern":
        return refuse(id, -32022, "Unsupported protocol version")
    version = "1999-01-01" if MODE == "ancient" else params["protocolVersion"]
    if MODE == "flood_at_once":
        send_raw("x" * (20 << 20))
    answer(id, {
        "protocolVersion": version,
        "capabilities": {"tools": {"listChanged": True}},
        "serverInfo": {"name": "hostile", "version": "1"},
    })


def list_tools(id, params):
    if MODE == "hide":
        return
    names = [
        "echo", "wait", "die", "flood_line", "flood_notes", "flood_stderr", "change", "garbage",
        "ask", "cancelled", "environment", "flood_requests", "fail", "close", "odd", "slow",
    ]
    tools = [tool(name) for name in names + MORE]
    result = {"tools": tools, "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    if MODE == "pages":
        page = int(params.get("cursor", "0"))
        result["tools"] = [tool(f"tool_{page}_{n}") for n in range(30)]
        result["nextCursor"] = str(page + 1)
    if MODE == "large":
        result["tools"].append(tool("large", "x" * 70_000))
    if MODE == "restless":
        send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        note("listed")
    answer(id, result)


def tool(name, about="A tool."):
    schema = {"properties": {"text": {"type": "string", "description": about}}}
    described = {"name": name, "description": about[:100], "inputSchema": schema}
    if name in ("echo", "cancelled"):
        described["annotations"] = {"readOnlyHint": True}
    return described


def call(id, name, arguments):
    if name == "wait":
        return
    if name == "die":
        print("line one\nout of tea: " + os.environ.get("KEY", ""), file=sys.stderr, flush=True)
        os._exit(3)
    if name == "close":
        LINGERING.append(name)
        os.close(1)
    if name == "flood_line":
        send_raw("x" * (20 << 20), end="")
        time.sleep(100)
    if name == "flood_notes":
        for n in range(arguments["count"]):
            data = {"level": "info", "data": "x" * 100}
            send({"jsonrpc": "2.0", "method": "notifications/message", "params": data})
            if n % 1000 == 999:
                note(f"{n + 1} sent")
    if name == "flood_stderr":
        for n in range(arguments["count"]):
            sys.stderr.write("y" * 1023 + "\n")
        print("the last line", file=sys.stderr, flush=True)
    if name == "flood_requests":
        for n in range(arguments["count"]):
            send({"jsonrpc": "2.0", "id": f"flood-{n}", "method": "sampling/createMessage",
                  "params": {"messages": [], "maxTokens": 1}})
    if name == "change":
        MORE.append(f"more_{len(MORE)}")
        for n in range(100):
            send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    if name == "garbage":
        for line in ["{", "null", "[1, 2", '{"jsonrpc": "2.0"}', "\udcff", '{"id": {}}', ""]:
            send_raw(line)
    if name == "fail":
        content = [{"type": "text", "text": "no such file"}]
        return answer(id, {"content": content, "isError": True})
    if name == "odd":
        return answer(id, {"tools": "none"})
    if name == "slow":
        time.sleep(0.3)
    told = arguments.get("text", "done")
    if name == "ask":
        told = json.dumps([ask(method, params) for method, params in QUESTIONS])
    if name == "cancelled":
        told = json.dumps(CANCELLED)
    if name == "environment":
        told = json.dumps(dict(os.environ, CWD=os.getcwd()))
    content = [{"type": "text", "text": told}]
    answer(id, {"content": content, "resultType": "complete"})


QUESTIONS = [
    ("elicitation/create", {"message": "Your name?", "requestedSchema": {
        "type": "object", "properties": {"name": {"type": "string"}}}}),
    ("sampling/createMessage", {"messages": [], "maxTokens": 10}),
    ("roots/list", {}),
]


def ask(method, params):
    send({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
    while method not in ANSWERED:
        time.sleep(0.01)
    return ANSWERED[method]


def answer(id, result):
    send({"jsonrpc": "2.0", "id": id, "result": result})


def refuse(id, code, why):
    send({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}})


def send(message):
    send_raw(json.dumps(message))


LOCK = threading.Lock()


def send_raw(line, end="\n"):
    with LOCK:
        sys.stdout.buffer.write((line + end).encode(errors="surrogateescape"))
        sys.stdout.buffer.flush()


main()
