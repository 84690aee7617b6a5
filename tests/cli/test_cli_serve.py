"""`journeyman serve` as a program: it tells what to paste, answers, captures, and stops when told."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from journeyman.cli import spoken
from journeyman.errors import JourneymanError
from journeyman.gateway import SessionRecord, check_fidelity, client_settings, read_journal
from journeyman.templates import list_templates

JOURNEYMAN = str(Path(sys.executable).with_name("journeyman"))
SCRIPT = [{"content": "Hi.", "tool_calls": [{"name": "bash", "arguments": {"command": "ls"}}]}]
BODY = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hello"}],
    "tools": [{"type": "function", "function": {"name": "bash"}}],
}


@contextmanager
def served(folder, *words, **env):
    (folder / "script.json").write_text(json.dumps(SCRIPT))
    process = subprocess.Popen(
        [JOURNEYMAN, "serve", "--model", "scripted:script.json", "--port", "0", "--json", *words],
        cwd=folder,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = []
        while not lines or lines[-1] != "}\n":
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        yield json.loads("".join(lines)), process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def post(url, body, **headers):
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_captures_and_stops(tmp_path, number):
    capture = tmp_path / "turns.jsonl"
    words = ("--template", "hermes", "--capture", str(capture))
    with served(tmp_path, *words) as (told, process):
        answer = post(told["url"] + "/v1/chat/completions", BODY)
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
    assert (told["model"], told["template"]) == ("scripted:script.json", "hermes")
    assert told["clients"].keys() == client_settings("", "").keys()
    assert all(told["url"] in text for text in told["clients"].values())
    call = answer["choices"][0]["message"]["tool_calls"][0]["function"]
    assert (call["name"], json.loads(call["arguments"])) == ("bash", {"command": "ls"})
    (turns,) = read_journal(capture).values()
    assert "<tool_call>" in turns[0].turn.completion.text
    record = SessionRecord(session="", model="m", turns=tuple(turns))
    assert check_fidelity(record).num_checked == 1
    assert not check_fidelity(record).breaches


def test_without_a_template_a_script_answers_with_messages(tmp_path):
    with served(tmp_path) as (told, _):
        answer = post(told["url"] + "/v1/messages", {**BODY, "tools": [], "max_tokens": 9})
    assert told["template"] == ""
    assert [block["type"] for block in answer["content"]] == ["text", "tool_use"]


def test_a_key_is_asked_for(tmp_path):
    with served(tmp_path, "--key-env", "MY_KEY", MY_KEY="secret") as (told, _):
        url = told["url"] + "/v1/chat/completions"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            post(url, BODY)
        assert post(url, BODY, Authorization="Bearer secret")["choices"]
    assert "secret" not in json.dumps(told)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--host", "0.0.0.0"), "everybody who reaches this machine"),
        (("--host", "example.invalid"), "everybody who reaches this machine"),
        (("--key-env", "NO_SUCH_KEY"), "NO_SUCH_KEY is not set"),
        (("--port", "70000"), "from 0 to 65535"),
        (("--model", "made-up"), "unknown model made-up"),
        (("--model", "noop", "--template", "made_up"), "no template is named 'made_up'"),
        (("--model", "noop", "--capture", "/proc/none/turns.jsonl"), "cannot write"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_one_hint(tmp_path, words, complaint):
    done = subprocess.run(
        [JOURNEYMAN, "serve", *(() if "--port" in words else ("--port", "0")), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    lines = done.stderr.rstrip("\n").split("\n")
    assert complaint in lines[-3]
    assert lines[-3].startswith("error: ")
    assert lines[-1].startswith("hint: ")


@pytest.mark.parametrize(
    ("model", "template"),
    [
        ("gguf:Qwen3-Coder-Next-Q4_K_M.gguf", "qwen3_coder"),
        ("gguf:qwen2.5-coder-7b.gguf", "qwen25_coder"),
        ("gguf:DeepSeek-V3.1-Q2.gguf", "deepseekv31"),
        ("smollm2", "hermes"),
    ],
)
def test_the_template_is_told_from_the_name(model, template):
    assert spoken.guessed_template(model) == template


def test_every_guess_is_a_template_and_the_rest_is_asked_for():
    assert set(spoken._TEMPLATE_BY_NAME.values()) <= set(list_templates())
    with pytest.raises(JourneymanError, match="which template"):
        spoken.guessed_template("gguf:mine.gguf")


def test_a_port_that_is_taken(tmp_path):
    with served(tmp_path) as (told, _):
        port = told["url"].rpartition(":")[2]
        done = subprocess.run(
            [JOURNEYMAN, "serve", "--model", "noop", "--port", port],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert f"error: cannot listen on 127.0.0.1:{port}" in done.stderr
