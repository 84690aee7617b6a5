"""`journeyman code` as a person uses it: in a real terminal, and in scripts."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

JOURNEYMAN = str(Path(sys.executable).with_name("journeyman"))
BUG = "def add(a, b):\n    return a - b\n"
pytestmark = pytest.mark.sandbox


def _edit(old: str, new: str) -> dict:
    arguments = {"command": "str_replace", "path": "calc.py", "old_str": old, "new_str": new}
    return {"name": "str_replace_editor", "arguments": arguments}


def _bash(command: str) -> dict:
    return {"name": "bash", "arguments": {"command": command}}


SCRIPT = [
    {
        "content": "Let me look.",
        "tool_calls": [{"name": "search", "arguments": {"pattern": "return a"}}],
    },
    {"content": "I fix it.", "tool_calls": [_edit("a - b", "a + b")]},
    {"tool_calls": [_bash("python3 -c 'import calc; print(calc.add(20, 22))'")]},
    {"content": "Fixed: it \x1b[31msubtracted."},
    {"content": "You are welcome."},
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    place.mkdir()
    (place / "calc.py").write_text(BUG)
    subprocess.run(["git", "init", "-q", str(place)], check=True)
    return place


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "TERM": "xterm-256color"}


def _script(place: Path, messages: list) -> str:
    file = place.parent / "script.json"
    file.write_text(json.dumps(messages))
    return f"scripted:{file}"


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, words: list[str], folder: Path, variables: dict[str, str]) -> None:
        self.seen = ""
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(words[0], words, variables)

    def expect(self, pattern: str, timeout_s: float = 60.0) -> str:
        """Wait for a text, without its colours; return what was written up to its end."""
        deadline = time.monotonic() + timeout_s
        while True:
            plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.seen).replace("\r", "")
            found = re.search(pattern, plain)
            if found:
                self.seen = plain[found.end() :]
                return plain[: found.end()]
            assert time.monotonic() < deadline, f"no {pattern!r} in {plain!r}"
            if select.select([self._end], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self._end, 65536).decode()
                except OSError:
                    raise AssertionError(f"it ended; no {pattern!r} in {plain!r}") from None

    def raw(self) -> str:
        return self.seen

    def say(self, text: str) -> None:
        os.write(self._end, f"{text}\n".encode())

    def interrupt(self) -> None:
        os.write(self._end, b"\x03")

    def close(self) -> int:
        try:
            while os.read(self._end, 65536):
                pass
        except OSError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._end)
        return os.waitstatus_to_exitcode(status)


def test_a_person_sees_approves_refuses_and_resumes(project, environment):
    words = [JOURNEYMAN, "code", "--model", _script(project, SCRIPT), "--template", "qwen3_coder"]
    terminal = Terminal(words, project, environment)
    terminal.expect(r"/help says more\s+> ")
    terminal.say("Fix add.")
    assert "calc.py:2:" in terminal.expect(r"Let me look\.[\s\S]*search[\s\S]*?return a - b")
    shown = terminal.expect(r"allow it\?.*: ")
    assert "-    return a - b" in shown
    assert "+    return a + b" in shown
    assert (project / "calc.py").read_text() == BUG
    terminal.say("y")
    terminal.expect(r"\$ python3 -c[\s\S]*allow it\?.*: ")
    assert "a + b" in (project / "calc.py").read_text()
    terminal.say("a")
    assert "42" in terminal.expect(r"exit code: 0")
    # What a model writes does not steer the terminal.
    terminal.expect(r"Fixed: it \[31msubtracted\.\s+> ")
    terminal.say("/files")
    terminal.expect(r"calc\.py\s+> ")
    terminal.say("/exit")
    kept = re.search(r"--resume (\S+) goes on", terminal.expect(r"goes on"))[1]
    assert terminal.close() == 0

    words = [JOURNEYMAN, "code", "--list", "--json"]
    listed = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    (session,) = json.loads(listed.stdout)
    assert (session["id"], session["title"]) == (kept, "Fix add.")
    again = [JOURNEYMAN, "code", "--model", f"scripted:{project.parent / 'script.json'}"]
    terminal = Terminal([*again, "--continue"], project, environment)
    terminal.expect("> ")
    terminal.say("Thanks!")
    terminal.expect(r"You are welcome\.\s+> ")
    terminal.say("More?")
    terminal.expect(r"error: the script of .* ends after 5 messages[\s\S]*> ")
    terminal.say("/new")
    terminal.expect(r"forgotten\s+> ")
    terminal.say("Fix add.")
    terminal.expect(r"allow it\?.*: |does not occur[\s\S]*allow it\?.*: ")
    terminal.interrupt()
    terminal.expect(r"interrupted\s+> ")
    os.write(terminal._end, b"\x04")
    assert terminal.close() == 0


def test_a_refusal_and_its_reason_reach_the_model(project, environment):
    script = [SCRIPT[1], {"content": "As you like."}]
    words = [JOURNEYMAN, "code", "--model", _script(project, script)]
    terminal = Terminal(words, project, environment)
    terminal.expect("> ")
    terminal.say("Fix add.")
    terminal.expect(r"allow it\?.*: ")
    terminal.say("use operator.add instead")
    terminal.expect(r"did not allow this edit: use operator\.add instead[\s\S]*As you like\.\s+> ")
    terminal.say("/exit")
    assert terminal.close() == 0
    assert (project / "calc.py").read_text() == BUG
    (kept,) = (Path(environment["XDG_DATA_HOME"]) / "journeyman" / "code").glob("*.jsonl")
    assert "use operator.add instead" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_a_long_command_is_interrupted(project, environment):
    script = [{"tool_calls": [_bash("echo begun > begun; sleep 60")]}, {"content": "Never said."}]
    words = [JOURNEYMAN, "code", "--approve", "all", "--model", _script(project, script)]
    terminal = Terminal(words, project, environment)
    terminal.expect("> ")
    terminal.say("Wait.")
    terminal.expect(r"sleep 60")
    deadline = time.monotonic() + 60
    while not (project / "begun").exists():  # a busy machine may take seconds to begin it
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started = time.monotonic()
    os.kill(terminal.pid, signal.SIGINT)
    terminal.expect(r"interrupted\s+> ")
    assert time.monotonic() - started < 20
    terminal.say("/exit")
    assert terminal.close() == 0


def _once(project: Path, environment: dict, *words: str) -> subprocess.CompletedProcess[str]:
    command = [JOURNEYMAN, "code", str(project), *words]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("sandbox", ["namespace", "off"])
def test_without_a_terminal_it_does_one_thing(project, environment, sandbox):
    model = _script(project, SCRIPT)
    words = ("--model", model, "-p", "Fix add.", "--approve", "all", "--sandbox", sandbox, "--json")
    done = _once(project, environment, *words)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["answer"].startswith("Fixed")
    assert (found["num_calls"], found["changed"]) == (3, ["calc.py"])
    assert "+    return a + b" in done.stderr
    assert "a + b" in (project / "calc.py").read_text()


def test_without_approval_nothing_is_done(project, environment):
    done = _once(project, environment, "--model", _script(project, SCRIPT), "-p", "Fix add.")
    assert done.returncode == 0
    assert done.stdout.startswith("Fixed")
    assert (project / "calc.py").read_text() == BUG
    assert done.stderr.count("nobody is there to ask") == 2


def test_the_sandbox_sees_the_folder_and_nothing_else(project, environment):
    secret = project.parent / "secret.txt"
    secret.write_text("hidden")
    (project / "link").symlink_to(secret)
    hook = ".git/hooks/post-checkout"
    tools = [
        _bash(f"cat {secret} || echo unseen; touch .git/hooks/x || echo unwritable; id -un"),
        _bash("python3 - <<'E'\nimport socket\nsocket.create_connection(('1.1.1.1', 53), 3)\nE"),
        {"name": "str_replace_editor", "arguments": {"command": "view", "path": str(secret)}},
        {"name": "str_replace_editor", "arguments": {"command": "view", "path": "link"}},
        {"name": "str_replace_editor", "arguments": {"command": "view", "path": "../secret.txt"}},
        {
            "name": "str_replace_editor",
            "arguments": {"command": "create", "path": hook, "file_text": "#!/bin/sh\n"},
        },
        {"name": "search", "arguments": {"pattern": "hidden", "path": ".."}},
        {"name": "nonsense", "arguments": {}},
    ]
    script = [{"tool_calls": tools}, {"content": "Tried."}]
    words = ("--model", _script(project, script), "-p", "Try.", "--approve", "all")
    done = _once(project, environment, *words)
    assert done.stdout == "Tried.\n", done.stderr
    assert "unseen\n  unwritable\n  agent" in done.stderr
    assert "Network is unreachable" in done.stderr
    assert done.stderr.count(f"is not in {project}") == 4
    assert "says what Git runs" in done.stderr
    assert "There is no tool named 'nonsense'" in done.stderr
    assert "hidden\n" not in done.stderr
    assert not (project / hook).exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--model", "noop"), "there is no terminal to talk in"),
        (("--model", "noop", "--json"), "only an answer to --prompt is JSON"),
        (("--model", "nothing", "-p", "x"), "unknown model nothing"),
        (("--resume", "2031", "-p", "x"), "no session begins with '2031'"),
        (("--continue", "-p", "x"), "no session was held in"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_one_hint(project, environment, words, complaint):
    done = _once(project, environment, *words)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "\nhint: " in done.stderr
