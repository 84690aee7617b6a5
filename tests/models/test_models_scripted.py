"""Scripted models, the oracle and the registry."""

import json
import subprocess
from pathlib import Path

import pytest

from journeyman.errors import AttributedError, JourneymanError
from journeyman.models import ScriptedModel, bind, open_model
from journeyman.types import Message, Origin, Prompt, Sampling, Task, ToolSpec, VerifierSpec


def make_task(patch: str, instance_id: str = "one") -> Task:
    return Task(
        instance_id=instance_id,
        repo="owner/name",
        base_commit="0" * 40,
        problem_statement="It is broken.",
        patch=patch,
        FAIL_TO_PASS=("t.py::test",),
        verifier=VerifierSpec(command="true"),
        origin=Origin(road="mutate"),
    )


def said(*contents: str) -> Prompt:
    messages = [Message(role="user", content="go")]
    messages += [Message(role="assistant", content=text) for text in contents]
    return Prompt(messages=tuple(messages))


async def test_a_script_is_stateless(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text(json.dumps([{"content": "a"}, {"content": "b"}]))
    model = await open_model(f"scripted:{path}")
    second = await model.complete(said("a"), Sampling())
    first = await model.complete(said(), Sampling())
    assert (first.message, second.message) == (
        Message(role="assistant", content="a"),
        Message(role="assistant", content="b"),
    )
    with pytest.raises(AttributedError, match="ends after 2"):
        await model.complete(said("a", "b"), Sampling())


async def test_scripts_by_instance(tmp_path: Path) -> None:
    path = tmp_path / "script.jsonl"
    lines = [{"content": "default"}, {"instance_id": "two", "messages": [{"content": "special"}]}]
    path.write_text("\n".join(map(json.dumps, lines)))
    model = await open_model(f"scripted:{path}")
    answers = [
        (await bind(model, make_task("", name)).complete(said(), Sampling())).message
        for name in ("one", "two")
    ]
    assert [message.content for message in answers if message] == ["default", "special"]


async def test_calls_in_openai_form_are_read(tmp_path: Path) -> None:
    call = {"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    path = tmp_path / "script.json"
    path.write_text(json.dumps([{"content": "", "tool_calls": [call]}]))
    model = await open_model(f"scripted:{path}")
    message = (await model.complete(said(), Sampling())).message
    assert message is not None
    assert message.tool_calls[0].arguments == {"a": 1}
    assert message.tool_calls[0].id == "x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "not valid JSON"),
        ("3", "neither a list nor an object"),
        ('[{"contents": "x"}]', "message 0"),
        ('[{"role": "user", "content": "x"}]', "assistant messages only"),
        ('[{"tool_calls": [{"arguments": {}}]}]', "message 0"),
        ('{"default": [], "script": {}}', "neither a list nor an object"),
    ],
)
async def test_a_broken_script_is_explained(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(text)
    with pytest.raises(JourneymanError, match=expected) as caught:
        await open_model(f"scripted:{path}")
    assert str(path) in caught.value.message
    assert caught.value.hint


async def test_a_missing_script_is_explained(tmp_path: Path) -> None:
    with pytest.raises(JourneymanError, match="cannot read the script"):
        await open_model(f"scripted:{tmp_path / 'none.json'}")


AWKWARD = 'it\'s "quoted" $HOME `x` \\n EOF é \U0001f600\ttab\r\n'


@pytest.mark.parametrize("size", [1, 6000])
async def test_the_oracle_applies_any_bytes(tmp_path: Path, size: int) -> None:
    def git(*arguments: str) -> bytes:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run([*command, *arguments], check=True, capture_output=True).stdout

    git("init", "-q")
    target = tmp_path / "file.txt"
    target.write_bytes(b"old\n")
    git("add", ".")
    git("commit", "-qm", "base")
    fixed = "".join(f"{index} {AWKWARD}" for index in range(size)).encode()
    target.write_bytes(fixed)
    patch = git("diff", "--binary").decode()
    git("checkout", "-q", ".")
    model = bind(await open_model("oracle"), make_task(patch))
    shell = ToolSpec(
        name="bash", parameters={"type": "object", "properties": {"command": {"type": "string"}}}
    )
    messages = [Message(role="user", content="go")]
    for _ in range(20):
        prompt = Prompt(messages=tuple(messages), tools=(shell, ToolSpec(name="submit")))
        message = (await model.complete(prompt, Sampling())).message
        assert message is not None
        (call,) = message.tool_calls
        if call.name == "submit":
            break
        subprocess.run(["sh", "-c", call.arguments["command"]], cwd=tmp_path, check=True)  # noqa: ASYNC221
        messages.append(message)
    assert call.name == "submit"
    assert target.read_bytes() == fixed


async def test_noop_submits_at_once() -> None:
    model = bind(await open_model("noop"), make_task("x"))
    message = (await model.complete(said(), Sampling())).message
    assert message is not None
    assert [call.name for call in message.tool_calls] == ["submit"]


async def test_an_unbound_oracle_refuses() -> None:
    with pytest.raises(AttributedError, match="bound to a task"):
        await (await open_model("oracle")).complete(said(), Sampling())


@pytest.mark.parametrize(("spec", "near"), [("oracel", "oracle"), ("noops", "noop")])
async def test_an_unknown_model_names_the_nearest(spec: str, near: str) -> None:
    with pytest.raises(JourneymanError, match=f"unknown model {spec}") as caught:
        await open_model(spec)
    assert near in caught.value.hint


async def test_models_toml_names_a_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("models.toml").write_text('[mine]\nspec = "noop"\n')
    assert isinstance(await open_model("mine"), ScriptedModel)
    with pytest.raises(JourneymanError) as caught:
        await open_model("mina")
    assert "mine" in caught.value.hint
    Path("models.toml").write_text('[mine]\nspec = "noop"\nspecs = 1\n')
    with pytest.raises(JourneymanError, match=r"models.toml: \[mine\]") as caught:
        await open_model("mine")
    assert "did you mean spec" in caught.value.hint
