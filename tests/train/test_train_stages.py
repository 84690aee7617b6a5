"""Stages: which files and rollouts are trained on, and the command from a model to a trained one."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.runs import append_jsonl
from journeyman.train.documents import SourceFile, sequences_of
from journeyman.train.model.folder import create_model, load_network
from journeyman.train.stages.midtrain import MidtrainSettings, make_documents
from journeyman.train.stages.rollouts import choose
from journeyman.train.tokenizer import train_tokenizer
from journeyman.types import (
    Completion,
    Ending,
    FormatError,
    GuardDecision,
    Message,
    Rollout,
    Trajectory,
    Turn,
    Verdict,
)

TOKENIZER = train_tokenizer([Path(__file__).read_text()], 400)
FILES = [SourceFile(f"pkg/m{number}.py", f"x = {number}\ny = 2\n" * 3) for number in range(60)]


def settings(**given):
    return MidtrainSettings(model=Path("m"), **given)


def test_files_are_documents_with_and_without_holes_and_some_are_held_out():
    train, held_out = make_documents(FILES, settings(held_out_share=0.2), TOKENIZER)
    assert len(train) + len(held_out) == 60
    assert 3 < len(held_out) < 25
    assert {it.source for it in held_out} == {"repository"}
    sources = {it.source for it in train}
    assert sources == {"repository", "fill_in_middle_psm", "fill_in_middle_spm"}


def test_what_becomes_of_a_file_does_not_depend_on_the_others():
    train, _ = make_documents(FILES, settings(held_out_share=0), TOKENIZER)
    alone, _ = make_documents(FILES[7:8], settings(held_out_share=0), TOKENIZER)
    assert alone[0] == train[7]


def test_repeats_leave_the_loss_where_that_is_asked_for():
    plain, _ = make_documents(FILES, settings(held_out_share=0, fill_share=0), TOKENIZER)
    masked, _ = make_documents(
        FILES, settings(held_out_share=0, fill_share=0, min_repeat=8), TOKENIZER
    )
    assert all(all(it.is_trained) for it in plain)
    assert all(0 < sum(it.is_trained) < len(it) for it in masked)


def write_run(folder, **changes):
    """A run with one rollout that passes, or does not for one reason."""
    turn = Turn(
        prompt_token_ids=(1, 2, 3),
        completion=Completion(token_ids=(4, 5, 6)),
        message=Message(role="assistant"),
        **changes.pop("turn", {}),
    )
    record = {
        "rollout_id": "a-1",
        "instance_id": "a",
        "group_id": "g",
        "scaffold": "bash",
        "model": "m",
        "ending": Ending.SUBMITTED,
        "verdict": Verdict(is_resolved=True),
    }
    rollout = Rollout(**(record | changes))
    (folder / "artifacts/a-1").mkdir(parents=True)
    append_jsonl(folder / "rollouts.jsonl", rollout)
    trajectory = Trajectory(scaffold="bash", model="m", turns=(turn,))
    (folder / "artifacts/a-1/trajectory.json").write_text(trajectory.model_dump_json())
    return folder


MALFORMED = FormatError(kind="unclosed_call", message="", start=0, end=1)
REFUSED = GuardDecision(guard="rules", tool="bash", is_allowed=False)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": Verdict(is_resolved=False)}, "not resolved"),
        ({"verdict": None}, "not resolved"),
        ({"ending": Ending.TURN_LIMIT}, "did not end by itself"),
        ({"turn": {"format_errors": (MALFORMED,)}}, "malformed calls"),
        ({"turn": {"guard_decisions": (REFUSED,)}}, "refused by the guard"),
        ({}, ""),
    ],
)
def test_only_verified_clean_rollouts_are_trained_on(tmp_path, changes, reason):
    chosen = choose([write_run(tmp_path, **changes)])
    assert dict(chosen.dropped) == ({reason: 1} if reason else {})
    sequences = [it for _, trajectory in chosen.trajectories for it in sequences_of(trajectory)]
    assert [list(it.token_ids) for it in sequences] == ([] if reason else [[1, 2, 3, 4, 5, 6]])


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(JourneymanError, match="is no run"):
        choose([tmp_path])


def command(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["train", *words])
    return ended.value.code, *capsys.readouterr()


STEPS = [
    "--trainer.num-steps",
    "2",
    "--trainer.rows-per-step",
    "2",
    "--trainer.num-warmup-steps",
    "1",
]


def test_the_commands_train_a_model_and_save_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    network = create_model(Path("m"), "tiny", TOKENIZER, seed=0)
    Path("corpus").mkdir()
    for file in FILES[:8]:
        Path("corpus", Path(file.path).name).write_text(file.text)
    words = ("midtrain", "m", "--corpus", "corpus", "--row-length", "64", "--name", "first", *STEPS)
    code, out, err = command(capsys, *words, "--json")
    assert code == 0, err
    assert json.loads(out)["step"] == 2
    trained = load_network(Path("runs/first/model"))
    assert trained.base.lm_head.weight.ne(network.base.lm_head.weight).any()
    assert command(capsys, *words)[0] == 2
    assert command(capsys, *words, "--resume")[0] == 0

    run = write_run(tmp_path / "rollouts")
    words = ("sft", "runs/first/model", "--rollouts", str(run), "--row-length", "8", *STEPS)
    code, _, err = command(capsys, *words)
    assert code == 0, err
    assert "sequences: 1 trajectory; left out: none" in err
    bad = write_run(tmp_path / "bad", ending=Ending.TURN_LIMIT)
    code, out, err = command(capsys, "sft", "m", "--rollouts", str(bad), *STEPS)
    assert (code, out) == (2, "")
    assert "error: nothing to train on: sequences: none; left out: 1 did not end by itself" in err
