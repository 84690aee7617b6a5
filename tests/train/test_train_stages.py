"""Stages: which files and rollouts are trained on, and the command from a model to a trained one."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.runs import append_jsonl
from journeyman.train.documents import Document, Encoded, Holed, SourceFile, Span, sequences_of
from journeyman.train.documents.chat_fill import chat_fill
from journeyman.train.documents.document_file import write_documents
from journeyman.train.model.folder import create_model, load_network
from journeyman.train.stages.corpus_documents import gather, make_documents
from journeyman.train.stages.fill_exam import FillExam
from journeyman.train.stages.midtrain import MidtrainSettings
from journeyman.train.stages.result import Training, train_model
from journeyman.train.stages.rollouts import choose
from journeyman.train.stages.sft import SftSettings
from journeyman.train.stages.sft import gather as gather_sft
from journeyman.train.tokenizer import train_tokenizer
from journeyman.train.trainer.settings import TrainerSettings
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
    train, held_out = make_documents(
        FILES, settings(held_out_share=0.2, repository_share=0), TOKENIZER
    )
    assert len(train) + len(held_out) == 60
    assert 3 < len(held_out) < 25
    assert {it.source for it in held_out} == {"repository"}
    sources = {it.source for it in train}
    assert sources == {"repository", "fill_in_middle_psm", "fill_in_middle_spm"}


def test_what_becomes_of_a_file_does_not_depend_on_the_others():
    chosen = settings(held_out_share=0, repository_share=0)
    train, _ = make_documents(FILES, chosen, TOKENIZER)
    alone, _ = make_documents(FILES[7:8], chosen, TOKENIZER)
    assert alone[0] == train[7]


def test_a_file_gives_several_documents_with_holes_but_never_more_than_it_is_long():
    long = SourceFile("pkg/long.py", "".join(f"value_{at} = {at} + 1\n" for at in range(200)))
    chosen = settings(
        held_out_share=0, fill_share=1, fills_per_file=5, fill_characters=100,
        line_share=0, word_share=1, suffix_first_share=1,
    )  # fmt: skip
    train, _ = make_documents([long, *FILES[:1]], chosen, TOKENIZER)
    assert len(train) == 5 + 1
    texts = [TOKENIZER.decode(it.token_ids) for it in train]
    assert len(set(texts)) == 6
    assert all(len(it) < 100 + 120 for it in texts)
    assert {it.source for it in train} == {"fill_in_middle_spm"}
    assert train == make_documents([long, *FILES[:1]], chosen, TOKENIZER)[0]


def test_the_exam_counts_what_is_filled_exactly_with_its_interval():
    exam = FillExam(FILES, TOKENIZER, 6, seed=0, num_characters=12, suffix_first_share=0.5)
    again = FillExam(FILES, TOKENIZER, 6, seed=0, num_characters=12, suffix_first_share=0.5)
    assert exam.prompts == again.prompts
    middle = TOKENIZER.special_id("<|fim_middle|>")
    ends = [prompt[-1] == middle for prompt in exam.prompts]
    assert any(ends)
    assert not all(ends)  # a prompt with the suffix first ends with the prefix

    class Writer(torch.nn.Module):
        """Writes what was there, but in the first hole."""

        def __init__(self):
            super().__init__()
            self.weight, self.at = torch.zeros(1), 0

        def get_input_embeddings(self):
            return self

        def generate(self, rows, **options):
            answers = [
                [*TOKENIZER.plain_ids(it), TOKENIZER.pad_id] + [0] * 30 for it in exam.middles
            ]
            answers[0][0] = (answers[0][0] + 1) % 256
            tails = torch.tensor([it[:20] for it in answers])
            return torch.cat([rows, tails], dim=1)

    network = torch.nn.Module()
    network.base = Writer()
    figures = exam(network)
    assert figures["fill_exact"] == pytest.approx(5 / 6)
    assert figures["fill_exact_low"] == pytest.approx(0.4365, abs=1e-3)
    assert figures["fill_exact_high"] == pytest.approx(0.9699, abs=1e-3)


def test_some_files_stand_together_in_several_forms():
    chosen = settings(held_out_share=0, fill_share=0, repository_share=0.8, row_length=64)
    train, _ = make_documents(FILES, chosen, TOKENIZER, name="demo")
    sources = {it.source for it in train}
    assert sources == {
        "repository", "repository_markdown", "repository_tree", "repository_tags"
    }  # fmt: skip
    assert len(train) < 60


def test_everything_is_gathered_filtered_and_masked(tmp_path):
    root = tmp_path / "repo"
    root.mkdir()
    for file in FILES[:6]:
        text = file.text.replace("x", "value").replace("y", "other")
        (root / Path(file.path).name).write_text(text)
    (root / "z_again.py").write_text(text)
    (root / "z_made.py").write_text("# Generated by a tool. DO NOT EDIT.\n" + text + "more = 1\n")
    document = Document((Span("a change\n"), Span.special("<|endoftext|>")), "pull_request_diff")
    write_documents(tmp_path / "d.jsonl", [document])
    append_jsonl(tmp_path / "c.jsonl", chat_fill("a.py", Holed("x = ", "1", "\n")))
    chosen = settings(
        corpus=(root,),
        documents=(tmp_path / "d.jsonl",),
        conversations=(tmp_path / "c.jsonl",),
        held_out_share=0,
        min_repeat=8,
        filters={"similarity": 1.0},
    )
    found = gather(chosen, TOKENIZER)
    assert found.dropped == {"duplicate": 1, "generated": 1}
    sources = [it.source for it in found.train]
    assert "pull_request_diff" in sources
    assert "chat_fill" in sources
    assert any(not all(it.is_trained) for it in found.train)
    assert "1 chat_fill" in found.describe()


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


def test_tokens_of_another_tokenizer_are_noticed_by_what_they_spell(tmp_path):
    other = train_tokenizer(["some other words, and another vocabulary 0123456789\n" * 9], 400)
    text = "some other words, and another vocabulary"
    for name, drawn_with in (("same", TOKENIZER), ("other", other)):
        completion = Completion(
            text=text, token_ids=tuple(drawn_with.text_ids(text + "<|im_end|>"))
        )
        turn = Turn(prompt_token_ids=(1,), completion=completion, message=Message(role="assistant"))
        run = write_run(tmp_path / name)
        trajectory = Trajectory(scaffold="bash", model="m", turns=(turn,))
        (run / "artifacts/a-1/trajectory.json").write_text(trajectory.model_dump_json())
    chosen = {"model": tmp_path, "rollouts": (tmp_path / "same",)}
    assert gather_sft(SftSettings(**chosen), TOKENIZER).kept == {"trajectory": 1}
    chosen["rollouts"] = (tmp_path / "other",)
    with pytest.raises(JourneymanError, match="drawn with another tokenizer"):
        gather_sft(SftSettings(**chosen), TOKENIZER)
    written = SftSettings(**chosen, templates=("hermes",))
    assert gather_sft(written, TOKENIZER).kept == {"rollout": 1}


def test_what_one_folder_holds_goes_from_the_next(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.py").write_text("value = 1\nother = 2\n" * 6)
    (tmp_path / "second/more.py").write_text("import os\n\nprint(os.getcwd())\n" * 6)
    both = (tmp_path / "first", tmp_path / "second")
    found = gather(settings(corpus=both, held_out_share=0, fill_share=0), TOKENIZER)
    assert found.dropped == {"duplicate": 1}
    assert len(found.train) == 2


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
    kept = Path("runs/first/status.json").stat().st_ino
    code, _, err = command(capsys, *words, "--clean", "--filters.similarity", "1")
    assert code == 0, err
    assert Path("runs/first/status.json").stat().st_ino != kept
    assert "similarity = 1.0" in Path("runs/first/config.toml").read_text()

    run = write_run(tmp_path / "rollouts")
    words = ("sft", "runs/first/model", "--rollouts", str(run), "--row-length", "8", *STEPS)
    code, _, err = command(capsys, *words)
    assert code == 0, err
    assert "sequences: 1 trajectory; left out: none" in err
    bad = write_run(tmp_path / "bad", ending=Ending.TURN_LIMIT)
    code, out, err = command(capsys, "sft", "m", "--rollouts", str(bad), *STEPS)
    assert (code, out) == (2, "")
    assert "error: nothing to train on: sequences: none; left out: 1 did not end by itself" in err


def test_data_of_another_tokenizer_is_refused_before_anything_is_trained(tmp_path):
    create_model(tmp_path / "m", "tiny", TOKENIZER, seed=0, vocab_size=448)
    foreign = Encoded.of([1, 2, 448, 3], [1] * 4)
    training = Training(tmp_path / "m", [foreign], TrainerSettings(), capacity=8)
    with pytest.raises(JourneymanError, match="token 448, and the model's vocabulary ends at 447"):
        train_model(training, TOKENIZER, None)


def test_a_shard_that_was_cut_off_is_refused_and_one_without_its_last_line_break_is_whole(tmp_path):
    document = Document((Span("a change\n"),), "pull_request_diff")
    path = tmp_path / "d.jsonl"
    write_documents(path, [document, document])
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert len(gather(settings(documents=(path,)), TOKENIZER).train) == 2
    path.write_bytes(whole[:-20])
    with pytest.raises(JourneymanError, match=r"d\.jsonl breaks off within line 2"):
        gather(settings(documents=(path,)), TOKENIZER)
    with pytest.raises(JourneymanError, match=r"d\.jsonl breaks off within line 2"):
        gather(settings(conversations=(path,)), TOKENIZER)
