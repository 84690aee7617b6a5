"""`journeyman eval code` and `eval calls`: single-turn programs and function calls, from local files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import note, print_json, print_lines, print_table
from journeyman.cli.progress import Steps
from journeyman.cli.settings import RunOptions, resolve_settings, show_config
from journeyman.errors import JourneymanError
from journeyman.evals.calls.evaluate import CallResult, CallsConfig, evaluate_calls
from journeyman.evals.calls.problem import read_calls
from journeyman.evals.code.evaluate import CodeConfig, CodeResult, CodeSummary, evaluate_code
from journeyman.evals.code.problem import read_problems
from journeyman.evals.words import chance, share, span, table

__all__ = ["calls", "code"]


class GivenCode(CodeConfig):
    """The flags of `eval code`; the file is positional."""

    models: Annotated[tuple[str, ...], Parameter(name="--model")] = ("smollm2",)
    """A model to ask; again for more, which are compared with the first."""


class GivenCalls(CallsConfig):
    """The flags of `eval calls`; the file is positional."""

    models: Annotated[tuple[str, ...], Parameter(name="--model")] = ("smollm2",)
    """A model to ask; again for more."""
    templates: Annotated[tuple[str, ...], Parameter(parse=False)] = ()
    toolsets: Annotated[tuple[str, ...], Parameter(parse=False)] = ()


def code(
    file: Path,
    /,
    *,
    given: Annotated[GivenCode, Parameter(name="*")] = GivenCode(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Let models write programs for HumanEval, HumanEvalFix, MBPP, EvalPlus or LiveCodeBench.

    Parameters
    ----------
    file
        The benchmark's file: JSONL (also .gz), JSON or Parquet.
    given
        Whom to ask, and how often.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(CodeConfig, options.config, given)
    if options.is_dry_run:
        return show_config(settings)
    problems = read_problems(file)
    if not problems:
        raise JourneymanError(f"{file} holds no problem", "journeyman eval suites")
    with options.create("eval", file.name.partition(".")[0], settings) as run:
        note(f"{len(problems)} problems of {problems[0].form}; answers in {run.path}")
        summary = asyncio.run(evaluate_code(problems, settings, run, say=Steps()))
        run.write_text("report.md", _report(run.name, summary))
        run.write_text("code.json", summary.model_dump_json(indent=2) + "\n")
        run.set_status("finished")
    if options.is_json:
        print_json(summary)
        return 0
    print_table(("model", "problems", "pass@1", "95% interval"), map(_row, summary.models))
    print_lines(["", f"report  {run.path}/report.md"])
    return 0


def _row(it: CodeResult) -> list[str]:
    return [it.model, str(it.num_problems), share(it.pass_at.get(1)), span(it.interval)]


def _report(name: str, summary: CodeSummary) -> str:
    ks = sorted({k for it in summary.models for k in it.pass_at})
    rows = [
        [it.model, str(it.num_problems), *(share(it.pass_at.get(k)) for k in ks), span(it.interval),
         str(it.num_failed), f"{it.num_completion_tokens:,}"]
        for it in summary.models
    ]  # fmt: skip
    head = ("model", "problems", *(f"pass@{k}" for k in ks), "95 % interval of pass@1", "failed",
            "tokens")  # fmt: skip
    reasons = sorted({reason for it in summary.models for reason in it.reasons})
    parts = [f"# {name}", f"{summary.form}, one program an answer, run in a fresh sandbox without a "
             "network.", table(head, rows)]  # fmt: skip
    if summary.comparisons:
        first = summary.models[0].model
        compared = [
            [f"{first} against {other}", f"{100 * it.difference:+.1f} points", chance(it.p_value),
             "settled" if it.is_settled else str(it.tasks_needed or "none: no difference")]
            for other, it in summary.comparisons.items()
        ]  # fmt: skip
        parts.append(
            table(("models", "difference", "p", "problems that would settle it"), compared)
        )
    if reasons:
        counted = [[it, *(str(m.reasons.get(it, 0)) for m in summary.models)] for it in reasons]
        parts += ["## Why not", table(("reason", *(m.model for m in summary.models)), counted)]
    return "\n\n".join(parts) + "\n"


def calls(
    file: Path,
    /,
    *,
    answers: Path | None = None,
    given: Annotated[GivenCalls, Parameter(name="*")] = GivenCalls(),  # noqa: B008 - frozen
    options: RunOptions = RunOptions(),  # noqa: B008 - frozen
) -> int:
    """Let models call functions as in the Berkeley Function-Calling Leaderboard, single-turn.

    Parameters
    ----------
    file
        Questions and functions: BFCL's JSON lines.
    answers
        The file of the same name in `possible_answer/`; without it every question must be refused.
    given
        Whom to ask, in which template.
    options
        Where it is kept, and whether it goes on.
    """
    settings = resolve_settings(CallsConfig, options.config, given)
    if options.is_dry_run:
        return show_config(settings)
    problems = read_calls(file, answers)
    with options.create("eval", file.name.partition(".")[0], settings) as run:
        note(f"{len(problems)} questions; answers in {run.path}")
        results = asyncio.run(evaluate_calls(problems, settings, run, say=Steps()))
        run.write_text("report.md", f"# {run.name}\n\n{table(_CALLS, _call_rows(results))}\n")
        run.set_status("finished")
    if options.is_json:
        print_json(results)
        return 0
    print_table(_CALLS, _call_rows(results))
    print_lines(["", f"report  {run.path}/report.md"])
    return 0


_CALLS = ("model", "questions", "well-formed", "right", "95 % interval")


def _call_rows(results: Sequence[CallResult]) -> list[list[str]]:
    return [
        [it.model, str(it.num), share(it.num_well_formed / it.num if it.num else None),
         share(it.accuracy), span(it.interval)]
        for it in results
    ]  # fmt: skip
