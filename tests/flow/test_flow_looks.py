"""A judge of looks over real HTTP: it is shown what passed, and its answer is read strictly."""

import asyncio
import base64

import pytest

from journeyman.cli import main
from journeyman.flow.looks import look_at, opened_judge, picture_of, read_look
from journeyman.runs import append_jsonl, read_jsonl
from journeyman.tasks import Taskset, load_taskset, save_taskset
from journeyman.types import Ending, Origin, Rollout, Task, Verdict, VerifierSpec
from looks_server import serving

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


def test_what_was_seen_is_not_asked_again(run, tmp_path):
    rollouts = [Rollout.model_validate(it) for it in read_jsonl(run / "rollouts.jsonl")]
    taskset = load_taskset(tmp_path / "taskset")

    async def look(url, rollouts):
        async with opened_judge(f"{url}#eyes") as judge:
            return await look_at(run, rollouts, taskset, judge)

    with serving(["Look: bad", "Look: good"]) as (url, asked):
        (first,) = asyncio.run(look(url, rollouts[:1]))
        found = asyncio.run(look(url, rollouts))
        assert len(asked) == 2
    assert found[0] == first
    assert [(it.rollout_id, it.look) for it in found] == [
        ("pages__a.0", "bad"),
        ("pages__a.2", "good"),
    ]
