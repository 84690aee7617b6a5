"""A scripted model behind an OpenAI-compatible server: `python script_server.py SCRIPTS.json [PORT]`.

SCRIPTS.json maps a text that a task's statement holds to a list of assistant turns; the next one is
chosen by how many assistant messages the request holds, so the server has no state and may die at any
moment. A turn is a shell command, or null for the end. It answers in the form the client understands:
a call of the tool that the request declares (`bash`, `submit`), else text with a fenced command.
Prints its port when it listens.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from aiohttp import web


class Scripts:
    def __init__(self, scripts: dict[str, list[str | None]], latency_s: float) -> None:
        self.scripts = scripts
        self.latency_s = latency_s
        self.num_requests = 0

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "scripted", "object": "model"}]})

    async def complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.num_requests += 1
        messages = body["messages"]
        text = "\n".join(_text(it) for it in messages if it["role"] in ("system", "user"))
        script = next(turns for key, turns in self.scripts.items() if key in text)
        index = sum(it["role"] == "assistant" for it in messages)
        command = script[min(index, len(script) - 1)]
        await asyncio.sleep(self.latency_s)
        tools = {it["function"]["name"] for it in body.get("tools") or ()}
        if command is None and "edit" in tools:  # verifiers: an answer without a call is the end
            tools = set()
            command = "true"
        message = _called(command, tools, index) if tools else _fenced(command)
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": "tool_calls" if tools else "stop",
        }
        usage = {"prompt_tokens": len(text) // 4, "completion_tokens": 40, "total_tokens": 40}
        answer = {
            "id": f"c{self.num_requests}",
            "object": "chat.completion",
            "created": 0,
            "model": "scripted",
            "choices": [choice],
            "usage": usage,
        }
        return web.json_response(answer)


def _text(message: dict) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(it.get("text", "") for it in content)


END = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"


def _called(command: str | None, tools: set[str], index: int) -> dict:
    if command is None and "submit" in tools:
        name, arguments = "submit", {}
    else:
        name, arguments = "bash", {"command": END if command is None else command}
    call = {"name": name, "arguments": json.dumps(arguments)}
    calls = [{"id": f"call_{index}", "type": "function", "function": call}]
    return {"role": "assistant", "content": "The next step.", "tool_calls": calls}


def _fenced(command: str | None) -> dict:
    shown = END if command is None else command
    return {
        "role": "assistant",
        "content": f"The next step.\n\n```mswea_bash_command\n{shown}\n```",
    }


async def serve(path: Path, port: int, latency_s: float) -> None:
    scripts = Scripts(json.loads(path.read_text()), latency_s)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_get("/v1/models", scripts.models)
    app.router.add_post("/v1/chat/completions", scripts.complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True, backlog=4096)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    _, path, *rest = sys.argv
    asyncio.run(serve(Path(path), int(rest[0]) if rest else 0, float(rest[1]) if rest[1:] else 0.0))
