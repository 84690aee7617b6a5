"""The loop learns, accumulates exactly, and after kill -9 goes on bit for bit."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from safetensors.torch import load_file

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.train.documents import Encoded
from journeyman.train.model.folder import create_network
from journeyman.train.model.presets import PRESETS
from journeyman.train.trainer import checkpoint
from journeyman.train.trainer.checkpoint import list_checkpoints
from journeyman.train.trainer.loop import Trainer
from journeyman.train.trainer.optimizer import take_step
from journeyman.train.trainer.rows import RowSource
from journeyman.train.trainer.schedule import learning_rate
from journeyman.train.trainer.settings import TrainerSettings

torch.set_num_threads(1)

SMALL = replace(PRESETS["tiny"], vocab_size=64, hidden_size=32, num_experts=4, head_dim=16)
SETTINGS = TrainerSettings(
    num_steps=6, rows_per_step=4, rows_per_pass=2, num_warmup_steps=2, checkpoint_every=2,
    learning_rate=5e-3,
)  # fmt: skip


class Setup(Config):
    """A run's config, as small as can be."""

    seed: int = 0


def source(seed=0, value=0):
    """Documents that count upwards, so that the next token can be learned."""
    documents = [
        Encoded.of(
            [(start + value + at) % 64 for at in range(5 + start % 9)], [1] * (5 + start % 9)
        )
        for start in range(40)
    ]
    return RowSource(documents, capacity=16, pad_id=0, seed=seed)


def open_run(root, **options):
    return RunFolder.create(
        root, "train", "test", config=Setup(), argv=["x"], name="run", **options
    )


def train(root, settings=SETTINGS, rows=None, on_step=None, **options):
    """Train the small network in a run folder; return it with the folder's metrics."""
    network = create_network(SMALL, seed=1)
    with open_run(root, **options) as run:
        Trainer(network, rows or source(), settings, run, on_step=on_step).train()
        return network, run.read("metrics")


def untimed(metrics):
    timed = ("tokens_per_s", "utilisation")
    return [{key: value for key, value in it.items() if key not in timed} for it in metrics]


def assert_same_bits(one, other):
    theirs = other.state_dict()
    for name, value in one.state_dict().items():
        assert torch.equal(value, theirs[name]), name


VICTIM = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_train_trainer as tests

def die(record):
    if record["step"] == 5:
        os.kill(os.getpid(), signal.SIGKILL)

tests.train(Path(sys.argv[1]), on_step=die)
"""


def test_a_run_that_was_killed_goes_on_bit_for_bit(tmp_path):
    here = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-c", VICTIM, str(tmp_path / "killed"), here], timeout=300
    )
    assert done.returncode == -9
    home = tmp_path / "killed/run/checkpoints"
    assert [path.name for path in list_checkpoints(home)] == ["step_000002", "step_000004"]
    (home / ".new-half").mkdir()
    (home / ".new-half/weights.safetensors").write_bytes(b"half")
    resumed, metrics = train(tmp_path / "killed", resume=True)
    whole, expected = train(tmp_path / "whole")
    assert_same_bits(resumed, whole)
    assert untimed(metrics) == untimed(expected)
    assert not (home / ".new-half").exists()
    with open_run(tmp_path / "killed", resume=True) as run:
        events = [(it["kind"], it["num_done"]) for it in run.read("events")]
    assert events.count(("training_started", 4)) == 1
    assert events[-1] == ("training_finished", 6)
    for name in ("weights.safetensors", "optimizer.pt"):
        last = "run/checkpoints/step_000006"
        ours, theirs = (tmp_path / it / last / name for it in ("killed", "whole"))
        assert ours.read_bytes() == theirs.read_bytes()


def test_it_learns_and_writes_a_line_a_step(tmp_path):
    settings = SETTINGS.model_copy(update={"num_steps": 30, "checkpoint_every": 30})
    _, metrics = train(tmp_path, settings)
    assert [it["step"] for it in metrics] == list(range(1, 31))
    assert metrics[0]["loss"] == pytest.approx(4.16, abs=0.2)  # ln 64: nothing is known yet
    assert metrics[-1]["loss"] < 2.5
    assert metrics[-1]["second_loss"] < metrics[0]["second_loss"]
    status = json.loads((tmp_path / "run/status.json").read_text())
    assert (status["state"], status["num_done"]) == ("done", 30)


def test_how_a_step_is_cut_into_passes_does_not_change_its_gradient(tmp_path):
    # The balance of experts is a statistic of a pass, so it is left out.
    one_step = SETTINGS.model_copy(
        update={"num_steps": 1, "num_warmup_steps": 0, "balance_weight": 0}
    )
    whole, at_once = train(tmp_path / "a", one_step.model_copy(update={"rows_per_pass": 4}))
    parts, in_parts = train(tmp_path / "b", one_step.model_copy(update={"rows_per_pass": 1}))
    assert in_parts[0]["loss"] == pytest.approx(at_once[0]["loss"], abs=1e-5)
    assert in_parts[0]["gradient_norm"] == pytest.approx(at_once[0]["gradient_norm"], rel=1e-4)
    assert not torch.equal(
        whole.base.lm_head.weight, create_network(SMALL, seed=1).base.lm_head.weight
    )
    assert at_once[0]["num_tokens"] == in_parts[0]["num_tokens"]
    assert parts.base.config.vocab_size == 64


def test_at_no_weight_multi_token_prediction_is_neither_run_nor_changed(tmp_path):
    settings = SETTINGS.model_copy(update={"second_token_weight": 0.0})
    network, metrics = train(tmp_path, settings)
    fresh = create_network(SMALL, seed=1)
    assert_same_bits(network.mtp, fresh.mtp)
    assert {it["second_loss"] for it in metrics} == {0.0}
    assert metrics[-1]["loss"] < metrics[0]["loss"]
    kept = load_file(tmp_path / "run/checkpoints/step_000006/weights.safetensors")
    assert not any(name.startswith("mtp.") for name in kept)


def test_a_step_whose_gradient_is_no_number_changes_no_weight():
    network = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    before = network.weight.detach().clone()
    (network.weight.sum() * float("inf")).backward()
    with pytest.raises(JourneymanError, match="gradient of the policy is no number"):
        take_step(network, optimizer, max_norm=1.0, name="policy")
    assert torch.equal(network.weight, before)
    assert network.weight.grad is None
    (3 * network.weight.sum()).backward()
    norm = take_step(network, optimizer, max_norm=1.0, name="policy")
    assert norm == pytest.approx(3 * 2**0.5)
    assert not torch.equal(network.weight, before)


def test_a_pass_that_keeps_no_activations_computes_them_again_and_has_the_same_gradients(tmp_path):
    settings = SETTINGS.model_copy(update={"num_steps": 2, "checkpoint_every": 2})
    found = {}
    for keeps in (True, False):
        network, runs = create_network(SMALL, seed=1), []
        # Before, not behind: the second time ends as soon as all that is asked for is there again.
        inside = network.base.model.layers[0].mlp
        inside.register_forward_pre_hook(lambda *_, runs=runs: runs.append(1))
        chosen = settings.model_copy(update={"keeps_activations": keeps})
        with open_run(tmp_path / str(keeps)) as run:
            Trainer(network, source(), chosen, run).train()
            found[keeps] = network, run.read("metrics"), len(runs)
    kept, again = found[True], found[False]
    assert again[2] == 2 * kept[2]
    for one, other in zip(kept[1], again[1], strict=True):
        assert other["loss"] == pytest.approx(one["loss"], abs=1e-6)
        assert other["gradient_norm"] == pytest.approx(one["gradient_norm"], rel=1e-5)
    for name, value in kept[0].state_dict().items():
        torch.testing.assert_close(again[0].state_dict()[name], value, rtol=1e-4, atol=1e-5)


def test_the_model_writes_samples_at_each_checkpoint(tmp_path):
    settings = SETTINGS.model_copy(update={"num_samples": 2, "sample_tokens": 5})
    documents = [Encoded.of(range(10, 18), [1] * 8), Encoded.of([1, 2, 3, 4], [0, 0, 0, 1])]
    network = create_network(SMALL, seed=1)
    with open_run(tmp_path) as run:
        Trainer(
            network, source(), settings, run, samples=[*documents, documents[0]],
            decode=lambda ids: " ".join(map(str, ids)),
        ).train()  # fmt: skip
        lines = run.read("samples")
    assert [it["step"] for it in lines] == [2, 2, 4, 4, 6, 6]
    assert {it["prompt"] for it in lines} == {"10 11 12 13", "1 2 3"}
    assert all(1 <= len(it["token_ids"]) <= 5 for it in lines)
    given = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        scores = network.base.eval()(given, use_cache=False).logits[0, -1]
    assert lines[-1]["token_ids"][0] == int(scores.argmax())
    assert lines[-1]["text"] == " ".join(map(str, lines[-1]["token_ids"]))


def test_tensorboard_gets_the_metrics_of_every_step(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, metrics = train(tmp_path, SETTINGS.model_copy(update={"trackers": ("tensorboard",)}))
    kept = EventAccumulator(str(tmp_path / "run/tensorboard"))
    kept.Reload()
    tags = kept.Tags()["scalars"]
    assert "loss" in tags, tags
    points = kept.Scalars("loss")
    assert [it.step for it in points] == [it["step"] for it in metrics]
    assert [it.value for it in points] == pytest.approx([it["loss"] for it in metrics])


def test_bfloat16_trains_too(tmp_path):
    settings = SETTINGS.model_copy(update={"precision": "bfloat16"})
    network, metrics = train(tmp_path, settings)
    assert {it.dtype for it in network.parameters()} == {torch.float32}
    assert metrics[-1]["loss"] < metrics[0]["loss"]


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_its_checkpoints(tmp_path):
    def poison(record):
        if record["step"] == 3:
            with torch.no_grad():
                network.base.lm_head.weight.fill_(float("nan"))

    network = create_network(SMALL, seed=1)
    with open_run(tmp_path) as run, pytest.raises(JourneymanError, match="loss of step 4 is nan"):
        Trainer(network, source(), SETTINGS, run, on_step=poison).train()
    home = tmp_path / "run/checkpoints"
    assert [path.name for path in list_checkpoints(home)] == ["step_000002"]
    resumed, _ = train(tmp_path, resume=True)
    assert_same_bits(resumed, train(tmp_path / "whole")[0])


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path, monkeypatch):
    real = torch.save

    def fail_at_four(value, path, **options):
        real(value, path, **options)
        if len(list_checkpoints(tmp_path / "run/checkpoints")) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.torch, "save", fail_at_four)
    with pytest.raises(JourneymanError, match="no space left"):
        train(tmp_path)
    monkeypatch.undo()
    home = tmp_path / "run/checkpoints"
    assert [path.name for path in home.iterdir()] == ["step_000002"]
    resumed, _ = train(tmp_path, resume=True)
    assert_same_bits(resumed, train(tmp_path / "whole")[0])


def test_other_rows_and_broken_checkpoints_are_refused(tmp_path):
    train(tmp_path)
    with pytest.raises(JourneymanError, match="the rows have changed"):
        train(tmp_path, rows=source(value=1), resume=True)
    weights = tmp_path / "run/checkpoints/step_000006/weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(JourneymanError, match="step_000006 cannot be read"):
        train(tmp_path, resume=True)


def test_every_row_comes_once_an_epoch_and_in_another_order_in_the_next():
    rows = source()
    epochs = [rows.of_step(it, rows_per_step=len(rows)) for it in range(2)]
    first, second = ([bytes(row.token_ids) for row in epoch] for epoch in epochs)
    assert sorted(first) == sorted(second)
    assert first != second
    again = source()
    assert bytes(again.of_step(3, rows_per_step=5)[2].token_ids) == bytes(
        rows.of_step(17, rows_per_step=1)[0].token_ids
    )
    assert [
        bytes(it.token_ids) for it in source(seed=9).of_step(0, rows_per_step=len(rows))
    ] != first


@pytest.mark.parametrize("schedule", ["cosine", "wsd"])
def test_the_learning_rate_rises_then_falls_to_its_share(schedule):
    settings = TrainerSettings(
        num_steps=50, num_warmup_steps=5, learning_rate=2.0, schedule=schedule
    )
    rates = [learning_rate(step, settings) for step in range(50)]
    assert rates[:5] == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0])
    assert rates[-1] == pytest.approx(0.2)
    assert all(left >= right for left, right in pairwise(rates[4:]))
    flat = TrainerSettings(num_steps=50, num_warmup_steps=5, learning_rate=2.0, schedule="constant")
    assert learning_rate(49, flat) == 2.0
    assert (rates[30] == 2.0) == (schedule == "wsd")


def test_no_rows_at_all_is_an_error():
    with pytest.raises(JourneymanError, match="none of 1 documents"):
        RowSource([Encoded.of([], [])], capacity=4, pad_id=0, seed=0)
