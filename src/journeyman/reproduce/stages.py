"""The stages of a reproduction, in order: each a list of steps, with what it needs and why it
may be left out.

for stage in list_stages(place):
    print(stage.name, stage.what)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from journeyman.reproduce.hacking import GUARDS, Guard, hacking_steps, planted_steps
from journeyman.reproduce.packing_table import draw_lengths, packing_ways
from journeyman.reproduce.place import AGENTS, Place
from journeyman.reproduce.policies import (
    base_steps,
    distill_steps,
    expert_steps,
    measure_steps,
    merge_steps,
    midtrain_steps,
    num_tasks,
    rollout_step,
    sft_steps,
)
from journeyman.reproduce.rates import left_out, rate_of_runs
from journeyman.reproduce.steps import Act, Cost, Step, repeated, training, write_file
from journeyman.reproduce.tasksets import task_steps, why_no_web
from journeyman.reproduce.texts import text_steps
from journeyman.runs import write_atomic
from journeyman.tasks import load_taskset
from journeyman.types import Data

__all__ = [
    "METHODS",
    "Outcomes",
    "PackingRow",
    "Stage",
    "State",
    "leak_folder",
    "list_stages",
    "scaffold_run",
    "surviving",
]

State = Literal["done", "failed", "skipped"]
Outcomes = Mapping[str, State]
METHODS = ("average", "ties")
_CAPACITY = 4096
_RATES = ("padding", "fragmented", "headless", "repeated", "dropped")


class PackingRow(Data):
    """A line of the packing table, as `packing.jsonl` keeps it."""

    method: str
    long: str
    padding: float
    fragmented: float
    headless: float
    repeated: float
    dropped: float


def _nothing(_: Outcomes) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the reproduction."""

    name: str
    what: str
    steps: Callable[[Outcomes], Iterable[Step]]
    needs: tuple[str, ...] = ()
    """Stages that must have ended well."""
    follows: tuple[str, ...] = ()
    """Stages that must have ended in any way, where they are run: their outcomes are looked at."""
    why_not: Callable[[Outcomes], str] = _nothing
    """Why it is left out here; nothing where it is not."""
    verdict: Callable[[], str] = str
    """What is wrong with what it made, once all its steps are done; nothing as a rule."""


def surviving(place: Place, seed: int, outcomes: Outcomes) -> list[str]:
    """Return the domains whose expert of this seed beat the base."""
    return [it for it in place.domains if outcomes.get(f"expert-{it}-{seed}") == "done"]


def list_stages(place: Place) -> list[Stage]:
    """Return all stages of a reproduction, in the order in which they are run.

    First what takes longest to come to its end; where several are run at once, the rest is done
    beside it.
    """
    first = [it for it in place.domains if it == "software"]
    return [
        *(_task_stage(place, it) for it in first),
        *_base(place),
        *(_task_stage(place, it) for it in place.domains if it not in first),
        *(_base_stage(place, it) for it in place.domains),
        *(_expert_stage(place, it, seed) for it in place.domains for seed in place.seeds),
        *(
            stage
            for seed in place.seeds[: place.scale.student_seeds]
            for stage in _students(place, seed)
        ),
        *_hacking(place),
        *_studies(place),
    ]


def _task_stage(place: Place, domain: str) -> Stage:
    return Stage(
        f"tasks-{domain}",
        "tasks to learn on, and tasks that nobody learns from",
        lambda _: task_steps(place, domain),
        why_not=lambda _: why_no_web() if domain == "web" else "",
        verdict=lambda: _emptiness(place, domain),
    )


def _emptiness(place: Place, domain: str) -> str:
    """Say which set of a domain holds no task."""
    sets = [place.tasks(domain, part) for part in ("learned", "held-out")]
    empty = [it.name for it in sets if not load_taskset(it).tasks]
    return f"{' and '.join(empty)} came out empty: see the log" if empty else ""


def _base(place: Place) -> Iterator[Stage]:
    yield Stage("texts", "untested texts of all domains", lambda _: text_steps(place))
    yield Stage("model", "a tokenizer, and random weights", lambda _: base_steps(place), ("texts",))
    yield Stage("midtrain", "source files", lambda _: midtrain_steps(place), ("model",))
    yield Stage("sft", "fine-tuning: the base", lambda _: sft_steps(place), ("midtrain",))
    yield Stage("packing", "Table 13: ways of packing", lambda _: [_packing(place)])


def _base_stage(place: Place, domain: str) -> Stage:
    return Stage(
        f"base-{domain}",
        "the base on the held-out tasks",
        lambda _: measure_steps(place, "base", (domain,)),
        ("sft", f"tasks-{domain}"),
    )


def _expert_stage(place: Place, domain: str, seed: int) -> Stage:
    return Stage(
        f"expert-{domain}-{seed}",
        "reinforcement learning, and the held-out tasks",
        lambda _: expert_steps(place, domain, seed),
        (f"base-{domain}",),
        verdict=lambda: _gate(place, domain, seed),
    )


def _gate(place: Place, domain: str, seed: int) -> str:
    """Say why an expert does not teach: it does not beat the base on the held-out tasks."""
    known = left_out(place)
    base, expert = (
        rate_of_runs([place.measured(it, domain)], without=known)
        for it in ("base", f"expert-{domain}-{seed}")
    )
    if base is None or expert is None:
        return "no verdict counts"
    if expert.mean > base.mean or place.scale.admits_all_experts:
        return ""
    return f"it solves {expert.mean:.1%} and the base {base.mean:.1%}: it does not teach"


def _students(place: Place, seed: int) -> Iterator[Stage]:
    def why_not(outcomes: Outcomes) -> str:
        return "" if surviving(place, seed, outcomes) else "no expert of this seed beat the base"

    def stage(
        name: str, what: str, steps: Callable[[Sequence[str]], Iterable[Step]], need: str = "sft"
    ) -> Stage:
        def whole(outcomes: Outcomes) -> Iterator[Step]:
            yield from steps(surviving(place, seed, outcomes))
            # Wherever the base was measured, those domains too whose expert failed.
            measured = [it for it in place.domains if outcomes.get(f"base-{it}") == "done"]
            yield from measure_steps(place, f"{name}-{seed}", measured)

        follows = tuple(
            name for it in place.domains for name in (f"base-{it}", f"expert-{it}-{seed}")
        )
        return Stage(f"{name}-{seed}", what, whole, (need,), follows=follows, why_not=why_not)

    for method in METHODS:
        merged = partial(merge_steps, place, method, seed)
        yield stage(f"merge-{method}", "the experts' weights merged", merged)
    start = f"merge-{place.scale.distills_from}-{seed}"
    yield stage(
        "student",
        "distillation on-policy, measured everywhere",
        lambda experts: distill_steps(place, seed, experts, drawn_by="student"),
        start,
    )
    yield stage(
        "off-policy",
        "the same on the experts' texts",
        lambda experts: distill_steps(place, seed, experts, drawn_by="teacher"),
        start,
    )


def _hacking(place: Place) -> Iterator[Stage]:
    scale = place.scale
    yield Stage(
        "leak",
        "a repository with a leak, and a policy that knows of it",
        lambda _: planted_steps(leak_folder(place), scale.hacking_sft_steps),
    )
    for seed in place.seeds[: scale.hacking_seeds]:
        for guard in GUARDS:
            yield _hacking_stage(place, guard, seed)


def _hacking_stage(place: Place, guard: Guard, seed: int) -> Stage:
    return Stage(
        f"hacking-{guard}-{seed}",
        f"Figure 7: reinforcement learning, guard {guard}",
        lambda _: hacking_steps(leak_folder(place), guard, seed, place.scale.hacking_steps),
        ("leak",),
    )


def leak_folder(place: Place) -> Path:
    """Return the folder of the demonstration of a leak."""
    return place.root / "leak"


def _studies(place: Place) -> Iterator[Stage]:
    if "software" in place.domains:
        yield Stage(
            "scaffolds",
            "Figure 3: one policy in several scaffolds",
            lambda outcomes: _scaffolds(place, outcomes),
            ("base-software",),
            follows=tuple(_others(place)),
        )
    yield Stage(
        "templates",
        "Figure 5: calls in several templates, by templates trained on",
        lambda _: _curve(place),
        ("midtrain",),
    )
    yield Stage(
        "adherence",
        "calls in several templates, base and students",
        lambda outcomes: [_exam(place, outcomes)],
        ("sft",),
        follows=tuple(_others(place)),
    )


def _packing(place: Place) -> Act:
    file = place.root / "packing.jsonl"

    def work() -> None:
        lengths = draw_lengths(place.scale.packing_documents)
        rows = [
            PackingRow(
                method=it.method, long=it.long, **{key: getattr(it.rates, key) for key in _RATES}
            )
            for it in packing_ways(lengths, _CAPACITY)
        ]
        write_atomic(file, "".join(f"{it.model_dump_json()}\n" for it in rows))

    number = place.scale.packing_documents
    return Act(f"plan rows for {number} lengths into {file}", file, work)


def _scaffolds(place: Place, outcomes: Outcomes) -> Iterator[Step]:
    held_out = place.tasks("software", "held-out")
    for policy in _shown(place, outcomes):
        for scaffold in place.scale.scaffolds:
            run = scaffold_run(place, policy, scaffold)
            if run == place.measured(policy, "software"):
                continue  # by its own stage, with more rollouts
            yield rollout_step(
                run,
                place.policy(policy),
                held_out,
                (*place.agent("software", scaffold=scaffold), *place.judged),
                num=num_tasks(place, "software"),
            )


def scaffold_run(place: Place, policy: str, scaffold: str) -> Path:
    """Return the run in which a policy did the held-out software tasks in a scaffold."""
    if scaffold == AGENTS["software"][0]:
        return place.measured(policy, "software")
    return place.runs / f"{policy}--in-{scaffold}"


def _shown(place: Place, outcomes: Outcomes) -> list[str]:
    """Return the policies that are looked at in the studies: the base, an expert, a student."""
    return ["base", *(it for it in _others(place) if outcomes.get(it) == "done")]


def _others(place: Place) -> list[str]:
    return [
        f"expert-software-{place.seeds[0]}",
        *(f"student-{it}" for it in place.seeds[: place.scale.student_seeds]),
    ]


def _curve(place: Place) -> Iterator[Step]:
    scale, settings = place.scale, place.root / "settings/curve.toml"
    text = (
        f"row_length = {scale.row_length}\n[trainer]\nrows_per_step = {scale.sft.rows_per_step}\n"
        f"rows_per_pass = {min(4, scale.sft.rows_per_step)}\nlearning_rate = {scale.sft.learning_rate}\n"
    )
    yield Act(f"write {settings}", settings, lambda: write_file(settings, text))
    num_asked = len(scale.curve_numbers) * len(scale.curve_templates) * scale.num_questions
    num_rows = (len(scale.curve_numbers) - 1) * scale.curve_steps * scale.sft.rows_per_step
    yield training(
        *("eval", "train-curve", place.policy("midtrained"), *_questions(place)),
        *repeated("--number", scale.curve_numbers),
        *("--num-steps", scale.curve_steps, "--training", settings),
        run=place.runs / "curve",
        product="report.md",
        cost=Cost(tokens=num_rows * scale.row_length, rollouts=num_asked),
    )


def _exam(place: Place, outcomes: Outcomes) -> Step:
    policies = [it for it in _shown(place, outcomes) if not it.startswith("expert")]
    models = [f"hf:{place.policy(it)}" for it in ("midtrained", *policies)]
    return training(
        *("eval", "adherence", *repeated("--model", models), *_questions(place)),
        run=place.runs / "adherence",
        product="report.md",
        cost=Cost(
            rollouts=len(models) * len(place.scale.curve_templates) * place.scale.num_questions
        ),
    )


def _questions(place: Place) -> tuple[object, ...]:
    scale = place.scale
    return (
        *("--toolset", "library", "--num", scale.num_questions, "--max-tokens", 160),
        *repeated("--template", scale.curve_templates),
    )
