"""Weights published to a vLLM server, and groups that come while weights change.

vLLM needs a GPU: a small server speaks its wire, as its sources give it, and draws with PyTorch from the
weights that it was told to read.
"""

import asyncio
import itertools
import json
import threading
from pathlib import Path

import pytest
from aiohttp import web

pytest.importorskip("torch", reason="the extra train is not installed")
import torch
from rl_command import command, run
from safetensors.torch import load_file

from journeyman.models.local_settings import LocalSettings
from journeyman.models.torch_local import TorchLocalModel
from journeyman.runs import read_jsonl
from journeyman.train.rl.turnstile import Turnstile
from journeyman.types import Prompt, Sampling

pytestmark = pytest.mark.sandbox


class VllmServer:
    """What vLLM in development mode answers; it runs in a thread of its own."""

    def __init__(self, folder, *, refuses=""):
        self.folder, self.refuses = Path(folder), refuses
        self.calls, self.is_paused, self.num_drawing, self.num_mixed = [], False, 0, 0
        self.loaded = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self.start(), self.loop).result(60)
        return self

    def __exit__(self, *error):
        asyncio.run_coroutine_threadsafe(self.stop(), self.loop).result(60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)
        self.loop.close()

    async def start(self):
        settings = LocalSettings(path=self.folder, num_threads=1)
        self.model = await TorchLocalModel.open("policy", settings)
        app = web.Application(client_max_size=1 << 26)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/tokenize", self.tokenize)
        app.router.add_post("/detokenize", self.detokenize)
        app.router.add_post("/v1/completions", self.complete)
        for path in ("/pause", "/resume", "/reset_prefix_cache", "/collective_rpc"):
            app.router.add_post(path, self.control)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def stop(self):
        await self.runner.cleanup()
        await self.model.close()

    async def models(self, request):
        return web.json_response({"data": [{"id": "policy", "max_model_len": 2048}]})

    async def tokenize(self, request):
        body = await request.json()
        ids = await self.model.tokenize(body["prompt"], is_start=body["add_special_tokens"])
        return web.json_response({"tokens": ids})

    async def detokenize(self, request):
        body = await request.json()
        tokenizer = self.model._tokenizer
        return web.json_response(
            {"prompt": tokenizer.decode(body["tokens"], skip_special_tokens=False)}
        )

    async def complete(self, request):
        body = await request.json()
        self.num_mixed += self.is_paused
        self.num_drawing += 1
        keys = ("max_tokens", "temperature", "top_p", "stop", "seed")
        prompt = Prompt(messages=(), token_ids=tuple(body["prompt"]))
        done = await self.model.complete(prompt, Sampling(**{key: body[key] for key in keys}))
        self.num_drawing -= 1
        choice = {"text": done.text, "token_ids": done.token_ids, "stop_reason": None}
        choice["logprobs"] = {"token_logprobs": done.logprobs}
        choice["finish_reason"] = done.finish_reason
        return web.json_response({"model": "policy", "choices": [choice]})

    async def control(self, request):
        self.calls.append(request.path)
        if request.path == self.refuses:
            raise web.HTTPNotFound
        if request.path == "/pause":
            assert request.query["mode"] == "wait"
            self.is_paused = True
        elif request.path == "/resume":
            self.is_paused = False
        elif request.path == "/collective_rpc":
            body = await request.json()
            assert body["method"] == "reload_weights"
            assert self.is_paused
            assert not self.num_drawing
            place = Path(body["kwargs"]["weights_path"])
            state = load_file(place / "model.safetensors")
            self.loaded.append(state)
            await self.model.replace_weights(state, version=place.name)
            return web.json_response({"results": [None]})
        return web.Response()  # an empty one, as vLLM's


def test_vllm_draws_from_the_weights_of_every_step(half_taught, taskset, tmp_path) -> None:
    folder = tmp_path / "shared"
    with VllmServer(half_taught) as server:
        more = ["--num-steps", "2", "--sampler", f"vllm:{server.url}#policy"]
        words = command(half_taught, taskset.folder, tmp_path, *more)
        assert run([*words, "--sampler-folder", str(folder)]) == 0
    assert server.calls == 3 * ["/pause", "/collective_rpc", "/reset_prefix_cache", "/resume"]
    assert server.num_mixed == 0
    place = tmp_path / "rl"
    steps = list(read_jsonl(place / "metrics.jsonl"))
    assert [it["num_valid"] for it in steps] == [12, 12]
    assert [it["staleness"] for it in steps] == [0, 0]
    # What the server holds at the end is what was trained, and it said what the trainer says.
    trained = load_file(place / "model/model.safetensors")
    assert all(torch.equal(server.loaded[-1][name], weight) for name, weight in trained.items())
    assert any(not torch.equal(server.loaded[0][name], trained[name]) for name in trained)
    assert all(it["mismatch_largest"] < 1e-3 for it in steps if "mismatch_largest" in it)
    drawn = {
        turn["completion"]["model_version"]
        for path in (place / "rollouts/step_000002/artifacts").glob("*/trajectory.json")
        for turn in json.loads(path.read_text())["turns"]
    }
    assert drawn == {"1"}
    assert list(folder.iterdir()) == []


def test_a_server_that_takes_no_weights_is_named(half_taught, taskset, tmp_path, capsys) -> None:
    with VllmServer(half_taught, refuses="/collective_rpc") as server:
        more = ["--sampler", f"vllm:{server.url}"]
        assert run(command(half_taught, taskset.folder, tmp_path, *more)) == 2
    said = capsys.readouterr().err
    assert "the server did not take the weights: /collective_rpc" in said
    assert "VLLM_SERVER_DEV_MODE=1" in said


def test_groups_come_while_weights_change_and_none_is_too_old(
    half_taught, taskset, tmp_path
) -> None:
    more = ["--num-steps", "4", "--max-staleness", "1", "--tasks-per-step", "1"]
    words = command(half_taught, taskset.folder, tmp_path, *more)
    assert run(words) == 0
    place = tmp_path / "rl"
    steps = list(read_jsonl(place / "metrics.jsonl"))
    assert [it["step"] for it in steps] == [1, 2, 3, 4]
    assert all(it["num_rollouts"] == 12 for it in steps)
    assert all(it["staleness"] <= 1 for it in steps)
    assert all(it["num_stale_groups"] >= 0 for it in steps)
    events = list(read_jsonl(place / "rollouts/stream/events.jsonl"))
    assert [it["version"] for it in events if it["kind"] == "policy_changed"] == [1, 2, 3, 4]
    taken = [it for it in events if it["kind"] == "group_finished" and it["is_kept"]]
    assert len(taken) >= 4
    # A run that goes on takes up where its checkpoint left the stream, and trains no group twice.
    more[1] = "5"
    assert run([*command(half_taught, taskset.folder, tmp_path, *more), "--resume"]) == 0
    steps = list(read_jsonl(place / "metrics.jsonl"))
    assert [it["step"] for it in steps] == [1, 2, 3, 4, 5]
    states = [
        json.loads(path.read_text())["taken"] for path in sorted((place / "stream").iterdir())
    ]
    assert all(set(earlier) < set(later) for earlier, later in itertools.pairwise(states))


async def test_a_change_waits_for_what_is_drawn_and_is_waited_for():
    turnstile, seen = Turnstile(), []

    async def draw(name, duration_s):
        async with turnstile.drawing():
            seen.append(f"{name} begins")
            await asyncio.sleep(duration_s)
            seen.append(f"{name} ends")

    async def change():
        async with turnstile.changing():
            seen.append("change")
            await asyncio.sleep(0.05)
            seen.append("changed")

    first = asyncio.create_task(draw("a", 0.1))
    await asyncio.sleep(0.02)
    changing = asyncio.create_task(change())
    await asyncio.sleep(0.02)
    second = asyncio.create_task(draw("b", 0))
    await asyncio.gather(first, changing, second)
    assert seen == ["a begins", "a ends", "change", "changed", "b begins", "b ends"]
