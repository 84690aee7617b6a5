"""Two processes take the same steps as one, with whole models and with shards, and go on with either."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("transformers")

PROGRAM = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import test_train_trainer as tests
from journeyman.train.model.folder import create_network
from journeyman.train.trainer.loop import Trainer

settings = tests.SETTINGS.model_copy(update={
    "num_steps": 4, "balance_weight": 0, "rows_per_pass": 1, "sharding": sys.argv[2]})
network = create_network(tests.SMALL, seed=1)

def die(record):
    if len(sys.argv) > 4 and record["step"] == 3:
        os._exit(9)

if int(os.environ.get("RANK", "0")):
    Trainer(network, tests.source(), settings, None, on_step=die).train()
else:
    place = Path(sys.argv[1])
    with tests.open_run(place, resume=(place / "run").exists()) as run:
        Trainer(network, tests.source(), settings, run, on_step=die).train()
"""


def launch(place, sharding, *extra, number=2):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = place.parent / "program.py"
    program.write_text(PROGRAM)
    words = [str(place), sharding, str(Path(__file__).parent), *extra]
    torchrun = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(number)),
        *("--master-port", str(port)),
    ]
    start = [sys.executable] if number == 1 else torchrun
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*start, str(program), *words], capture_output=True, text=True, env=environment, timeout=900
    )


def metrics_of(place):
    lines = (place / "run/metrics.jsonl").read_text().splitlines()
    return [(it["loss"], it["gradient_norm"], it["num_tokens"]) for it in map(json.loads, lines)]


def test_two_processes_take_the_steps_of_one_and_a_sharded_run_goes_on(tmp_path):
    alone = tmp_path / "alone"
    assert launch(alone, "none", number=1).returncode == 0
    expected = metrics_of(alone)
    together = tmp_path / "together"
    done = launch(together, "none")
    assert done.returncode == 0, done.stderr
    sharded = tmp_path / "sharded"
    assert launch(sharded, "full", "die").returncode != 0
    done = launch(sharded, "full")
    assert done.returncode == 0, done.stderr
    for place in (together, sharded):
        found = metrics_of(place)
        assert [it[2] for it in found] == [it[2] for it in expected]
        for one, other in zip(found, expected, strict=True):
            assert one[:2] == pytest.approx(other[:2], rel=1e-4)
    kept = [
        torch.load(place / "run/checkpoints/step_000004/optimizer.pt", weights_only=True)
        for place in (alone, sharded)
    ]
    assert kept[0].keys() == kept[1].keys()
