"""`jinja:PATH`: any Hugging Face chat template renders, and says clearly that it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.templates import get_template
from journeyman.types import Message, ToolCall, ToolSpec

SOURCE = """\
{{- bos_token }}
{%- if tools %}TOOLS {{ tools | tojson }}
{% endif %}
{%- for message in messages %}
    {%- if message.role == "robot" %}{% continue %}{% endif %}
    {{- "<" + message.role + ">" + message.content }}
    {%- for call in message.tool_calls or [] %}
        {{- call.function.name + " " + (call.function.arguments | tojson) }}
    {%- endfor %}
    {{- eos_token }}
{% endfor %}
{%- if add_generation_prompt %}<assistant>{% endif %}"""
MESSAGES = (
    Message(role="user", content="Grüße"),
    Message(role="assistant", tool_calls=(ToolCall(name="look", arguments={"at": "é<"}),)),
    Message(role="tool", content="ok", name="look"),
)


def written(folder: Path, source: str = SOURCE, config: str = "") -> str:
    (folder / "chat_template.jinja").write_text(source, encoding="utf-8")
    if config:
        (folder / "tokenizer_config.json").write_text(config, encoding="utf-8")
    return f"jinja:{folder / 'chat_template.jinja'}"


def refusal(name: str, *messages: Message) -> str:
    with pytest.raises(JourneymanError) as caught:
        get_template(name).render(messages)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_file_renders_with_its_folders_special_tokens(tmp_path: Path) -> None:
    tokens = {"bos_token": "<s>", "eos_token": {"content": "</s>", "special": True}}
    template = get_template(written(tmp_path, config=json.dumps(tokens)))
    assert template.stop == ("</s>",)
    assert template.render(MESSAGES) == (
        '<s><user>Grüße</s>\n<assistant>look {"at": "é<"}</s>\n<tool>ok</s>\n<assistant>'
    )
    tools = (ToolSpec(name="look"),)
    rendered = template.render(MESSAGES[:1], tools, add_generation_prompt=False)
    declared, said = rendered.split("\n", 1)
    assert said == "<user>Grüße</s>\n"
    (tool,) = json.loads(declared.removeprefix("<s>TOOLS "))
    assert (tool["type"], tool["function"]["name"]) == ("function", "look")


def test_a_folder_is_as_good_as_its_file(tmp_path: Path) -> None:
    name = written(tmp_path)
    template = get_template(f"jinja:{tmp_path}")
    assert template.render(MESSAGES) == get_template(name).render(MESSAGES)
    assert template.stop == ()


def test_it_does_not_read(tmp_path: Path) -> None:
    template = get_template(written(tmp_path))
    attempts = (
        lambda: template.parse("hello"),
        lambda: template.stream(),
        lambda: template.render_turn(MESSAGES[1]),
    )
    for attempt in attempts:
        with pytest.raises(JourneymanError, match="only renders") as caught:
            attempt()
        assert caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "no chat template at" in refusal(f"jinja:{tmp_path}/none.jinja")
    assert "no chat template at" in refusal(f"jinja:{tmp_path}")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("one\n{% if %}", "line 2: Expected an expression"),
        ("{{ raise_exception('roles must\nalternate') }}", "roles must alternate"),
        ("{{ messages.nothing.more }}", "no attribute 'nothing'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ messages[0].content + 1 }}", "refuses the conversation"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ messages.append(1) }}", "unsafe"),
    ],
)
def test_what_the_file_gets_wrong_is_one_line(tmp_path: Path, source: str, complaint: str) -> None:
    assert complaint in refusal(written(tmp_path, source), MESSAGES[0])


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("chat_template.jinja", b"\xff\xfe", "not UTF-8"),
        ("tokenizer_config.json", b"\xff\xfe", "not UTF-8"),
        ("tokenizer_config.json", b'{"bos_token": ', "not valid JSON"),
        ("tokenizer_config.json", b"[]", "holds no JSON object"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, data: bytes, complaint: str) -> None:
    template = written(tmp_path)
    (tmp_path / name).write_bytes(data)
    assert complaint in refusal(template, MESSAGES[0])
