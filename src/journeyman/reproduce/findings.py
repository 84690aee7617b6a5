"""What a reproduction found, as data: read from its run folders, with nothing made up where a
run is missing.

findings = find(place, run)
findings["experts"], findings["students"], findings["figure 7"]
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from journeyman.evals.statistics import wilson
from journeyman.reproduce.driver import outcomes_of, read_records
from journeyman.reproduce.hacking import GUARDS, HackingStep, count_steps
from journeyman.reproduce.place import Place
from journeyman.reproduce.rates import Rate, gain_of_run, kept_interval, left_out, rate_of_runs
from journeyman.reproduce.stages import METHODS, Outcomes, leak_folder, list_stages, scaffold_run
from journeyman.runs import RunFolder, read_jsonl
from journeyman.train.distill.retention import retention

__all__ = ["expert_rows", "find"]


def find(place: Place, run: RunFolder) -> dict[str, Any]:
    """Return everything that is known so far, as plain data."""
    records = read_records(run)
    outcomes = outcomes_of(records)
    known = left_out(place)
    return {
        "scale": place.scale.model_dump(mode="json"),
        "domains": list(place.domains),
        "seeds": list(place.seeds),
        "machine": _machine(run),
        "stages": _stages(place, run),
        "commands": [
            {"stage": it.stage, "command": it.command, "duration_s": it.duration_s}
            for it in records
            if it.state == "step"
        ],
        "training": _trainings(place),
        "left out, for a repository learned on has the same function": sorted(known),
        "experts": [row for it in place.domains for row in expert_rows(place, it, outcomes, known)],
        "students": [
            row for seed in place.seeds for row in _student_rows(place, seed, outcomes, known)
        ],
        "general loss": _general_losses(place),
        "packing": read_jsonl(place.root / "packing.jsonl"),
        "figure 3": _scaffolds(place),
        "figure 5": _read(place.runs / "curve/adherence.json"),
        "adherence": _read(place.runs / "adherence/adherence.json"),
        "figure 6": _curves(place),
        "figure 7": _hacking(place),
    }


def _machine(run: RunFolder) -> dict[str, Any]:
    lock = json.loads((run.path / "lock.json").read_text(encoding="utf-8"))
    names = ("torch", "transformers", "tokenizers")
    return {
        **{
            key: lock[key] for key in ("journeyman", "python", "platform", "num_cpus", "git_commit")
        },
        "processor": _processor(),
        **{it: lock["packages"].get(it, "") for it in names},
    }


def _processor() -> str:
    """Return the processor's name as Linux tells it; nothing where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((it.partition(":")[2].strip() for it in lines if it.startswith("model name")), "")


def _stages(place: Place, run: RunFolder) -> list[dict[str, Any]]:
    """Return every stage of the scale: how it ended, or that it was not run."""
    records = read_records(run)
    last = {it.stage: it for it in records if it.state != "step"}
    steps_s: dict[str, float] = {}
    for it in records:
        if it.state == "step":
            steps_s[it.stage] = steps_s.get(it.stage, 0.0) + it.duration_s
    return [
        {
            "stage": stage.name,
            "what": stage.what,
            "state": last[stage.name].state if stage.name in last else "not run",
            "reason": last[stage.name].reason if stage.name in last else "",
            "steps_s": round(steps_s.get(stage.name, 0.0), 1),
        }
        for stage in list_stages(place)
    ]


def _trainings(place: Place) -> list[dict[str, Any]]:
    """Return first and last loss of both supervised trainings."""
    found = []
    for name in ("midtrain", "sft"):
        lines = [it for it in _lines(place.runs / name / "metrics.jsonl") if "loss" in it]
        if lines:
            first, last = lines[0], lines[-1]
            keys = ("step", "loss", "held_out_loss", "tokens_per_s")
            found.append(
                {
                    "run": name,
                    "first_loss": first["loss"],
                    **{it: last[it] for it in keys if it in last},
                }
            )
    return found


def _rate(place: Place, policies: Sequence[str], domain: str, known: set[str]) -> Rate | None:
    """Return the rate of policies of one kind on a domain, over those that were measured."""
    runs = [place.measured(it, domain) for it in policies]
    return rate_of_runs([it for it in runs if (it / "report.md").exists()], without=known)


def expert_rows(
    place: Place, domain: str, outcomes: Outcomes, known: set[str]
) -> list[dict[str, Any]]:
    """Return, for each seed, who solves how much of a domain's held-out tasks, and how its stage
    ended."""
    rows = []
    base = _rate(place, ["base"], domain, known)
    for seed in place.seeds:
        name = f"expert-{domain}-{seed}"
        rate = _rate(place, [name], domain, known)
        then, now = (place.measured(it, domain) for it in ("base", name))
        gain = gain_of_run(now, then, without=known) if base and rate else None
        rows.append(
            {
                "domain": domain,
                "seed": seed,
                "base": _dumped(base),
                "expert": _dumped(rate),
                "gain": gain.model_dump(mode="json") if gain else None,
                "state": outcomes.get(name, "not run"),
            }
        )
    return rows


def _student_rows(
    place: Place, seed: int, outcomes: Outcomes, known: set[str]
) -> list[dict[str, Any]]:
    """Return, for each domain, who solves how much, and the share of the expert's gain that is kept."""
    ways = {"student": f"student-{seed}", "off-policy": f"off-policy-{seed}"}
    ways |= {f"merge-{it}": f"merge-{it}-{seed}" for it in METHODS}
    if not any(it in outcomes for it in ways.values()):
        return []
    rows = []
    for domain in place.domains:
        base = _rate(place, ["base"], domain, known)
        expert = _rate(place, [f"expert-{domain}-{seed}"], domain, known)
        row: dict[str, Any] = {"domain": domain, "seed": seed, "base": _dumped(base)}
        row |= {"expert": _dumped(expert), "kept": {}, "kept_interval": {}}
        teacher = place.measured(f"expert-{domain}-{seed}", domain)
        for way, policy in ways.items():
            rate = _rate(place, [policy], domain, known)
            row[way] = _dumped(rate)
            if base and expert and rate:
                row["kept"][way] = retention(base.mean, expert.mean, rate.mean)
                row["kept_interval"][way] = kept_interval(
                    place.measured(policy, domain),
                    teacher,
                    place.measured("base", domain),
                    without=known,
                )
        rows.append(row)
    return rows


def _general_losses(place: Place) -> dict[str, dict[str, float]]:
    """Return the losses on other text that each distillation measured, by who."""
    found = {}
    for run in sorted([*place.runs.glob("student-*"), *place.runs.glob("off-policy-*")]):
        measures = _read(run / "measures.json")
        losses = {
            who: it["_general_loss"]
            for who, it in (measures or {}).items()
            if "_general_loss" in it
        }
        if losses:
            found[run.name] = losses
    return found


def _scaffolds(place: Place) -> list[dict[str, Any]]:
    rows = []
    students = [f"student-{it}" for it in place.seeds]
    for policy in ("base", f"expert-software-{place.seeds[0]}", *students):
        for scaffold in place.scale.scaffolds:
            run = scaffold_run(place, policy, scaffold)
            if (run / "report.md").exists():
                rate = rate_of_runs([run], without=left_out(place))
                rows.append({"policy": policy, "scaffold": scaffold, "rate": _dumped(rate)})
    return rows


def _curves(place: Place) -> dict[str, list[dict[str, Any]]]:
    """Return the steps of every expert's run: solve rate while learning, and held-out rates."""
    found = {}
    keys = ("step", "solve_rate", "reward", "turns", "format_errors", "completion_tokens")
    held_out = ("held_out_solve_rate", "held_out_low", "held_out_high", "held_out_num")
    for domain in place.domains:
        for seed in place.seeds:
            name = f"expert-{domain}-{seed}"
            lines = _lines(place.runs / name / "metrics.jsonl")
            if lines:
                wanted = (*keys, *held_out)
                found[name] = [{key: it[key] for key in wanted if key in it} for it in lines]
    return found


def _hacking(place: Place) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for seed in place.seeds[: place.scale.hacking_seeds]:
        for guard in GUARDS:
            run = leak_folder(place) / f"runs/hacking-{guard}-{seed}"
            if (run / "model").exists():
                found[f"{guard}-{seed}"] = [_with_rates(it) for it in count_steps(run)]
    return found


def _with_rates(step: HackingStep) -> dict[str, Any]:
    rates = {
        name: {"rate": count / max(1, step.num), "interval": wilson(count, step.num)}
        for name, count in (
            ("false score", step.solved),
            ("true score", step.honest),
            ("tried the leak", step.tried),
        )
    }
    return {**asdict(step), **rates}


def _dumped(rate: Rate | None) -> dict[str, Any] | None:
    return None if rate is None else rate.model_dump(mode="json")


def _lines(path: Path) -> list[Any]:
    return read_jsonl(path) if path.is_file() else []


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
