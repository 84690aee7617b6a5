"""`journeyman data`: counts and shows what would be trained on, and writes data to train on."""

import json
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from journeyman.cli import main
from journeyman.train.documents import Encoded, SourceFile
from journeyman.train.documents.colours import paint
from journeyman.train.documents.questions import read_answer, write_questions
from journeyman.train.tokenizer import save_tokenizer, train_tokenizer
from journeyman.types import Completion, Message

SOURCE = "def add(a, b):\n    return a + b\n\n\ndef twice(a):\n    return add(a, a)\n" * 3


def command(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["data", *map(str, words)])
    return ended.value.code, *capsys.readouterr()


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    save_tokenizer(train_tokenizer([SOURCE], 300), folder)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number in range(6):
        (corpus / f"m{number}.py").write_text(f"x{number} = {number}\n" + SOURCE)
    return folder


def test_what_is_trained_on_is_counted_and_shown(model, capsys):
    corpus = model.parent / "corpus"
    flags = ("midtrain", model, "--corpus", corpus, "--filters.similarity", "1")
    code, out, _ = command(capsys, "stats", *flags, "--json")
    assert code == 0
    assert json.loads(out)[-1]["num_documents"] >= 4
    code, out, _ = command(capsys, "stats", "sft", model, "--exercises", 3, "--templates", "all")
    assert code == 0
    assert "exercise" in out
    code, out, _ = command(
        capsys, "show", "sft", model, "--exercises", 2, "--templates", "mistral3", "--num", 1
    )
    assert code == 0
    assert out.count("⟦[TOOL_CALLS]") >= 1
    assert "</s>⟧" in out


def test_data_is_written_and_read_back(model, capsys):
    corpus = model.parent / "corpus"
    fills, calls = model.parent / "fills.jsonl", model.parent / "calls.jsonl"
    assert command(capsys, "fills", corpus, fills, "--num", 8)[0] == 0
    assert command(capsys, "exercises", calls, "--num", 3, "--num-turns", 2)[0] == 0
    code, out, err = command(
        *(capsys, "stats", "sft", model, "--conversations", fills, "--conversations", calls),
        *("--templates", "hermes", "--json"),
    )
    assert code == 0, err
    names = {it["source"] for it in json.loads(out)}
    assert {"chat_fill", "search_replace_fill", "exercise"} <= names
    code, _, err = command(capsys, "exercises", calls)
    assert code == 2
    assert "exists already" in err


def test_pull_requests_become_documents(model, capsys):
    repository = model.parent / "repo"
    repository.mkdir()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(repository)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    for text in ("one\n", "two\n"):
        Path(repository, "a.txt").write_text(text)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", f"Say {text.strip()} (#1)"], check=True)
    file = model.parent / "pulls.jsonl"
    code, _, err = command(capsys, "pull-requests", repository, file, "--form", "diff")
    assert code == 0, err
    assert "1 pull requests" in err
    code, out, _ = command(capsys, "show", "midtrain", model, "--documents", file)
    assert code == 0
    assert "-one\n+two" in out


def test_colours_and_borders():
    document = Encoded.of([1, 2, 3], [0, 1, 1])
    text = paint(document, lambda ids: "".join(map(str, ids)), is_coloured=True, has_borders=True)
    assert text == "\x1b[2m1\x1b[0m\x1b[32m2·3\x1b[0m"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Question: What does add do?\nAnswer: The function add returns the sum of both.", ""),
        ("It adds.", "no pair"),
        ("Question: What?\nAnswer: Yes.", "length"),
        ("Question: What is it?\nAnswer: It is certainly some kind of program.", "not grounded"),
        (f"Question: Show it?\nAnswer: {SOURCE[:60]}", "copied"),
    ],
)
def test_only_grounded_answers_are_kept(answer, reason):
    assert read_answer(answer, SOURCE)[2] == reason


class Asker:
    """Speaks a chat protocol; asks about the function that it is shown first, some time too briefly."""

    name = "asker"
    reads_text = False

    async def complete(self, prompt, sampling):
        answer = "Yes." if sampling.seed % 3 == 0 else "The function add returns the sum of both."
        return Completion(
            message=Message(role="assistant", content=f"Question: What?\nAnswer: {answer}")
        )

    async def close(self):
        pass


async def test_questions_are_asked_about_drawn_files_and_kept_in_order():
    files = [SourceFile(f"m{number}.py", SOURCE) for number in range(4)]
    found, dropped = await write_questions(Asker(), "hermes", files, number=9, seed=0)
    assert dropped == {"length": 3}
    assert [it.id for it in found] == [f"question:{place}" for place in (1, 2, 4, 5, 7, 8)]
    assert all("def add" in it.messages[0].content for it in found)
    again, _ = await write_questions(Asker(), "hermes", files, number=9, seed=0)
    assert again == found
