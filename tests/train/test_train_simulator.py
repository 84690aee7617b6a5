"""A simulated user runs answers in a real sandbox; what it says counts only with what was run."""

import json

import pytest

from journeyman.cli import main
from journeyman.runs import append_jsonl
from journeyman.train.documents.conversation import Conversation
from journeyman.train.simulator import UserSettings, try_answers
from journeyman.types import Completion, Message

GOOD = "Here:\n```python add.py\nimport sys\nprint(sum(map(int, sys.argv[1:])))\n```\n"
BAD = "Here:\n```python\nimport sys\nprint(sum(sys.argv[1:]))\n```\n"
SLOW = "Here:\n```python\nwhile True:\n    pass\n```\n"


def answered(text, key):
    asked = Message(role="user", content="Add the numbers of a command line.")
    return Conversation(messages=(asked, Message(role="assistant", content=text)), id=key)


class User:
    """Says lines one after the other, whichever answer it tries; remembers what it was shown."""

    name = "user"
    reads_text = False

    def __init__(self, *lines):
        self.lines = lines
        self.seen = []

    async def complete(self, prompt, sampling):
        self.seen.append(prompt.messages[-1].content)
        turn = sum(it.role == "assistant" for it in prompt.messages)
        text = self.lines[min(turn, len(self.lines) - 1)]
        return Completion(message=Message(role="assistant", content=text))

    async def close(self):
        pass


def run(name, *words):
    return f"I try it.\n```sh\npython3 {name} {' '.join(words)}\n```\n"


async def test_an_answer_that_runs_is_kept_and_the_user_sees_what_it_prints():
    user = User(run("add.py", "2", "3"), "It printed 5.\nVerdict: works")
    (trial,) = await try_answers(user, [answered(GOOD, "a")], UserSettings())
    assert trial.is_accepted, trial
    assert [(it.exit_code, it.output) for it in trial.steps] == [(0, "5")]
    assert "in these files: add.py" in user.seen[0]
    assert "exit code 0 and printed:\n\n5" in user.seen[1]


@pytest.mark.parametrize(
    ("text", "lines", "reason"),
    [
        (BAD, (run("part1.py", "2", "3"), "Verdict: works"), "ended with an error"),
        (BAD, (run("part1.py", "2", "3"), "Verdict: fails"), "said to fail"),
        (GOOD, ("Verdict: works",), "never run"),
        (GOOD, ("```sh\necho fine\n```", "Verdict: works"), "never run"),
        (GOOD, (run("add.py", "1") + "Verdict: works",), "no verdict"),
        (GOOD, (run("add.py", "1"), "Nice."), "no verdict"),
        ("Use a loop.", ("Verdict: works",), "no code"),
    ],
)
async def test_a_verdict_needs_a_run_that_succeeded(text, lines, reason):
    settings = UserSettings(num_turns=3)
    (trial,) = await try_answers(User(*lines), [answered(text, "a")], settings)
    assert (trial.is_accepted, trial.reason) == (False, reason)


async def test_an_endless_answer_is_ended_and_no_answer_reaches_another():
    note = "```sh\necho seen >> /tmp/shared; cat /tmp/shared; python3 part1.py\n```"
    user = User(note, "Verdict: works")
    settings = UserSettings(timeout_s=1.0, num_parallel=1)
    trials = await try_answers(user, [answered(SLOW, "a"), answered(SLOW, "b")], settings)
    assert [it.reason for it in trials] == ["ran out of time"] * 2
    assert [it.steps[0].output.count("seen") for it in trials] == [1, 1]


def test_the_command_keeps_what_works_and_writes_its_evidence(tmp_path, capsys):
    for text, key in ((GOOD, "good"), ("Use a loop.", "words")):
        append_jsonl(tmp_path / "c.jsonl", answered(text, key))
    script = tmp_path / "user.json"
    lines = (run("add.py", "2", "3"), "Verdict: works")
    script.write_text(json.dumps([{"content": line} for line in lines]))
    words = ["data", "verify", str(tmp_path / "c.jsonl"), str(tmp_path / "kept.jsonl")]
    flags = ["--model", f"scripted:{script}", "--evidence", str(tmp_path / "e.jsonl"), "--json"]
    with pytest.raises(SystemExit) as ended:
        main([*words, *flags])
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    assert json.loads(out) == {"num_answers": 2, "num_kept": 1, "dropped": {"no code": 1}}
    assert json.loads((tmp_path / "kept.jsonl").read_text())["id"] == "good"
    evidence = [json.loads(it) for it in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert evidence[0]["steps"][0]["output"] == "5"
