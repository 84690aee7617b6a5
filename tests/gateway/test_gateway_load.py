"""Clients that go away, queues that are full, servers that stop, models that are silent."""

import asyncio

import aiohttp
import pytest

from journeyman.gateway import Gateway, GatewaySettings, Limits, listen_unix, serving
from journeyman.templates import get_template

CHAT = "/v1/chat/completions"
KEY = {"Authorization": "Bearer rollout-1"}


class Held:
    """Lets a spoken model draw when it is told to."""

    streams_tokens = True

    def __init__(self, model):
        self.model = model
        self.go = asyncio.Event()
        self.num_waiting = 0
        self.name, self.reads_text = model.name, True
        self.tokenize = model.tokenize

    async def stream(self, prompt, sampling):
        self.num_waiting += 1
        try:
            await self.go.wait()
        finally:
            self.num_waiting -= 1
        async for item in self.model.stream(prompt, sampling):
            yield item


async def until(is_true):
    async with asyncio.timeout(20):
        while not is_true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_a_client_that_goes_away_ends_the_drawing(kit, is_streamed):
    model = Held(kit.spoken(kit.say("Hi.")))
    async with kit.running(model) as client:
        session = client.gateway.sessions.open("rollout-1")
        call = asyncio.create_task(client.post(CHAT, kit.ask | {"stream": is_streamed}, **KEY))
        await until(lambda: model.num_waiting == 1)
        call.cancel()
        await until(lambda: model.num_waiting == 0)
        await until(lambda: client.gateway.gate.num_inside == 0)
        assert (session.num_broken_off, session.num_turns) == (1, 0)
        model.go.set()
        assert (await client.post(CHAT, kit.ask, **KEY))[0] == 200


async def test_a_client_that_goes_away_in_the_middle_ends_the_drawing(kit):
    model = kit.spoken(kit.say("word " * 100_000))
    async with kit.running(model) as client:
        session = client.gateway.sessions.open("rollout-1")
        body = kit.ask | {"stream": True}
        async with client.http.post(client.url + CHAT, json=body, headers=KEY) as response:
            await response.content.readline()
            assert model.num_drawing == 1
            response.close()
        await until(lambda: model.num_drawing == 0)
        assert session.num_broken_off == 1
        assert client.gateway.record(session).turns == ()


async def test_a_client_that_does_not_read_holds_the_drawing_back(kit):
    model = kit.spoken(kit.say("word " * 200_000))
    async with kit.running(model) as client:
        body = kit.ask | {"stream": True}
        timeout = aiohttp.ClientTimeout(total=None)
        async with client.http.post(client.url + CHAT, json=body, timeout=timeout) as response:
            await response.content.readline()
            assert response.connection is not None
            response.connection.transport.pause_reading()
            session = client.gateway.sessions.find("")
            last = -1
            # Buffers fill, and then nothing moves any more, while the drawing is still going on.
            while last != (last := model.num_drawn):
                for _ in range(2000):
                    await asyncio.sleep(0)
            assert model.num_drawing == 1
            assert session.num_turns == 0
            response.close()
        await until(lambda: model.num_drawing == 0)


async def test_a_full_queue_refuses_and_says_when_to_come_again(kit):
    model = Held(kit.spoken(kit.say("Hi.")))
    async with kit.running(model, num_running=1, num_waiting=1) as client:
        calls = [asyncio.create_task(client.post(CHAT, kit.ask)) for _ in range(2)]
        await until(lambda: client.gateway.gate.num_inside == 2)
        async with client.http.post(client.url + CHAT, json=kit.ask) as response:
            assert response.status == 429
            assert response.headers["retry-after"] == "1"
            assert (await response.json())["error"]["type"] == "rate_limit_error"
        assert model.num_waiting == 1
        model.go.set()
        answers = await asyncio.gather(*calls)
    assert [status for status, _ in answers] == [200, 200]


async def test_a_client_that_goes_away_while_it_waits_leaves_the_queue(kit):
    model = Held(kit.spoken(kit.say("Hi.")))
    async with kit.running(model, num_running=1) as client:
        first = asyncio.create_task(client.post(CHAT, kit.ask))
        await until(lambda: model.num_waiting == 1)
        second = asyncio.create_task(client.post(CHAT, kit.ask))
        await until(lambda: client.gateway.gate.num_waiting == 1)
        second.cancel()
        await until(lambda: client.gateway.gate.num_inside == 1)
        model.go.set()
        assert (await first)[0] == 200


async def test_a_server_that_stops_lets_calls_end_and_begins_none(kit):
    model = Held(kit.spoken(kit.say("Hi.")))
    gateway = Gateway(model, get_template("qwen3_coder"))
    async with aiohttp.ClientSession() as http:
        stack = serving(gateway, drain_s=20)
        url = await stack.__aenter__()
        under_way = asyncio.create_task(http.post(url + CHAT, json=kit.ask | {"stream": True}))
        await until(lambda: model.num_waiting == 1)
        stopping = asyncio.create_task(stack.__aexit__(None, None, None))
        await until(lambda: gateway.gate.is_closed)
        async with http.post(url + CHAT, json=kit.ask) as response:
            assert response.status == 503
            assert response.headers["retry-after"] == "5"
        model.go.set()
        async with await under_way as response:
            text = await response.text()
        await stopping
    assert text.endswith("data: [DONE]\n\n")


async def test_a_call_that_outlasts_the_drain_is_ended(kit):
    model = Held(kit.spoken(kit.say("Hi.")))
    async with aiohttp.ClientSession() as http:
        async with serving(Gateway(model, get_template("qwen3_coder")), drain_s=0.01) as url:
            call = asyncio.create_task(http.post(url + CHAT, json=kit.ask))
            await until(lambda: model.num_waiting == 1)
        assert model.num_waiting == 0
        async with await call as response:
            assert response.status == 503
            assert (await response.json())["error"]["message"] == "the gateway has shut down"


async def test_a_silent_stream_gets_signs_of_life(kit):
    model = Held(kit.spoken(kit.say("Hi.")))
    async with kit.running(model, ping_s=0.01) as client:
        body = kit.ask | {"stream": True}
        async with client.http.post(client.url + CHAT, json=body) as response:
            first = [await response.content.readline() for _ in range(4)]
            model.go.set()
            rest = await response.text()
    assert b'"role": "assistant"' in first[0]
    assert first[2].startswith(b": ")
    assert rest.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_a_model_that_never_answers_is_given_up(kit, is_streamed):
    body = kit.ask | {"stream": is_streamed}
    async with kit.running(Held(kit.spoken()), timeout_s=0.01) as client:
        status, answer = await client.post(CHAT, body)
        session = client.gateway.sessions.open("rollout-1", limits=Limits(time_s=0.005))
        limited = await client.post(CHAT, body, **KEY)
    assert (status, answer["error"]["code"]) == (504, None)
    assert limited[0] == 403
    assert limited[1]["error"]["code"] == f"session_{session.ending}"


async def test_a_failure_in_the_middle_of_a_stream_is_told(kit):
    class Failing:
        name, reads_text, streams_tokens = "failing", True, True

        async def stream(self, prompt, sampling):
            from journeyman.errors import AttributedError
            from journeyman.models import Piece

            yield Piece("Hello")
            raise AttributedError("model_unreachable", "it is gone")

    async with kit.running(Failing()) as client:
        async with client.http.post(client.url + CHAT, json=kit.ask | {"stream": True}) as response:
            text = await response.text()
        whole = await client.post(CHAT, kit.ask)
    assert "Hello" in text
    assert '"message":"model_unreachable: it is gone"' in text
    assert "[DONE]" not in text
    assert whole[0] == 502


async def test_bodies_are_bounded_and_must_come(kit):
    async with kit.running(kit.spoken(), max_body_bytes=100, body_s=0.01) as client:
        large = await client.post(CHAT, {"text": "x" * 200})

        async def drip():
            yield b"{"
            await asyncio.Event().wait()

        async with client.http.post(client.url + CHAT, data=drip()) as response:
            slow = response.status

        async def pour():
            for _ in range(30):
                yield b"x" * 50

        async with client.http.post(client.url + CHAT, data=pour()) as response:
            chunked = response.status
    assert (large[0], slow, chunked) == (413, 408, 413)


async def test_a_unix_socket_serves_a_sandbox_without_network(kit, tmp_path):
    gateway = Gateway(kit.spoken(kit.say("Hi.")), get_template("qwen3_coder"), GatewaySettings())
    path = tmp_path / "gateway.sock"
    async with (
        serving(gateway, [listen_unix(path)]),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as http,
        http.post("http://gateway" + CHAT, json=kit.ask) as response,
    ):
        assert (await response.json())["choices"][0]["message"]["content"] == "Hi."
