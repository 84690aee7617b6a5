"""Does reinforcement learning teach? A small policy, held-out repositories, several seeds, one table.

Runs our own commands one after the other, each resumable, so a second call goes on where one ended:

1. `tasks mutate` and `tasks locate`: one-line faults in short functions of packages from the index, each
   validated by execution. LEARNED packages are learned on, HELD_OUT ones are only measured on.
2. `data repairs`: untested faults in other packages, without any function that occurs in 1.
3. `train sft`: a small Llama with a tokenizer of its own, from random weights, on 2.
4. `rollout` of it on HELD_OUT, drawn and greedy: the base.
5. For each seed `train rl` on LEARNED, and the same rollouts of what came out.

    python benchmarks/learning.py WORK [--seeds 0 1] [--sft-steps 1500] [--rl-steps 30]

The intervals are 95 %, by bootstrap over tasks. Nothing here is measured in seconds.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import subprocess
import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from journeyman.evals.statistics import bootstrap_mean
from journeyman.runs import read_jsonl
from journeyman.scaffolds.line import find_place
from journeyman.tasks import load_taskset
from journeyman.train.documents.conversation import read_conversations
from journeyman.train.documents.repairs import short_functions
from journeyman.train.tokenizer import save_tokenizer, train_tokenizer

LEARNED = {"toolz": 70, "boltons": 120}
HELD_OUT = {
    "more-itertools": 110,
    "cachetools": 60,
    "humanize": 80,
    "tomlkit": 60,
    "sqlparse": 40,
    "natsort": 40,
    "inflection": 30,
}
"""How many tasks each is asked for; a small package has fewer."""
PRACTISED = ("sympy", "networkx", "docutils", "mpmath", "pygments", "babel", "jinja2", "markdown")
"""Packages installed beside Journeyman whose functions get untested faults."""
KINDS = (
    *("comparison_change", "arithmetic_change", "boolean_operator_change", "boundary_shift"),
    *("negated_condition", "wrong_constant", "augmented_assignment_change", "dropped_unary"),
    *("default_argument_change", "return_value_change"),
)
MOST_LINES = 14
AGENT = ("--scaffold", "words", "--template", "hermes", "--limits.num-turns", "1")
DRAWN = ("--sampling.max-tokens", "32")


def journeyman(*words: object) -> None:
    """Run one command; stop at the first that fails."""
    command = [str(Path(sys.executable).with_name("journeyman")), *map(str, words)]
    print("$", " ".join(command), file=sys.stderr, flush=True)
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def repeated(flag: str, values: Any) -> list[object]:
    """Return a flag once for each value."""
    return [part for value in values for part in (flag, value)]


def make_tasks(work: Path) -> tuple[Path, Path]:
    """Return the tasksets that are learned on and measured on."""
    found = []
    for name, packages in (("learned", LEARNED), ("held-out", HELD_OUT)):
        for package, number in packages.items():
            folder = work / "tasksets" / package
            if not folder.exists():
                journeyman(
                    *("tasks", "mutate", package, "--out", folder, "--num-tasks", number),
                    *("--max-function-lines", MOST_LINES, "--repeats", 1),
                    *repeated("--kinds", KINDS),
                )
        folder = work / "tasksets" / name
        if not folder.exists():
            parts = [work / "tasksets" / package for package in packages]
            journeyman("tasks", "locate", *parts, "--out", folder)
        found.append(folder)
    return found[0], found[1]


def repositories(taskset: Path) -> list[Path]:
    """Return the trees of a taskset's environments."""
    return sorted((taskset / "environments").glob("*/repository"))


def make_base(work: Path, apart_from: list[Path], given: argparse.Namespace) -> Path:
    """Return the folder of the fine-tuned policy that reinforcement learning begins with."""
    repairs, some = work / "repairs.jsonl", work / "practised.jsonl"
    empty, place = work / "empty", work / "runs/sft/model"
    if not repairs.exists():
        specs = [importlib.util.find_spec(name) for name in PRACTISED]
        sources = [Path(str(it.origin)).parent for it in specs if it is not None]
        journeyman(
            *("data", "repairs", repairs, "--form", "words", *repeated("--source", sources)),
            *repeated("--apart-from", apart_from),
            *repeated("--kind", KINDS),
            *("--max-function-lines", MOST_LINES),
        )
    if not some.exists():
        lines = repairs.read_text(encoding="utf-8").splitlines(keepends=True)
        random.Random(0).shuffle(lines)
        some.write_text("".join(lines[: given.repairs]), encoding="utf-8")
    if not empty.exists():
        make_empty(empty, some, given)
    if not place.exists():
        resume = ["--resume"] if (work / "runs/sft").exists() else []
        journeyman(
            *("train", "sft", empty, "--conversations", some, "--templates", "hermes"),
            *("--row-length", 512, "--trainer.num-steps", given.sft_steps),
            *("--trainer.rows-per-step", 8, "--trainer.rows-per-pass", 8),
            *("--trainer.learning-rate", 3e-3, "--trainer.num-warmup-steps", 50),
            *("--trainer.precision", "bfloat16", "--held-out-share", 0.005),
            *("--trainer.checkpoint-every", 200),
            *("--runs", work / "runs", "--name", "sft", *resume),
        )
    return place


def make_empty(folder: Path, repairs: Path, given: argparse.Namespace) -> None:
    """Write a Llama with random weights, and a tokenizer learned from a third of the repairs."""
    texts = [it.messages[0].content for it in read_conversations(repairs)]
    tokenizer = train_tokenizer(texts[::3], 768)
    config = LlamaConfig(
        vocab_size=-(-tokenizer.vocab_size // 64) * 64,
        hidden_size=given.width,
        num_hidden_layers=given.layers,
        num_attention_heads=given.width // 32,
        num_key_value_heads=given.width // 32,
        intermediate_size=3 * given.width,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.special_id("<|im_end|>"),
        pad_token_id=tokenizer.pad_id,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    save_tokenizer(tokenizer, folder)


def learn(work: Path, base: Path, learned: Path, seed: int, given: argparse.Namespace) -> Path:
    """Return the folder of the policy that reinforcement learning made of the base."""
    name = f"rl-{seed}"
    place = work / "runs" / name / "model"
    if not place.exists():
        resume = ["--resume"] if (work / "runs" / name).exists() else []
        journeyman(
            *("train", "rl", base, learned, *AGENT, *DRAWN, "--seed", seed),
            *("--num-steps", given.rl_steps, "--tasks-per-step", 8, "--group-size", 8),
            *("--learning-rate", given.rl_rate, "--update.loss.algorithm", "grpo"),
            *("--grading", "shared", "--row-length", 512, "--update.rows-per-pass", 8),
            *("--num-threads", 1, "--num-slots", 64, "--concurrency.rollouts", 64),
            *("--runs", work / "runs", "--name", name, *resume),
        )
    return place


def measure(work: Path, model: Path, held_out: Path, name: str, given: argparse.Namespace) -> None:
    """Roll a policy out on the held-out tasks: drawn as it is, and greedily."""
    for how, n, temperature in (("drawn", given.samples, 1.0), ("greedy", 1, 0.0)):
        run = work / "runs" / f"{name}-{how}"
        if (run / "report.md").exists():
            continue
        resume = ["--resume"] if run.exists() else []
        journeyman(
            *("rollout", held_out, "--model", f"hf:{model}", *AGENT, *DRAWN, "--n", n),
            *("--sampling.temperature", temperature, "--grading", "shared"),
            *("--concurrency.rollouts", 64, "--runs", work / "runs", "--name", run.name, *resume),
        )


def rates(run: Path, left_out: set[str]) -> list[float]:
    """Return each task's share of solved rollouts, of those whose verdict counts."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for line in read_jsonl(run / "rollouts.jsonl"):
        is_valid = (line.get("reward") or {}).get("is_valid")
        if is_valid and line["instance_id"] not in left_out:
            found[line["instance_id"]].append(bool((line["verdict"] or {}).get("is_resolved")))
    return [sum(it) / len(it) for it in found.values()]


def show(work: Path, names: list[str], left_out: set[str]) -> None:
    """Print the table."""
    print("| policy | tasks | solved, drawn at temperature 1 | solved, greedy |")
    print("|---|---|---|---|")
    for name in names:
        cells = []
        for how in ("drawn", "greedy"):
            values = rates(work / "runs" / f"{name}-{how}", left_out)
            low, high = bootstrap_mean(values)
            mean = sum(values) / len(values)
            cells.append(f"{mean:.1%} ({low:.1%} to {high:.1%})")
        print(f"| {name} | {len(values)} | {' | '.join(cells)} |")


def known_tasks(learned: Path, held_out: Path) -> set[str]:
    """Return the held-out tasks whose function stands, word for word, in a repository learned on."""
    seen = {text for tree in repositories(learned) for text in short_functions(tree, MOST_LINES)}
    taskset = load_taskset(held_out)
    found = set()
    for task in taskset.tasks:
        place = find_place(task)
        path = taskset.environments / task.environment / "repository" / place.path
        lines = path.read_text(encoding="utf-8").split("\n")[place.first - 1 : place.last]
        if textwrap.dedent("\n".join(lines)) + "\n" in seen:
            found.add(task.instance_id)
    return found


def main() -> None:
    """Do it all, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--repairs", type=int, default=24_000, help="of those that were made")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--sft-steps", type=int, default=600)
    parser.add_argument("--rl-steps", type=int, default=20)
    parser.add_argument("--rl-rate", type=float, default=5e-4)
    parser.add_argument("--samples", type=int, default=2)
    given = parser.parse_args()
    work = given.work.absolute()
    learned, held_out = make_tasks(work)
    apart = [*repositories(learned), *repositories(held_out)]
    base = make_base(work, apart, given)
    measure(work, base, held_out, "sft", given)
    names = ["sft"]
    for seed in given.seeds:
        names.append(f"rl-{seed}")
        measure(work, learn(work, base, learned, seed, given), held_out, names[-1], given)
    left_out = known_tasks(learned, held_out)
    print(f"left out, because a repository learned on has the same function: {sorted(left_out)}")
    show(work, names, left_out)


if __name__ == "__main__":
    main()
