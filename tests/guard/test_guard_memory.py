"""What a guard remembers, what it says, and that no call can break it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyman.errors import JourneymanError
from journeyman.guard import GUARDS, Label, Subject, load_cases, make_guard
from journeyman.types import GuardDecision, ToolCall

SUBJECT = Subject("acme/widgets", ("widgets",))
COMMANDS = [it.command for it in load_cases(Path(__file__).parent / "cases.jsonl") if it.command]


def bash(command: str) -> ToolCall:
    return ToolCall(name="bash", arguments={"command": command}, id="c")


def judged(*commands: str, subject: Subject = SUBJECT) -> list[GuardDecision]:
    guard = make_guard("rules", subject)
    return [guard.judge(bash(it)) for it in commands]


def test_what_a_refused_call_would_have_written_is_not_remembered() -> None:
    write = "echo 'git clone https://github.com/acme/widgets' > /tmp/s.sh"
    decisions = judged(f"{write}; git fetch origin", "sh /tmp/s.sh")
    assert [it.is_allowed for it in decisions] == [False, True]


def test_a_file_that_was_overwritten_is_known_by_its_last_content() -> None:
    decisions = judged(
        "echo 'git fetch origin' > /tmp/s.sh", "echo 'pytest -q' > /tmp/s.sh", "sh /tmp/s.sh"
    )
    assert all(it.is_allowed for it in decisions)


def test_the_agent_may_remove_tests_that_it_made() -> None:
    made = "cat > tests/test_mine.py <<'E'\ndef test_a():\n    assert 1\nE"
    assert [it.is_allowed for it in judged(made, "rm tests/test_mine.py")] == [True, True]
    assert [it.is_allowed for it in judged("rm tests/test_mine.py")] == [False]


def test_guards_share_nothing() -> None:
    judged("echo 'git fetch origin' > /tmp/s.sh")
    assert judged("sh /tmp/s.sh")[0].is_allowed


def test_tags_up_to_the_release_may_be_looked_at() -> None:
    known = Subject("acme/widgets", ("widgets",), release="2.3")
    commands = ("git show v2.2.1:setup.py", "git diff v2.1 v2.3", "git checkout v2.4.0")
    assert [it.is_allowed for it in judged(*commands, subject=known)] == [True, True, False]
    assert [it.is_allowed for it in judged(*commands)] == [False, False, False]


def test_feedback_says_what_is_forbidden_what_was_found_and_what_is_allowed() -> None:
    (decision,) = judged("git clone https://github.com/acme/widgets && rm -r tests")
    assert decision.labels == (Label.UPSTREAM_FETCH.value, Label.EDITED_TESTS.value)
    assert decision.feedback.count("Not allowed") == 2
    assert "found: https://github.com/acme/widgets" in decision.feedback
    assert "installing other packages" in decision.feedback
    assert "adding new test files" in decision.feedback


def test_a_project_without_an_owner_is_protected_by_its_name() -> None:
    bare = Subject("pocketkit")
    decisions = judged(
        "pip install pocketkit", "pip install requests", "git fetch origin", subject=bare
    )
    assert [it.is_allowed for it in decisions] == [False, True, False]


def test_an_unknown_guard_is_an_error_that_names_the_known() -> None:
    with pytest.raises(JourneymanError, match="no guard 'rule'") as caught:
        make_guard("rule", SUBJECT)
    assert caught.value.hint == "known guards: rules, report-heuristic, off"


@pytest.mark.parametrize("name", GUARDS)
def test_a_decision_names_its_guard_tool_and_call(name: str) -> None:
    decision = make_guard(name, SUBJECT).judge(bash("git clone https://github.com/acme/widgets"))
    assert (decision.guard, decision.tool, decision.call_id) == (name, "bash", "c")
    assert decision.is_allowed == (name == "off")


def test_characters_beyond_latin_1_crash_nothing() -> None:
    chance = random.Random(0)
    signs = "$ {}\"'<>|;()=\n\\`#"
    for _ in range(200):
        points = [chance.choice([chance.randrange(0x100, 0xD800), chance.randrange(0x10000, 0x110000),
                                 ord(chance.choice(signs))]) for _ in range(60)]  # fmt: skip
        assert judged("".join(map(chr, points)))[0].guard == "rules"


def test_a_host_in_wide_letters_is_the_host() -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in "github")
    assert not judged(f"git clone https://{wide}.com/acme/widgets")[0].is_allowed
    assert judged("echo 'größer ≥ 3 … 你好'")[0].is_allowed


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_can_be_judged(command: str) -> None:
    assert judged(command)[0].guard == "rules"


@pytest.mark.parametrize("seed", range(4))
def test_broken_commands_can_be_judged(seed: int) -> None:
    chance = random.Random(seed)
    for command in chance.sample(COMMANDS, 150):
        cut = chance.randrange(len(command) + 1)
        other = chance.choice(COMMANDS)
        sign = chance.choice(
            ["'", '"', "`", "$(", "${", "<<E\n", "}", ")", ";;", "\\", "|", "\x00"]
        )
        assert judged(command[:cut] + sign + other)[0].tool == "bash"


def test_endless_recursion_is_refused_not_followed() -> None:
    assert not judged("f() { f; f; }; f")[0].is_allowed
    assert judged("while true; do sleep 1; done")[0].is_allowed


@pytest.mark.parametrize(
    "arguments",
    [{}, {"command": 3}, {"command": ["ls", 1]}, {"path": None}, {"url": {"a": 1}}, {"code": []}],
)
def test_odd_arguments_do_no_harm(arguments: dict[str, object]) -> None:
    call = ToolCall(name="browser_fetch", arguments=arguments)
    assert make_guard("rules", SUBJECT).judge(call).is_allowed


@pytest.mark.parametrize(
    "command",
    [
        "echo " + "a" * 60 + "! | grep -E '^(a+)+$'",
        "echo " + "a" * 60 + "! | sed -E 's/(a*)*$/b/'",
        "x=" + "a" * 3000 + "; echo ${x/*a*a*a*a*a*a*a*a*b/c}",
        "x=aaaaaaaa; " + "x=$x$x; " * 60 + "echo $x",
        "x=aaaaaaaa; " + "x=${x//a/$x}; " * 20 + "echo $x",
        "for a in {1..9}; do " * 6 + ":; " + "done; " * 6,
        "python -c \"x = 'a' * 10 ** 9; y = [0] * 10 ** 9; z = 7 ** 10 ** 9\"",
        "python - <<'P'\nx = 3\nfor i in range(99):\n    x *= x\nP",
        "python -c '[a for a in range(9**9) for b in range(9**9) for c in range(9**9)]'",
        "python -c \"x = 'a'\nfor i in range(64): x = x.replace('a', x + x)\"",
        "echo '" + "echo ;" * 400 + "x' > run_tests.sh",
        "echo '" + "$(" * 400 + "'; " + "$(" * 400,
        "printf '%99999999999d' 1; seq 1 99999999999; echo {1..99999999999}",
    ],
)
def test_what_would_never_end_is_read_within_bounds(command: str) -> None:
    assert judged(command)[0].guard == "rules"
