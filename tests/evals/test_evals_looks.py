"""A judge of looks over real HTTP: it is shown what passed, and its answer is read strictly."""

import asyncio
import base64
import threading
from contextlib import contextmanager

import pytest
from aiohttp import web

from journeyman.cli import main
from journeyman.evals.looks import picture_of, read_look
from journeyman.runs import append_jsonl, read_jsonl
from journeyman.tasks import Taskset, save_taskset
from journeyman.types import Ending, Origin, Rollout, Task, Verdict, VerifierSpec

PICTURE = b"\xff\xd8\xff\xe0 not really a picture"
LOG = b"test_x ... ok\n\njourneyman-picture: " + base64.b64encode(PICTURE) + b"\nRan 1 test\n"


@pytest.mark.parametrize(
    ("text", "look"),
    [
        ("Tidy.\nLook: good", "good"),
        ("Crooked.\n\n**look: BAD**\n", "bad"),
        ("Look: good\nLook: bad", "unread"),
        ("Look: good\nand that is all", "unread"),
        ("It would be good", "unread"),
        ("The page says: Look: good", "unread"),
        ("", "unread"),
    ],
)
def test_an_answer_is_read_from_its_last_line_alone(text, look):
    assert read_look(text) == look


def test_a_log_holds_a_picture_or_none():
    assert picture_of(LOG) == PICTURE
    assert picture_of(b"it says journeyman-picture: AAAA") is None


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


def rollout(number, *, is_resolved):
    return Rollout(
        rollout_id=f"pages__a.{number}",
        instance_id="pages__a",
        group_id="pages__a",
        scaffold="answer",
        model="m",
        ending=Ending.SUBMITTED,
        verdict=Verdict(is_resolved=is_resolved),
    )


@pytest.fixture
def run(tmp_path):
    """A run of one page that passed twice and failed once; all three left a picture."""
    task = Task(
        instance_id="pages__a",
        repo="journeyman/pages",
        base_commit="0" * 40,
        problem_statement="Build a page that counts.",
        patch="",
        environment="empty",
        FAIL_TO_PASS=("test_page.PageCase.test_it",),
        origin=Origin(road="import", strategy="by_hand", location="a"),
        verifier=VerifierSpec(command="true", log_parser="unittest"),
    )
    folder = tmp_path / "taskset"
    (folder / "environments/empty").mkdir(parents=True)
    (folder / "environments/empty/environment.json").write_text("{}")
    save_taskset(Taskset(name="pages", folder=folder, tasks=(task,)))
    place = tmp_path / "run"
    for number, is_resolved in enumerate((True, False, True)):
        it = rollout(number, is_resolved=is_resolved)
        artifacts = place / "artifacts" / it.rollout_id
        artifacts.mkdir(parents=True)
        (artifacts / "test.log").write_bytes(LOG)
        append_jsonl(place / "rollouts.jsonl", it.model_dump(mode="json"))
    (place / "config.toml").write_text(f'taskset = "{folder}"\n')
    return place


def command(*words):
    with pytest.raises(SystemExit) as ended:
        main(["eval", "looks", *words])
    return ended.value.code


def test_what_failed_is_not_shown_and_stays_failed(run, capsys):
    with serving(["Clean.\nLook: good", "Crooked.\nLook: bad"]) as (url, asked):
        assert command(str(run), "--judge", f"{url}#eyes") == 0
    assert "2 pages passed their tests: 1 bad, 1 good" in capsys.readouterr().out
    assert len(asked) == 2
    (message,) = asked[0]["messages"]
    text, picture = message["content"]
    assert asked[0]["model"] == "eyes"
    assert "Build a page that counts." in text["text"]
    shown = picture["image_url"]["url"]
    assert shown == "data:image/jpeg;base64," + base64.b64encode(PICTURE).decode()
    looks = list(read_jsonl(run / "looks.jsonl"))
    assert [(it["rollout_id"], it["look"]) for it in looks] == [
        ("pages__a.0", "good"),
        ("pages__a.2", "bad"),
    ]
    verdicts = [it["verdict"]["is_resolved"] for it in read_jsonl(run / "rollouts.jsonl")]
    assert verdicts == [True, False, True]


def test_a_judge_that_gives_no_answer_says_nothing_of_the_page(run, capsys):
    with serving(["Nice."]) as (url, _):
        assert command(str(run), "--judge", url) == 0
    assert "2 pages passed their tests: 1 failed, 1 unread" in capsys.readouterr().out


def test_a_run_without_pictures_is_named(run, capsys):
    for path in run.glob("artifacts/*/test.log"):
        path.write_bytes(b"Ran 1 test\n")
    with serving([]) as (url, _):
        assert command(str(run), "--judge", url) == 2
    assert "passed and left a picture" in capsys.readouterr().err
