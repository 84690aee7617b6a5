"""SmolLM2 on a real llama.cpp server: exact tokens, log-probabilities, stops, crashes."""

import asyncio
import math
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from journeyman.errors import AttributedError, JourneymanError
from journeyman.models import ContextOverflowError, LlamaModel, LlamaSettings, Tokenizer, open_model
from journeyman.models.logprobs import align
from journeyman.models.smollm2 import obtain_smollm2
from journeyman.types import Prompt, Sampling

pytestmark = [pytest.mark.model, pytest.mark.network, pytest.mark.asyncio(loop_scope="module")]

HI = "<|im_start|>user\nSay hi<|im_end|>\n<|im_start|>assistant\n"
EMOJI = "Emoji list: 😀 😃 😄 😁 😆 日本語の文字"
END = "<|im_end|>"
GREEDY = Sampling(temperature=0.0, max_tokens=40, stop=(END,))


def asking(text: str) -> Prompt:
    return Prompt(messages=(), text=text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[LlamaModel]:
    path = await obtain_smollm2()
    opened = await LlamaModel.open("smollm2", LlamaSettings(path=path, context_tokens=512))
    yield opened
    await opened.close()


async def test_a_turn_is_its_exact_tokens(model: LlamaModel) -> None:
    done = await model.complete(asking(HI), GREEDY)
    assert done.finish_reason == "stop"
    assert END not in done.text
    assert done.stop_text == END
    assert done.prompt_token_ids == await model.tokenize(HI, is_start=True)
    assert done.num_prompt_tokens == len(done.prompt_token_ids)
    assert done.num_completion_tokens == len(done.token_ids) == len(done.logprobs)
    assert done.token_ids == await model.tokenize(done.text + done.stop_text)
    assert all(-20 < logprob <= 0 for logprob in done.logprobs)


async def test_tokens_in_give_the_same_as_text_in(model: LlamaModel) -> None:
    assert isinstance(model, Tokenizer)
    tokens = await model.tokenize(HI, is_start=True)
    by_tokens = await model.complete(Prompt(messages=(), token_ids=tokens), GREEDY)
    by_text = await model.complete(asking(HI), GREEDY)
    assert by_tokens.token_ids == by_text.token_ids


async def test_a_turn_that_is_cut_off_says_so(model: LlamaModel) -> None:
    done = await model.complete(asking(HI), GREEDY.model_copy(update={"max_tokens": 3}))
    assert (done.finish_reason, done.stop_text, len(done.token_ids)) == ("length", "", 3)


async def test_a_stop_inside_a_token_is_kept_with_what_the_token_says_beyond(
    model: LlamaModel,
) -> None:
    plain = await model.complete(asking(HI), GREEDY)
    word = plain.text.split()[2][1:-1]
    done = await model.complete(asking(HI), GREEDY.model_copy(update={"stop": (word,)}))
    assert done.finish_reason == "stop"
    assert done.stop_text.startswith(word)
    assert plain.text.startswith(done.text + done.stop_text)
    assert done.token_ids == plain.token_ids[: len(done.token_ids)]
    assert done.logprobs == pytest.approx(plain.logprobs[: len(done.token_ids)], abs=0.02)


async def test_tokens_within_a_character_have_their_logprobs(model: LlamaModel) -> None:
    done = await model.complete(asking(EMOJI), GREEDY.model_copy(update={"max_tokens": 6}))
    assert len(done.token_ids) > len(done.text)
    assert len(done.logprobs) == len(done.token_ids) == 6
    # Greedy: each token is the likeliest, so none can be less likely than one in the vocabulary.
    assert all(logprob > -math.log(49_152) for logprob in done.logprobs)


async def test_the_likeliest_token_of_a_greedy_turn_scores_as_reported(model: LlamaModel) -> None:
    done = await model.complete(asking(HI), GREEDY)
    for index in (0, 5):
        prefix = done.prompt_token_ids + done.token_ids[:index]
        score = await model._score(prefix, done.token_ids[index])
        assert score == pytest.approx(done.logprobs[index], abs=0.02)
    rare = (await model.tokenize("zebra"))[0]
    assert await model._score(done.prompt_token_ids, rare) < min(done.logprobs)


async def test_a_seed_repeats_and_its_absence_varies(model: LlamaModel) -> None:
    hot = Sampling(temperature=1.5, max_tokens=12)
    seeded = hot.model_copy(update={"seed": 7})
    assert await model.complete(asking(HI), seeded) == await model.complete(asking(HI), seeded)
    first, second = [(await model.complete(asking(HI), hot)).token_ids for _ in range(2)]
    assert first != second


async def test_more_requests_than_slots_all_get_their_answer(model: LlamaModel) -> None:
    prompts = [f"<|im_start|>user\nCount from {n}{END}\n<|im_start|>assistant\n" for n in range(7)]
    short = GREEDY.model_copy(update={"max_tokens": 8})
    answers = await asyncio.gather(*(model.complete(asking(text), short) for text in prompts))
    assert [len(done.token_ids) for done in answers] == [8] * 7
    assert [done.prompt_token_ids for done in answers] == [
        await model.tokenize(text, is_start=True) for text in prompts
    ]


async def test_a_prompt_beyond_the_context_is_an_overflow(model: LlamaModel) -> None:
    with pytest.raises(ContextOverflowError):
        await model.complete(asking("x " * 2000), GREEDY)


async def test_a_crash_fails_what_is_in_flight_and_the_next_request_starts_anew(
    model: LlamaModel,
) -> None:
    long = Sampling(temperature=0.0, max_tokens=400, stop=("\x00",))
    first = model.pid
    assert first is not None
    flying = asyncio.create_task(model.complete(asking("1 2 3 4"), long))
    await asyncio.sleep(0.3)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(AttributedError) as caught:
        await flying
    assert caught.value.cause == "model_unreachable"
    assert "exit code -9" in caught.value.detail
    assert (await model.complete(asking(HI), GREEDY)).finish_reason == "stop"
    assert model.pid not in (None, first)


async def test_a_server_that_keeps_crashing_is_given_up() -> None:
    path = await obtain_smollm2()
    model = await LlamaModel.open("m", LlamaSettings(path=path, context_tokens=64, num_slots=1))
    causes = []
    for _ in range(4):
        pid = model.pid
        if pid is None:
            await model._served()
            pid = model.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert model._process is not None
        assert await model._process.has_died(5)
        causes.append(pid)
    with pytest.raises(AttributedError, match="3 times in a row"):
        await model.complete(asking(HI), GREEDY)
    await model.close()
    await model.close()
    assert len(set(causes)) == 4


async def test_a_gguf_file_opens_by_its_path_and_is_named_without_its_folder() -> None:
    path = await obtain_smollm2()
    model = await open_model(f"gguf:{path}", seed=3)
    try:
        assert model.name == f"gguf:{path.name}"
        done = await model.complete(asking(HI), GREEDY)
        assert done.model_version == path.name
    finally:
        await model.close()
    with pytest.raises(AttributedError, match="is closed"):
        await model.complete(asking(HI), GREEDY)


async def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.gguf"
    text.write_text("hello")
    broken = tmp_path / "b.gguf"
    broken.write_bytes(b"GGUF" + b"\x00" * 64)
    with pytest.raises(JourneymanError, match="is not a GGUF file"):
        await open_model(f"gguf:{text}")
    with pytest.raises(JourneymanError, match=r"cannot load b\.gguf"):
        await open_model(f"gguf:{broken}")
    with pytest.raises(JourneymanError, match="cannot read the model"):
        await open_model(f"gguf:{tmp_path / 'none.gguf'}")


async def test_alignment_of_reports_with_tokens() -> None:
    assert align((1, 2), [(1, -1.0), (2, -2.0)]) == [-1.0, -2.0]
    assert align((1, 2, 3), [(1, -1.0)]) == [-1.0, None, None]
    assert align((9, 5, 5, 7), [(5, -1.0), (7, -2.0)]) == [None, None, -1.0, -2.0]
    assert align((1, 2), [(3, -1.0)]) is None


SHIM = """#!{python}
# llama.cpp's server under the flags of its own program, where that is not installed.
import sys, time
import xllamacpp
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
params = xllamacpp.CommonParams()
params.model.path = given["--model"]
params.n_parallel = int(given["--parallel"])
params.n_ctx = int(given["--ctx-size"])
params.cpuparams.n_threads = int(given["--threads"])
params.hostnames = [given["--host"]]
params.port = int(given["--port"])
params.special = "--special" in sys.argv
params.ui = False
server = xllamacpp.Server(params)
time.sleep(3600)
"""


async def test_a_program_on_the_path_serves_as_well(tmp_path: Path) -> None:
    """A real llama-server where there is one."""
    program = shutil.which("llama-server")
    if program is None:
        shim = tmp_path / "llama-server"
        shim.write_text(SHIM.format(python=sys.executable))
        shim.chmod(0o755)
        program = str(shim)
    path = await obtain_smollm2()
    settings = LlamaSettings(path=path, program=program, context_tokens=512, num_slots=2)
    model = await LlamaModel.open("it", settings)
    try:
        done = await model.complete(asking(HI), GREEDY)
        assert done.finish_reason == "stop"
        assert len(done.token_ids) == len(done.logprobs)
        pid = model.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.2)
        assert (await model.complete(asking(HI), GREEDY)).text == done.text
        with pytest.raises(JourneymanError, match="there is no program nowhere"):
            await LlamaModel.open("it", settings.model_copy(update={"program": "nowhere"}))
    finally:
        await model.close()


async def test_one_that_does_not_answer_is_ended_and_started_anew() -> None:
    path = await obtain_smollm2()
    model = await LlamaModel.open("it", LlamaSettings(path=path, context_tokens=256, health_s=1.0))
    first = model.pid
    assert first is not None
    try:
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(AttributedError, match="did not answer for 3 s") as caught:
            await model.complete(asking(HI), GREEDY)
        assert caught.value.cause == "model_unreachable"
        assert (await model.complete(asking(HI), GREEDY)).finish_reason == "stop"
        assert model.pid not in (None, first)
    finally:
        await model.close()
