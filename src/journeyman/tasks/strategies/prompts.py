"""What a model is asked for a bug, and the form that its answer must have."""

from __future__ import annotations

from journeyman.tasks.convention import language_of
from journeyman.tasks.languages import comment_text
from journeyman.tasks.mutate.dialects import DIALECTS
from journeyman.tasks.strategies.targets import Target

__all__ = ["MEND", "ask_mend", "ask_modify", "ask_rewrite", "modifier", "rewriter"]

_FORM = (
    "Answer with exactly one fenced code block that holds the whole {kind} `{name}`, its signature "
    "unchanged, and nothing else of the file. No explanation inside the code."
)

_MODIFY = """\
You test whether a project's tests notice mistakes. You are shown a piece of {title} that works, and put
one subtle mistake of meaning into it: a boundary that is off, a case forgotten, a wrong default, a
condition too weak or too strong, state that is updated too late. The code must still run without syntax
or import errors, must look like the work of a good programmer, and must fail in some ordinary use. No
comment may hint at the mistake."""

_REWRITE = """\
You write {title} from its description alone. You are shown a signature, its documentation and the
code around it, and write the body anew as you understand it, without having seen the original. Write
ordinary code; do not leave it unwritten."""

MEND = """\
You undo an old change in code that has moved on since. You are shown the change as a diff, and the file
as it stands today, and answer with edits that bring the behaviour back to what it was before the change,
touching nothing else."""

_MEND_FORM = """\
Answer with one or more edits, each of exactly this form, and nothing else:

<<<<<<< SEARCH
lines that stand exactly once in the file of today
=======
lines to put in their place
>>>>>>> REPLACE"""


def modifier(language: str) -> str:
    """Return what a model is told that puts mistakes into a language."""
    return _MODIFY.format(title=_title(language))


def rewriter(language: str) -> str:
    """Return what a model is told that writes a language."""
    return _REWRITE.format(title=_title(language))


def ask_modify(target: Target, hint: str = "") -> str:
    """Return the question for one mistake in a function or class."""
    wish = f"\n\n{hint}" if hint else ""
    return (
        f"From `{target.path}`:\n\n{_fenced(_dedented(target), target.language)}\n\n"
        f"Put one mistake into it.{wish} {_form(target)}"
    )


def ask_rewrite(target: Target, bare: str) -> str:
    """Return the question for a new body; `bare` is the definition with its bodies taken away."""
    around, language = _around(target), target.language
    context = f"The rest of the file, for context:\n\n{_fenced(around, language)}\n\n"
    return (
        f"{context if around else ''}Write the {target.kind} `{target.name}`:\n\n"
        f"{_fenced(bare, language)}\n\n{_form(target)}"
    )


def ask_mend(path: str, patch: str, today: str) -> str:
    """Return the question for the reverse of a change whose lines are no longer there."""
    change = f"The change to undo:\n\n{_fenced(patch, 'diff')}"
    return f"{change}\n\n`{path}` today:\n\n{_fenced(today, language_of(path))}\n\n{_MEND_FORM}"


def _form(target: Target) -> str:
    return _FORM.format(kind=target.kind, name=target.name)


def _title(language: str) -> str:
    return DIALECTS[language].title if language in DIALECTS else language.capitalize()


def _fenced(code: str, language: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"


def _dedented(target: Target) -> str:
    indentation = target.indentation
    lines = target.code.split("\n")
    shown = [lines[0], *(line.removeprefix(indentation) for line in lines[1:])]
    return "\n".join([target.documentation, *shown] if target.documentation else shown)


_AROUND_CHARACTERS = 6000


def _around(target: Target) -> str:
    """Return the file without the definition, as much of it as is near."""
    data = target.source.data.decode()
    start = len(target.source.data[: target.whole.start_byte].decode())
    end = len(target.source.data[: target.whole.end_byte].decode())
    half = _AROUND_CHARACTERS // 2
    before, after = data[max(0, start - half) : start], data[end : end + half]
    mark = comment_text(target.path, f"… {target.name} …").decode()
    return f"{before.rstrip()}\n{target.indentation}{mark}{after.lstrip(chr(10))}"
