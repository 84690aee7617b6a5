"""Runs in other programs' formats: complete, valid, and without secrets."""

import json

import pytest

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.types import Message
from journeyman.web.exchange import FORMATS, Redactor, export_run
from journeyman.web.exchange.redact import RULES
from journeyman.web.reading import RunReader

SECRETS = {
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----",
    "github_token": "ghp_" + "a1B2" * 9,
    "gitlab_token": "glpat-" + "abcd1234" * 3,
    "anthropic_key": "sk-ant-" + "x9" * 20,
    "openai_key": "sk-proj-" + "x9" * 20,
    "hugging_face_token": "hf_" + "aB3" * 12,
    "aws_access_key": "AKIA" + "ABCD1234" * 2,
    "google_key": "AIza" + "a1b2c" * 7,
    "slack_token": "xoxb-" + "1234567890",
    "npm_token": "npm_" + "a1B2" * 9,
    "pypi_token": "pypi-" + "AgEI" * 13,
    "stripe_key": "sk_live_" + "a1B2" * 6,
    "sendgrid_key": "SG." + "a1" * 11 + "." + "b2" * 11,
    "twilio_key": "SK" + "0a1b" * 8,
    "azure_key": "AccountKey=" + "a1B2" * 12 + "==",
    "json_web_token": "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
    "authorization": "Authorization: Bearer abcdefgh12345678",
    "password_in_url": "https://user:hunter2@example.org/x",
}


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_finds_its_secret(kind):
    redactor = Redactor({})
    text = redactor.text(f"before {SECRETS[kind]} after")
    assert f"[redacted:{kind}]" in text
    assert text.startswith("before ")
    assert redactor.counts[kind] == 1


def test_named_values_and_this_processs_own_secrets_are_found():
    redactor = Redactor({"MY_API_KEY": "plainwordsecret", "PATH": "/usr/bin:/bin"})
    assert "plainwordsecret" not in redactor.text("x=plainwordsecret")
    assert redactor.text("DB_PASSWORD=hunter2Hunter9xQ") == "DB_PASSWORD=[redacted:named_secret]"
    assert redactor.value({"password": "correcthorse", "n": [1, 2]}) == {
        "password": "[redacted:named_secret]",
        "n": [1, 2],
    }


@pytest.mark.parametrize(
    "text",
    [
        "token = tokenizer.next_token()",
        "the secret of the api_key: see configuration_reference",
        "def test_password_is_required(): assert password == expected",
        "git@github.com:acme/shop.git http://127.0.0.1:8000/v1",
        "a" * 40,
    ],
)
def test_code_and_prose_stay_as_they_are(text):
    assert Redactor({}).text(text) == text


@pytest.fixture
def leaky(roots, build):
    """A run in which one rollout printed a key."""
    run = build.run(roots, num=6)
    path = run / "artifacts" / build.rollout(0).rollout_id / "trajectory.json"
    trajectory = build.trajectory(0)
    told = Message(
        role="tool", name="bash", content=f"key {SECRETS['github_token']}", tool_call_id="call1"
    )
    first = trajectory.turns[0].model_copy(update={"observations": (told,)})
    turns = (first, *trajectory.turns[1:])
    path.write_text(trajectory.model_copy(update={"turns": turns}).model_dump_json())
    return run


@pytest.mark.parametrize("to", FORMATS)
def test_no_format_lets_a_secret_out(leaky, to, tmp_path):
    if to == "parquet":
        pytest.importorskip("pyarrow", reason="the extra data has pyarrow")
    made = export_run(RunReader(leaky), to, tmp_path / "out")
    assert made.redacted["github_token"] >= 1
    assert made.num_without_tokens == 1
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file():
            assert SECRETS["github_token"].encode() not in file.read_bytes()
    note = json.loads((tmp_path / "out/export.json").read_text())
    assert note["format"] == to
    with pytest.raises(JourneymanError, match="nothing is overwritten"):
        export_run(RunReader(leaky), to, tmp_path / "out")


def test_atif_has_every_turn_its_tokens_and_consistent_calls(leaky, tmp_path, build):
    made = export_run(RunReader(leaky), "atif", tmp_path / "out")
    assert made.num_rollouts == 6
    kept = json.loads(
        (tmp_path / "out" / build.rollout(1).rollout_id / "trajectory.json").read_text()
    )
    assert kept["schema_version"] == "ATIF-v1.8"
    assert [it["step_id"] for it in kept["steps"]] == list(range(1, len(kept["steps"]) + 1))
    assert [it["source"] for it in kept["steps"]] == ["system", "user", "agent", "agent", "agent"]
    for step in kept["steps"][2:]:
        calls = {it["tool_call_id"] for it in step["tool_calls"]}
        assert {it["source_call_id"] for it in step["observation"]["results"]} <= calls
        assert (
            len(step["metrics"]["completion_token_ids"]) == len(step["metrics"]["logprobs"]) == 12
        )
    clean = json.loads(
        (tmp_path / "out" / build.rollout(0).rollout_id / "trajectory.json").read_text()
    )
    assert "completion_token_ids" not in clean["steps"][2]["metrics"]
    assert kept["extra"]["reward"]["value"] == -0.5


def test_fine_tuning_data_is_of_solved_rollouts_unless_all_are_asked_for(leaky, tmp_path):
    some = export_run(RunReader(leaky), "sft-jsonl", tmp_path / "some")
    every = export_run(RunReader(leaky), "sft-jsonl", tmp_path / "every", is_everything=True)
    assert 0 < some.num_rollouts < every.num_rollouts == 6
    for line in (tmp_path / "some/train.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert record["metadata"]["is_resolved"]
        roles = [it["role"] for it in record["messages"]]
        assert roles[:3] == ["system", "user", "assistant"]
        assert roles[-1] == "tool"
        assert record["tools"][0]["function"]["name"] == "bash"


def test_session_traces_are_a_header_and_messages(leaky, tmp_path):
    export_run(RunReader(leaky), "hf-traces", tmp_path / "out")
    file = sorted((tmp_path / "out/sessions").iterdir())[0]
    lines = [json.loads(it) for it in file.read_text().splitlines()]
    assert lines[0]["type"] == "session"
    assert lines[0]["harness"] == "journeyman"
    assert {it["type"] for it in lines[1:]} == {"message"}
    calls = [
        it["message"]["toolCalls"][0] for it in lines if it.get("message", {}).get("toolCalls")
    ]
    assert json.loads(calls[0]["function"]["arguments"])["command"]
    answers = {it["message"]["toolCallId"] for it in lines[1:] if it["message"]["role"] == "tool"}
    assert answers == {it["id"] for it in calls}


def test_parquet_is_one_row_a_rollout(leaky, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra data has pyarrow")
    export_run(RunReader(leaky), "parquet", tmp_path / "out")
    table = parquet.read_table(tmp_path / "out/rollouts.parquet").to_pylist()
    assert len(table) == 6
    assert json.loads(table[0]["messages"])[0]["role"] == "system"


def test_the_command_writes_and_says_what_it_took_out(leaky, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["export", str(leaky), "--to", "sft-jsonl", "--out", str(tmp_path / "out")])
    assert caught.value.code == 0
    said = capsys.readouterr()
    assert "rollouts in" in said.out
    assert "github_token" in said.err
    with pytest.raises(SystemExit) as caught:
        main(["export", str(leaky.parent), "--to", "atif"])
    assert caught.value.code == 2


def test_every_branch_of_a_rollout_leaves_with_it(leaky, build, tmp_path):
    folder = leaky / "artifacts" / build.rollout(1).rollout_id
    branch = json.loads((folder / "trajectory.json").read_text())
    branch["turns"][0]["message"]["content"] = "What the other conversation says."
    (folder / "trajectory-2.json").write_text(json.dumps(branch))
    run = RunReader(leaky)
    plain = export_run(run, "atif", tmp_path / "atif")
    assert plain.num_rollouts == 6
    second = json.loads((tmp_path / "atif" / folder.name / "trajectory-2.json").read_text())
    assert second["extra"]["branch"] == 2
    assert second["trajectory_id"] == f"{build.rollout(1).rollout_id}#2"
    assert "other conversation" in json.dumps(second["steps"])
    export_run(run, "hf-traces", tmp_path / "traces")
    traced = (tmp_path / "traces/sessions" / f"{folder.name}-2.jsonl").read_text()
    assert "other conversation" in traced
    export_run(run, "sft-jsonl", tmp_path / "sft", is_everything=True)
    lines = map(json.loads, (tmp_path / "sft/train.jsonl").read_text().splitlines())
    branches = [it["metadata"]["branch"] for it in lines]
    assert sorted(branches) == [1, 1, 1, 1, 1, 1, 2]
