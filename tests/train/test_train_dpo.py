"""DPO as a stage: pairs stay together, packing changes no loss, a model learns what was preferred."""

import json
import math
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from journeyman.cli import main
from journeyman.errors import JourneymanError
from journeyman.runs import append_jsonl
from journeyman.templates import get_template
from journeyman.train.documents.preference import Preference, read_preferences
from journeyman.train.model.folder import create_model, load_network
from journeyman.train.packing import plan_groups
from journeyman.train.preferences.encode import encode_preference
from journeyman.train.preferences.learning import PreferenceLearning
from journeyman.train.stages.dpo import DpoSettings, gather_pairs
from journeyman.train.tokenizer import load_tokenizer, train_tokenizer
from journeyman.train.trainer.objective import count_totals
from journeyman.train.trainer.processes import Processes
from journeyman.train.trainer.rows import RowSource, make_batch
from journeyman.train.trainer.settings import TrainerSettings
from journeyman.types import Message

TOKENIZER = train_tokenizer([Path(__file__).read_text()], 400)
HERMES = get_template("hermes")


def said(text):
    return Message(role="assistant", content=text)


def preference(number, *, chosen="yes", rejected="no, never"):
    asked = (
        Message(role="user", content="Are you there?"),
        said("I am."),
        Message(role="user", content=f"Is {number} a number?"),
    )
    answers = {"chosen": said(chosen), "rejected": said(rejected)}
    return Preference(messages=asked, id=f"p{number}", **answers)


def encoded(*preferences):
    pairs = [
        encode_preference(it, HERMES, TOKENIZER, number=number)
        for number, it in enumerate(preferences)
    ]
    return [side for pair in pairs for side in pair]


def test_only_the_answer_is_looked_at_and_a_pair_weighs_1():
    chosen, rejected = encoded(preference(7))
    for side, text in ((chosen, "yes"), (rejected, "no, never")):
        trained = [
            token for token, flag in zip(side.token_ids, side.is_trained, strict=True) if flag
        ]
        assert TOKENIZER.decode(trained).startswith(text)
        assert "I am." in TOKENIZER.decode(side.token_ids)
    weights = [
        weight
        for side in (chosen, rejected)
        for weight, flag in zip(side.columns["weight"], side.is_trained, strict=True)
        if flag
    ]
    assert sum(weights) == pytest.approx(1)


def test_a_pair_lies_in_one_row_or_in_none():
    lengths = [5, 6, 2, 2, 20, 1, 3, 4]
    plan = plan_groups(lengths, 16, size=2)
    rows = [[plan.pieces.documents[it] for it in row] for row in plan.rows]
    assert sorted(map(sorted, rows)) == [[0, 1, 2, 3], [6, 7]]
    with pytest.raises(ValueError, match="no groups of 2"):
        plan_groups([1, 2, 3], 16, size=2)


def logprob(network, side):
    """What a network says of one answer that lies in no row with others."""
    ids = torch.tensor([list(side.token_ids)])
    scores = network.base(input_ids=ids, use_cache=False).logits[0, :-1].log_softmax(-1)
    drawn = scores.gather(-1, ids[0, 1:, None])[:, 0]
    return drawn[torch.tensor(list(side.is_trained[1:])).bool()].sum()


@pytest.fixture
def network(tmp_path):
    return create_model(tmp_path / "m", "tiny", TOKENIZER, seed=0)


def started(network, documents, **given):
    settings = TrainerSettings(balance_weight=0)
    rows = RowSource(documents, capacity=512, pad_id=0, seed=0, group_size=2)
    learning = PreferenceLearning(settings, num_pairs=len(documents) // 2, **given)
    processes = Processes(settings)
    processes.prepare(network)
    learning.begin(processes, rows)
    return learning, rows


def test_the_loss_of_packed_pairs_is_that_of_each_answer_by_itself(network):
    pairs = [preference(1), preference(2, chosen="indeed it is", rejected="maybe")]
    documents = encoded(*pairs)
    learning, rows = started(network, documents, beta=0.5)
    assert len(rows) == 1
    batch = make_batch(rows.of_step(0, rows_per_step=1), torch.device("cpu"))
    totals = count_totals([batch])
    assert totals.weight == pytest.approx(2)
    assert learning.objective(network, batch, totals).metrics["loss"] == pytest.approx(math.log(2))

    before = [logprob(network, it).item() for it in documents]
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.02 * torch.randn(weight.shape, generator=torch.manual_seed(1)))
    found = learning.objective(network, batch, totals)
    found.loss.backward()
    packed = {
        name: it.grad.clone() for name, it in network.named_parameters() if it.grad is not None
    }
    network.zero_grad()
    gained = [logprob(network, it) - told for it, told in zip(documents, before, strict=True)]
    margins = torch.stack([0.5 * (gained[0] - gained[1]), 0.5 * (gained[2] - gained[3])])
    loss = torch.log1p(torch.exp(-margins)).mean()
    assert found.loss.item() == pytest.approx(loss.item(), rel=1e-4)
    assert found.metrics["margin"] == pytest.approx(margins.mean().item(), rel=1e-3, abs=1e-4)
    assert found.metrics["accuracy"] == pytest.approx(float((margins > 0).float().mean()))
    loss.backward()
    alone = {name: it.grad for name, it in network.named_parameters() if it.grad is not None}
    norm = torch.stack([it.norm() for it in alone.values()]).norm()
    for name, gradient in alone.items():
        assert (packed[name] - gradient).norm() < 1e-3 * norm, name


def test_the_chosen_answers_cross_entropy_may_be_added(network):
    documents = encoded(preference(1), preference(2, chosen="indeed it is"))
    learning, rows = started(network, documents, beta=0.5, chosen_weight=2.0)
    batch = make_batch(rows.of_step(0, rows_per_step=1), torch.device("cpu"))
    found = learning.objective(network, batch, count_totals([batch]))
    told = [-logprob(network, it).item() / sum(it.is_trained) for it in documents[::2]]
    assert found.metrics["chosen_loss"] == pytest.approx(sum(told) / 2, rel=1e-4)
    assert found.loss.item() == pytest.approx(math.log(2) + sum(told), rel=1e-4)


def test_pairs_that_cannot_be_used_are_counted(tmp_path):
    file = tmp_path / "p.jsonl"
    for number in range(40):
        append_jsonl(file, preference(number))
    append_jsonl(file, preference(99, chosen="long " * 200))
    append_jsonl(file, preference(100, chosen="<tool_call>"))
    settings = DpoSettings(
        model=tmp_path, preferences=(file,), templates=("hermes",), row_length=200,
        held_out_share=0.2,
    )  # fmt: skip
    found = gather_pairs(settings, TOKENIZER)
    assert found.dropped == {"longer than a row": 1, "that hermes cannot write": 1}
    assert len(found.train) + len(found.held_out) == 80
    assert len(found.held_out) % 2 == 0
    with pytest.raises(JourneymanError, match="need a template"):
        gather_pairs(settings.model_copy(update={"templates": ()}), TOKENIZER)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ({"messages": [], "chosen": {"role": "assistant"}}, "messages"),
        ({"chosen": said("a"), "rejected": said("a")}, "the same"),
        ({"chosen": said("a"), "rejected": Message(role="user")}, "of the assistant"),
    ],
)
def test_a_line_that_is_no_preference_is_named(tmp_path, line, what):
    asked = {"messages": [{"role": "user", "content": "?"}]}
    record = asked | {
        key: it.model_dump(mode="json") if isinstance(it, Message) else it
        for key, it in line.items()
    }
    append_jsonl(tmp_path / "p.jsonl", record)
    with pytest.raises(JourneymanError, match=rf"line 1 is no preference: .*{what}"):
        list(read_preferences(tmp_path / "p.jsonl"))


def command(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return ended.value.code, *capsys.readouterr()


def test_the_command_teaches_what_was_preferred(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    create_model(Path("m"), "tiny", TOKENIZER, seed=0)
    for number in range(24):
        append_jsonl(Path("p.jsonl"), preference(number))
    flags = ("--preferences", "p.jsonl", "--templates", "hermes", "--row-length", 256)
    code, out, err = command(capsys, "data", "stats", "dpo", "m", *flags, "--json")
    assert code == 0, err
    counted = {it["source"]: it["num_documents"] for it in json.loads(out)}
    assert counted == {"preference, chosen": 24, "preference, rejected": 24, "all": 48}
    code, out, err = command(capsys, "data", "show", "dpo", "m", *flags, "--num", 2)
    assert code == 0, err
    assert "⟦yes<|im_end|>⟧" in out
    assert "⟦no, never<|im_end|>⟧" in out

    words = ("train", "dpo", "m", *flags, "--held-out-share", 0.25, "--name", "a", "--beta", 0.5)
    steps = ("--trainer.num-steps", 8, "--trainer.rows-per-step", 2, "--trainer.rows-per-pass", 1)
    rates = ("--trainer.learning-rate", "1e-3", "--trainer.num-warmup-steps", 1)
    code, out, err = command(capsys, *words, *steps, *rates, "--json")
    assert code == 0, err
    told = json.loads(out)
    first = json.loads(Path("runs/a/metrics.jsonl").read_text().splitlines()[0])
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert told["loss"] < 0.3
    assert told["held_out_loss"] < 0.3
    assert told["held_out_accuracy"] == 1.0
    documents = encoded(preference(3))
    margins = []
    for place in ("m", "runs/a/model"):
        trained = load_network(Path(place))
        chosen, rejected = (logprob(trained, it).item() for it in documents)
        margins.append(chosen - rejected)
    assert margins[1] > margins[0] + 1
    assert load_tokenizer(Path("runs/a/model")).decode([5]) == TOKENIZER.decode([5])
    assert command(capsys, *words, *steps, *rates, "--resume")[0] == 0
