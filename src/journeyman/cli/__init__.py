"""The command line: one file a verb, each imported only when it is called.

`main` is also the one boundary where every error becomes one line and one hint with exit code 2;
`--debug`, anywhere on the line, shows the traceback instead. The first screen is plain text and
imports nothing, so `journeyman --help` answers at once.
"""

from __future__ import annotations

import difflib
import errno
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from journeyman import __version__

__all__ = ["VERBS", "main"]

VERBS = {
    "quickstart": ("quickstart:quickstart", "the whole loop on one real project, on a CPU"),
    "doctor": ("doctor:doctor", "what this machine can do, and the command that fixes the rest"),
    "tasks": ("tasks:app", "make tasks out of a repository, check them, look at them"),
    "rollout": ("rollout:rollout", "let models work on tasks in sandboxes, and grade them"),
    "eval": ("eval:app", "measure agents on a repository or a benchmark, with intervals"),
    "grade": ("grade:grade", "verdicts for a SWE-bench predictions file"),
    "flow": ("flow:app", "try a plan for many rollouts on paper"),
    "templates": ("templates:app", "tool chat templates: list, render, parse, check"),
    "guard": ("guard:app", "score the reward-hacking rules, audit a run's rollouts"),
    "serve": ("serve:serve", "serve a model to IDEs and agents, over every protocol"),
    "code": ("code:code", "a coding assistant in this folder, on a model of your own"),
    "model": ("model:app", "which models can be named, what one takes and does; new ones"),
    "data": ("data:app", "training data: make it, count it, see it as the model does"),
    "train": ("train:app", "train a model on source files or on verified rollouts"),
    "reproduce": ("reproduce:reproduce", "the whole report at proxy scale, by one command"),
    "view": ("view:view", "look at runs in a browser, live or years later, or in the terminal"),
    "export": ("export:export", "a run for other viewers and trainers, secrets taken out"),
}


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command line and exit: 0 done, 1 our fault or a check that failed, 2 bad input."""
    words = list(sys.argv[1:] if argv is None else argv)
    is_debugging = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if not words or words[0] in ("--help", "-h", "help"):
        _print(_first_screen())
        sys.exit(0)
    if words[0] == "--version":
        _print(__version__)
        sys.exit(0)
    if words[0] not in VERBS:
        _refuse_verb(words[0])
    result = _run(words, is_debugging)
    sys.exit(result if isinstance(result, int) else 0)


def _run(words: Sequence[str], is_debugging: bool) -> Any:
    from cyclopts import App, CycloptsError, Parameter

    verb = words[0]
    target, summary = VERBS[verb]
    app = App(
        name="journeyman",
        help_format="plaintext",
        result_action="return_value",
        default_parameter=Parameter(negative=()),
    )
    app.command(f"journeyman.cli.{target}", name=verb, help=summary[0].upper() + summary[1:] + ".")
    try:
        return app(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _fail(_wrong_option(error), f"journeyman {verb} --help", 2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Exception as error:
        if is_debugging:
            raise
        _explain(error)


def _wrong_option(error: Exception) -> str:
    """Say in one line what is wrong with an option, also where a config found it."""
    from pydantic import ValidationError

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ValidationError):
        cause = cause.__cause__
    if cause is None:
        return " ".join(str(error).split())
    first = cause.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    # What is wrong with several options together has no place.
    option = ".".join(map(str, first["loc"])).replace("_", "-")
    return f"--{option}: {message}" if option else message


def _first_screen() -> str:
    width = max(map(len, VERBS))
    verbs = [f"  {name:<{width}}  {summary}" for name, (_, summary) in VERBS.items()]
    return "\n".join(
        [
            "journeyman: an open, complete agentic training stack for coding models",
            "",
            "usage: journeyman VERB [OPTIONS]",
            "",
            *verbs,
            "",
            "  journeyman VERB --help says more; --debug shows tracebacks; --version",
        ]
    )


def _refuse_verb(word: str) -> NoReturn:
    near = difflib.get_close_matches(word, VERBS, n=1)
    hint = f"did you mean journeyman {near[0]}?" if near else "journeyman --help"
    _fail(f"no verb {word!r}", hint, 2)


def _explain(error: Exception) -> NoReturn:
    from journeyman.errors import AttributedError, JourneymanError

    if isinstance(error, JourneymanError):
        _fail(error.message, error.hint, error.exit_code)
    if isinstance(error, AttributedError):
        _fail(str(error), "journeyman doctor", 2)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EROFS, errno.EACCES):
        where = f": {error.filename}" if error.filename else ""
        _fail(f"{error.strerror}{where}", "choose another folder, or make room in this one", 2)
    text = " ".join(str(error).split())
    _fail(
        f"unexpected {type(error).__name__}: {text}", "run it again with --debug, and report it", 1
    )


def _fail(message: str, hint: str, code: int) -> NoReturn:
    sys.stderr.write(f"error: {message}\n")
    if hint:
        sys.stderr.write(f"\nhint: {hint}\n")
    sys.exit(code)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
