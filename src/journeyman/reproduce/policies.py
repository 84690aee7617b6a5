"""The stages that train and measure: one base of random weights, experts of it, and one model of them.

Everything is a command that could be typed; what they share in flags stands here once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import tomli_w

from journeyman.reproduce.place import AGENTS, Place
from journeyman.reproduce.scales import Training
from journeyman.reproduce.steps import (
    Act,
    Command,
    Cost,
    Step,
    command,
    repeated,
    training,
    write_file,
)
from journeyman.reproduce.tasksets import repositories
from journeyman.reproduce.texts import practised_sources, text_file, text_files

__all__ = [
    "base_steps",
    "distill_steps",
    "expert_steps",
    "init_step",
    "measure_steps",
    "merge_steps",
    "midtrain_steps",
    "num_tasks",
    "rollout_step",
    "sft_steps",
]

_QUICK = ("--num-slots", 64, "--concurrency.rollouts", 64)


def init_step(
    folder: Path, conversations: Sequence[Path], *, vocabulary: int, width: int, num_layers: int
) -> Command:
    """Return the step that makes a Llama of random weights, its tokenizer learned from conversations."""
    return command(
        *("model", "init", folder, "--preset", "llama", "--vocab-size", vocabulary),
        *("--width", width, "--layers", num_layers),
        *repeated("--conversations", conversations),
        product=folder,
    )


def base_steps(place: Place) -> Iterator[Step]:
    """Yield the step that makes the empty model."""
    scale = place.scale
    yield init_step(
        place.root / "models/empty",
        text_files(place),
        vocabulary=scale.vocabulary,
        width=scale.width,
        num_layers=scale.num_layers,
    )


def midtrain_steps(place: Place) -> Iterator[Step]:
    """Yield the steps of mid-training, on source files or repairs of other packages than any that is
    measured on."""
    scale, run, empty = place.scale, place.runs / "midtrain", place.root / "models/empty"
    if scale.midtrains_on == "files":
        corpora = repeated("--corpus", practised_sources(scale.practised))
        what = ("train", "midtrain", empty, *corpora)
    else:
        repairs = place.texts / "every-repair.jsonl"
        what = ("train", "sft", empty, "--conversations", repairs, "--templates", "hermes")
    yield training(*what, *_supervised(scale.midtrain), run=run, cost=_tokens(scale.midtrain))
    yield place.named("midtrained", run / "model")


def sft_steps(place: Place) -> Iterator[Step]:
    """Yield the steps of fine-tuning, on the texts of all domains."""
    scale, run = place.scale, place.runs / "sft"
    yield training(
        *("train", "sft", place.policy("midtrained")),
        *repeated("--conversations", text_files(place)),
        *repeated("--templates", scale.text_templates or _mixture(scale.call_templates)),
        *("--held-out-share", 0.005, *_supervised(scale.sft)),
        run=run,
        cost=_tokens(scale.sft),
    )
    yield place.named("base", run / "model")


def _supervised(given: Training) -> tuple[object, ...]:
    return (
        *("--row-length", given.row_length, "--trainer.precision", given.precision),
        *("--trainer.num-steps", given.num_steps, "--trainer.rows-per-step", given.rows_per_step),
        *("--trainer.rows-per-pass", min(4, given.rows_per_step)),
        *("--trainer.learning-rate", given.learning_rate),
        *(("--prompt-weight", given.prompt_weight) if given.prompt_weight else ()),
        *("--trainer.num-warmup-steps", min(50, max(1, given.num_steps // 10))),
        *("--trainer.checkpoint-every", max(1, given.num_steps // 6)),
    )


def _tokens(given: Training) -> Cost:
    return Cost(tokens=given.num_steps * given.rows_per_step * given.row_length)


def _mixture(templates: Sequence[str]) -> list[str]:
    """Half of all in hermes, which the domains without tools are asked in."""
    if len(templates) == 1:
        return list(templates)
    return [f"{it}={len(templates) - 1}" if it == "hermes" else it for it in templates]


def expert_steps(place: Place, domain: str, seed: int) -> Iterator[Step]:
    """Yield the steps of one expert, and of its measurement on the held-out tasks."""
    scale, size = place.scale, place.scale.experts[domain]
    name = f"expert-{domain}-{seed}"
    run = place.runs / name
    steps = size.num_steps * size.tasks_per_step * size.group_size
    # Figure 6; the others are measured once, at their end.
    every = max(2, size.num_steps // 2)
    curve = ("--held-out", place.tasks(domain, "held-out"), "--evaluate-every", every)
    yield training(
        *("train", "rl", place.policy("base"), place.tasks(domain, "learned")),
        *place.agent(domain),
        *(curve if domain == "single-turn" else ()),
        *("--seed", seed, "--num-steps", size.num_steps, "--tasks-per-step", size.tasks_per_step),
        *("--group-size", size.group_size, "--learning-rate", size.learning_rate),
        # Adam's first steps move every weight alike, however small its gradient is.
        *("--num-warmup-steps", size.num_steps // 4, "--decay-share", 0.5),
        *("--update.loss.algorithm", "grpo", "--row-length", scale.row_length),
        *place.judged,
        *("--trained-on", place.runs / "sft", "--update.rows-per-pass", 4, *_QUICK),
        *("--update.precision", scale.sft.precision),
        run=run,
        cost=Cost(tokens=300 * steps, rollouts=steps + 3 * num_tasks(place, domain)),
    )
    yield place.named(name, run / "model")
    yield from measure_steps(place, name, (domain,))


def measure_steps(place: Place, policy: str, domains: Sequence[str]) -> Iterator[Step]:
    """Yield the rollouts of a policy on the held-out tasks of some domains, drawn as it is."""
    for domain in domains:
        samples = place.scale.experts[domain].samples
        yield rollout_step(
            place.measured(policy, domain),
            place.policy(policy),
            place.tasks(domain, "held-out"),
            (*place.agent(domain), "--n", samples, *place.judged),
            num=samples * num_tasks(place, domain),
        )


def rollout_step(
    run: Path, model: Path, taskset: Path, agent: Sequence[object], *, num: int
) -> Command:
    """Return the rollouts of a model on a taskset."""
    return training(
        *("rollout", taskset, "--model", f"hf:{model}", *agent),
        *("--concurrency.rollouts", 64),
        run=run,
        product="report.md",
        cost=Cost(rollouts=num),
    )


def num_tasks(place: Place, domain: str) -> int:
    """Return about how many held-out tasks a domain has."""
    scale = place.scale
    if domain == "software":
        return sum(it.num_tasks for it in scale.held_out)
    if domain == "experience":
        return scale.calls_held_out * len(scale.call_templates)
    return scale.pages_held_out if domain == "web" else scale.functions_held_out.num_tasks


def merge_steps(place: Place, method: str, seed: int, experts: Sequence[str]) -> Iterator[Step]:
    """Yield the steps that merge the experts of a seed."""
    name = f"merge-{method}-{seed}"
    model = place.root / "models" / name
    folders = [folder for _, folder in place.experts(seed, experts)]
    yield command(
        *("model", "merge", place.policy("base"), *folders, "--method", method, "--out", model),
        product=model,
    )
    yield place.named(name, model)


def distill_steps(
    place: Place, seed: int, experts: Sequence[str], *, drawn_by: str
) -> Iterator[Step]:
    """Yield the steps that teach one model what the experts of a seed know.

    It begins as a merge of them, which is a baseline too. Experts were admitted by their measurement, so
    none is refused here. The general domain, whose teacher is the base itself, is always there.
    """
    scale = place.scale
    name = f"{'student' if drawn_by == 'student' else 'off-policy'}-{seed}"
    settings = place.root / "settings" / f"distill-{seed}-{'-'.join(experts)}.toml"
    run = place.runs / name
    yield Act(
        f"write {settings}",
        settings,
        lambda: write_file(settings, tomli_w.dumps(_school(place, seed, experts))),
    )
    domains = len(experts) + 1
    drawn = scale.distill_steps * scale.distill_tasks * 2 * domains
    yield training(
        *("train", "distill", settings, "--drawn-by", drawn_by, "--seed", seed),
        *("--num-steps", scale.distill_steps, "--learning-rate", scale.distill_rate),
        "--accepts-weak-teachers",
        run=run,
        cost=Cost(tokens=600 * drawn, rollouts=drawn),
    )
    yield place.named(name, run / "model")


def _school(place: Place, seed: int, experts: Sequence[str]) -> dict[str, object]:
    scale = place.scale
    domains = [_lessons(place, domain, teacher) for domain, teacher in place.experts(seed, experts)]
    general = {
        "name": "general",
        "prompts": str(place.texts / "general.jsonl"),
        "teaches_prompts": True,
        # What stands there is nobody's own answer: its likely tokens are kept likely.
        "divergence": "forward",
        "weight": 4.0,
        "tasks_per_step": scale.distill_tasks,
        "sampling": {"max_tokens": 80},
    }
    return {
        "model": str(place.policy("base")),
        "student": str(place.policy(f"merge-{scale.distills_from}-{seed}")),
        "row_length": scale.row_length,
        "rows_per_pass": 4,
        "precision": scale.sft.precision,
        "num_slots": 64,
        "num_warmup_steps": scale.distill_steps // 8,
        "decay_share": 0.5,
        # Verdicts would teach nothing, and a page's takes a browser.
        "grades_lessons": False,
        "general": [str(it) for it in _other_text(place)],
        "domains": [*domains, general],
    }


def _lessons(place: Place, domain: str, teacher: Path) -> dict[str, object]:
    scaffold, template, max_tokens = AGENTS[domain]
    lessons: dict[str, object] = {
        "name": domain,
        "teacher": str(teacher),
        "weight": place.scale.experts[domain].distill_weight,
        "template": template,
        "sampling": {"max_tokens": max_tokens},
    }
    num = place.scale.distill_tasks
    if place.scale.experts[domain].distills_texts:
        return {**lessons, "prompts": str(text_file(place, domain)), "tasks_per_step": 2 * num}
    return {
        **lessons,
        "taskset": str(place.tasks(domain, "learned")),
        "tasks_per_step": num,
        "samples": 2,
        "scaffold": scaffold,
        "limits": {"num_turns": 1},
    }


def _other_text(place: Place) -> list[Path]:
    """Source files that no stage trains on: the repositories of the held-out software tasks."""
    return repositories(place.tasks("software", "held-out"))
