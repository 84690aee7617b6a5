"""Runs `openai-harmony`, gpt-oss's own library, over turns of our harmony templates."""

from __future__ import annotations

from typing import Any

import worker_loop


def main() -> None:
    from openai_harmony import (
        HarmonyEncodingName,
        Role,
        StreamableParser,
        load_harmony_encoding,
    )

    encoding = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        text = request.get("text") or "".join(request["pieces"])
        tokens = encoding.encode(text, allowed_special="all")
        if "pieces" not in request:
            return _read(encoding.parse_messages_from_completion_tokens(tokens, Role.ASSISTANT))
        parser = StreamableParser(encoding, role=Role.ASSISTANT)
        for token in tokens:
            parser.process(token)
        parser.process_eos()
        return _read(parser.messages)

    worker_loop.serve(answer)


def _read(messages: list[Any]) -> dict[str, Any]:
    content: list[str] = []
    calls: list[list[str]] = []
    for message in messages:
        text = "".join(part.text for part in message.content)
        if message.recipient and message.recipient.startswith("functions."):
            calls.append([message.recipient.removeprefix("functions."), text])
        elif message.channel != "analysis":
            content.append(text)
    return {"content": "".join(content), "calls": calls}


if __name__ == "__main__":
    main()
