"""A server of chat that stands in for a vision model: the wire is real, what it sees is not."""

import asyncio
import threading
from contextlib import contextmanager

from aiohttp import web


@contextmanager
def serving(answers):
    """A chat server in a thread of its own, which answers by the picture that it is shown."""
    loop, asked = asyncio.new_event_loop(), []

    async def chat(request):
        body = await request.json()
        asked.append(body)
        if not answers:
            raise web.HTTPInternalServerError
        message = {"role": "assistant", "content": answers.pop(0)}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})

    async def models(request):
        return web.json_response({"data": [{"id": "eyes"}]})

    async def start():
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", chat)
        app.router.add_get("/v1/models", models)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1", asked
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
