"""`journeyman templates`: what it prints for people and as JSON, and what it says to bad input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from journeyman.cli import main
from journeyman.templates import get_template, list_templates

TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {
            "type": "object",
            "properties": {"at": {"type": "string"}, "depth": {"type": "integer"}},
            "required": ["at"],
        },
    },
}
ASKED = [{"role": "user", "content": "Look at the naïve 🌊."}]
CALL = '<tool_call>\n{"name": "look", "arguments": {"at": "é", "depth": 2}}\n</tool_call>'
BROKEN = '<tool_call>\n{"name": "look", "arguments": {"depth": "x"}}\n</tool_call> Done.'


class Done(NamedTuple):
    code: object
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a verb in an empty folder, as a shell would."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, text: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        with pytest.raises(SystemExit) as caught:
            main(["templates", *words])
        return Done(caught.value.code, *capsys.readouterr())

    return call


def refusal(done: Done) -> str:
    assert (done.code, done.out) == (2, ""), done
    error, blank, hint = done.err.splitlines()
    assert error.startswith("error: ")
    assert blank == ""
    assert hint.startswith("hint: ")
    assert len(hint) > len("hint: ")
    return error.removeprefix("error: ")


# --- what it prints ----------------------------------------------------------------------------


def test_list_shows_every_template_once(run: Run) -> None:
    lines = run("list").out.splitlines()
    assert lines[0].split() == ["template", "definition", "call", "from"]
    assert [line.split()[0] for line in lines[1:]] == list_templates()
    stand_ins = [line.split()[0] for line in lines if "(stand-in)" in line]
    assert stand_ins == [name for name in list_templates() if get_template(name).is_stand_in] != []


def test_list_as_json_holds_the_same(run: Run) -> None:
    rows = json.loads(run("list", "--json").out)
    assert [row["name"] for row in rows] == list_templates()
    (row,) = (row for row in rows if row["name"] == "qwen3_coder")
    assert (row["definition"], row["call"], row["is_stand_in"]) == ("XML", "XML", False)
    assert row["stop"] == list(get_template("qwen3_coder").stop)


def test_render_writes_a_file_or_standard_input(run: Run, tmp_path: Path) -> None:
    data = json.dumps({"messages": ASKED, "tools": [TOOL]})
    (tmp_path / "asked.json").write_text(data, encoding="utf-8")
    from_file = run("render", "hermes", "asked.json")
    assert from_file == run("render", "hermes", "-", text=data)
    assert from_file.code == 0
    assert from_file.out.endswith(
        "<|im_start|>user\nLook at the naïve 🌊.<|im_end|>\n<|im_start|>assistant\n"
    )
    assert '"name": "look"' in from_file.out


def test_render_can_leave_the_next_turn_unopened(run: Run) -> None:
    asked = json.dumps(ASKED)
    closed = run("render", "hermes", "-", "--no-generation-prompt", text=asked).out
    assert closed.endswith("<|im_end|>\n")
    assert run("render", "hermes", "-", text=asked).out == closed + "<|im_start|>assistant\n"


def test_render_as_json_is_the_exact_text(run: Run) -> None:
    shown = json.loads(run("render", "mistral3", "-", "--json", text=json.dumps(ASKED)).out)
    assert shown == {
        "template": "mistral3",
        "text": "<s>[INST]Look at the naïve 🌊.[/INST]",
        "stop": ["</s>"],
    }


@pytest.mark.parametrize("name", list_templates())
def test_render_has_a_sample_for_every_template(run: Run, name: str) -> None:
    done = run("render", name)
    assert done.code == 0
    assert "list_files" in done.out


def test_render_takes_a_jinja_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "own.jinja").write_text("{{ messages[0].content }}!", encoding="utf-8")
    assert run("render", "jinja:own.jinja", "-", text=json.dumps(ASKED)).out == (
        "Look at the naïve 🌊.!\n"
    )


def test_parse_shows_content_and_calls(run: Run, tmp_path: Path) -> None:
    (tmp_path / "turn.txt").write_text(f"I look.\n{CALL}", encoding="utf-8")
    done = run("parse", "hermes", "turn.txt")
    assert done.code == 0
    assert done.out == 'content: I look.\ncall: look {"at": "é", "depth": 2}\n'
    assert run("parse", "hermes", "-", text=f"I look.\n{CALL}") == done


def test_parse_shows_reasoning(run: Run) -> None:
    text = "<think>\nHm.\n</think>\n\nDone."
    assert run("parse", "deepseekr1", text=text).out == "reasoning: Hm.\ncontent: Done.\n"


def test_parse_as_json_holds_calls_and_their_spans(run: Run) -> None:
    turn = json.loads(run("parse", "hermes", "--json", text=f"I look.\n{CALL}").out)
    assert turn["content"] == "I look."
    assert turn["calls"] == [{"name": "look", "arguments": {"at": "é", "depth": 2}, "id": ""}]
    assert turn["call_spans"] == [[8, 8 + len(CALL)]]
    assert turn["errors"] == []


def test_parse_checks_calls_against_tools(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(json.dumps([TOOL]))
    done = run("parse", "hermes", "--tools", "tools.json", text=BROKEN)
    end = len(BROKEN)
    assert done.code == 1
    assert done.out.splitlines()[2:] == [
        f"error: missing_argument at 0-{end - 6}: `at` is required by `look`",
        f"error: wrong_type at 0-{end - 6}: `depth` does not fit its schema",
        f"error: text_after_call at {end - 5}-{end}: text follows the call",
    ]


def test_parse_takes_tools_from_a_conversation_and_may_leave_them_unchecked(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "asked.json").write_text(json.dumps({"messages": ASKED, "tools": [TOOL]}))
    text = BROKEN.removesuffix(" Done.")
    words = ("parse", "hermes", "--tools", "asked.json")
    errors = json.loads(run(*words, "--json", text=text).out)["errors"]
    assert [error["kind"] for error in errors] == ["missing_argument", "wrong_type"]
    assert run(*words, "--no-validate", text=text).code == 0


def test_parse_without_tools_still_reports_bad_syntax(run: Run) -> None:
    done = run("parse", "hermes", text='<tool_call>\n{"name": "look", "arg')
    assert done.code == 1
    assert "error: " in done.out
    assert done.err == ""


def test_check_says_what_it_checked(run: Run) -> None:
    done = run("check", "hermes", "toolace")
    assert done.code == 0
    rows = [line.split()[:2] for line in done.out.splitlines()[1:]]
    assert rows == [["hermes", "ok"]] * 4 + [["toolace", "ok"]] * 4
    found = json.loads(run("check", "hermes", "--json").out)
    assert [check["is_ok"] for check in found["hermes"]] == [True] * 4


def test_check_exits_1_where_a_promise_is_broken(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a template of a package, one that writes other calls than it reads."""
    (tmp_path / "liar.py").write_text(
        "from dataclasses import replace\n"
        "from journeyman.templates import get_template\n"
        "from journeyman.templates.hermes import TEMPLATE\n"
        "from journeyman.templates.toolace import TEMPLATE as OTHER\n"
        "LIAR = replace(TEMPLATE, name='liar', read=OTHER.read)\n"
    )
    about = tmp_path / "liar-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: liar\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[journeyman.templates]\nliar = liar:LIAR\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program = Path(sys.executable).with_name("journeyman")
    done = subprocess.run(
        [program, "templates", "check", "liar"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(" liar")]
    assert [row[1] for row in rows] == ["ok", "FAILED", "ok", "ok"]


def test_check_writes_the_pages(run: Run, tmp_path: Path) -> None:
    done = run("check", "hermes", "--write-docs", "new/docs")
    assert done.err == "wrote 2 pages to new/docs\n"
    assert sorted(path.name for path in (tmp_path / "new/docs").iterdir()) == [
        "README.md",
        "hermes.md",
    ]


# --- what it refuses ---------------------------------------------------------------------------

FILES = {
    "torn.json": b'{"messages": [',
    "empty.json": b"",
    "text.json": b'"hello"',
    "nothing.json": b'{"a": 1}',
    "number.json": b"[1]",
    "robot.json": b'[{"role": "robot", "content": ""}]',
    "nameless.json": b'{"messages": [], "tools": [{}]}',
    "binary.json": b"\xff\xfe",
    "turn.txt": b"hello",
    "bad.jinja": b"{% if %}",
    "refusing.jinja": b"{{ raise_exception('no system role') }}",
}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("render hermse", "no template is named 'hermse'"),
        ("render hermes missing.json", "cannot read missing.json: No such file"),
        ("render hermes .", "cannot read .: Is a directory"),
        ("render hermes torn.json", "torn.json is not valid JSON"),
        ("render hermes empty.json", "empty.json is not valid JSON"),
        ("render hermes text.json", "not a conversation"),
        ("render hermes nothing.json", "not a conversation"),
        ("render hermes number.json", "a message is an object"),
        ("render hermes robot.json", "role"),
        ("render hermes nameless.json", "a tool needs a name"),
        ("render hermes binary.json", "binary.json is not UTF-8"),
        ("render jinja:missing.jinja", "no chat template at missing.jinja"),
        ("render jinja:bad.jinja", "bad.jinja, line 1"),
        ("render jinja:refusing.jinja", "no system role"),
        ("parse nope turn.txt", "no template is named 'nope'"),
        ("parse hermes missing.txt", "cannot read missing.txt"),
        ("parse hermes binary.json", "binary.json is not UTF-8"),
        ("parse hermes turn.txt --tools missing.json", "cannot read missing.json"),
        ("parse hermes turn.txt --tools torn.json", "torn.json is not valid JSON"),
        ("parse hermes turn.txt --tools nothing.json", "nothing.json holds no list of tools"),
        ("parse hermes turn.txt --tools number.json", "a tool needs a name"),
        ("parse jinja:refusing.jinja turn.txt", "only renders"),
        ("check hermes nope", "no template is named 'nope'"),
        ("check jinja:refusing.jinja", "only renders"),
        ("check hermes --write-docs turn.txt", "cannot write to turn.txt"),
        ("render", "TEMPLATE requires an argument"),
        ("render hermes --jsn", "unknown option: --jsn"),
        ("parse hermes turn.txt --jsn", "--jsn"),
        ("list everything", "everything"),
        ("lst", "lst"),
    ],
)
def test_bad_input_is_one_line_and_one_hint(
    run: Run, tmp_path: Path, words: str, complaint: str
) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    assert complaint in refusal(run(*words.split()))


def test_a_misspelt_template_is_named_right(run: Run) -> None:
    assert "did you mean hermes" in run("render", "hermse").err


@pytest.mark.sandbox
@pytest.mark.model
@pytest.mark.network
def test_a_rollout_with_a_template_that_only_renders_does_not_begin(tmp_path: Path) -> None:
    (tmp_path / "own.jinja").write_text("{{ messages[0].content }}", encoding="utf-8")
    program = str(Path(sys.executable).with_name("journeyman"))
    make = "tasks mutate bundled --out small --num-tasks 1"
    roll = "rollout small --model smollm2 --template jinja:own.jinja"
    for words in (make, roll):
        done = subprocess.run(
            [program, *words.split()], cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert "error: own.jinja only renders; it does not say how calls are read" in done.stderr
    assert not (tmp_path / "runs").exists()
