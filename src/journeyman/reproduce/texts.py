"""The stage of texts: what the policy practises on before it is rewarded, of every domain, all untested.

None of it is about a function, page or tool that anybody is measured on.
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from journeyman.errors import JourneymanError
from journeyman.reproduce.made_up_calls import call_conversations, draw_requests
from journeyman.reproduce.made_up_functions import list_functions
from journeyman.reproduce.made_up_pages import draw_pages, page_conversations
from journeyman.reproduce.place import Place
from journeyman.reproduce.scales import KINDS
from journeyman.reproduce.steps import Act, Step, command, repeated
from journeyman.reproduce.tasksets import made_up_project, projects_copied
from journeyman.reproduce.wrong_texts import spoilt
from journeyman.runs import write_atomic
from journeyman.train.documents.conversation import Conversation
from journeyman.types import Message

__all__ = ["practised_sources", "repair_step", "text_file", "text_files", "text_steps"]

_FEW = 256
"""Prompts of each kind in the general domain, in which the model that all experts began as teaches."""
_PIECE_LINES, _LEAST_BYTES = 40, 1000


def practised_sources(names: tuple[str, ...]) -> list[Path]:
    """Return the folders of those packages that are installed. Raises `JourneymanError` if none is."""
    specs = [importlib.util.find_spec(name) for name in names]
    found = [Path(str(it.origin)).parent for it in specs if it is not None and it.origin]
    if not found:
        raise JourneymanError(
            f"none of {', '.join(names)} is installed, and their functions are practised on",
            "make setup-training installs some of them",
        )
    return found


def text_file(place: Place, domain: str) -> Path:
    """Return the file of a domain's conversations."""
    kinds = {
        "software": "repairs",
        "single-turn": "functions",
        "experience": "exercises",
        "web": "pages",
    }
    return place.texts / f"{kinds[domain]}.jsonl"


def text_files(place: Place) -> list[Path]:
    """Return the files of conversations that fine-tuning reads."""
    return [text_file(place, it) for it in place.domains]


def text_steps(place: Place) -> Iterator[Step]:
    """Yield the steps that write the texts of the domains that there are."""
    make = {
        "software": _repairs,
        "single-turn": _functions,
        "experience": _exercises,
        "web": _pages,
    }
    for domain in place.domains:
        yield from make[domain](place)
    general = place.texts / "general.jsonl"
    files = text_files(place)

    def draw() -> None:
        pieces = _pieces(practised_sources(place.scale.practised), _FEW)
        lines = [*_draw_lines(files, _FEW), *(f"{it.model_dump_json()}\n" for it in pieces)]
        random.Random(0).shuffle(lines)  # noqa: S311
        write_atomic(general, "".join(lines))

    what = f"{_FEW} prompts of all texts and {_FEW} pieces of source files"
    yield Act(f"draw {what} into {general}", general, draw)


def repair_step(
    file: Path,
    sources: list[Path],
    apart_from: list[Path],
    *,
    max_function_lines: int,
    kinds: Sequence[str] = KINDS,
    number: int = 0,
) -> Step:
    """Return the step that writes untested repairs, without any function of some trees; all that there
    are where no number is given."""
    return command(
        *("data", "repairs", file, "--form", "words", *repeated("--source", sources)),
        *repeated("--apart-from", apart_from),
        *repeated("--kind", kinds),
        *("--max-function-lines", max_function_lines, "--num", number),
        product=file,
    )


def _draw_lines(files: list[Path], number: int) -> list[str]:
    lines = [
        it for file in files for it in file.read_text(encoding="utf-8").splitlines(keepends=True)
    ]
    lines *= -(-number // max(1, len(lines)))
    random.Random(0).shuffle(lines)  # noqa: S311
    return lines[:number]


def _pieces(folders: Sequence[Path], number: int) -> Iterator[Conversation]:
    """Yield pieces of source files, each as what somebody says."""
    draw = random.Random(0)  # noqa: S311
    found = (file for folder in folders for file in sorted(folder.rglob("*.py")))
    files = [file for file in found if file.stat().st_size > _LEAST_BYTES]
    for file in draw.choices(files, k=number):
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
        first = draw.randrange(max(1, len(lines) - _PIECE_LINES + 1))
        text = "\n".join(lines[first : first + _PIECE_LINES])
        yield Conversation(messages=(Message(role="user", content=text),), source="piece")


def _drawn(file: Path, of: Path, number: int, wrong_share: float) -> Act:
    def draw() -> None:
        lines = _draw_lines([of], number)
        _write(file, map(Conversation.model_validate_json, lines), wrong_share)

    return Act(f"draw {number} of {of} into {file}", file, draw)


def _repairs(place: Place) -> Iterator[Step]:
    scale, every = place.scale, place.texts / "every-repair.jsonl"
    # The projects themselves, so that nobody waits until tasks are made of them.
    known = place.root / "projects/known"
    names = sorted({it.name for it in (*scale.learned, *scale.held_out)})
    yield projects_copied(known, names)
    yield repair_step(
        every,
        practised_sources(scale.practised),
        [known],
        max_function_lines=scale.max_function_lines,
        kinds=scale.kinds,
        number=scale.num_every_repair,
    )
    yield _drawn(place.texts / "repairs.jsonl", every, scale.num_repairs, scale.wrong_share)


def _functions(place: Place) -> Iterator[Step]:
    scale, every = place.scale, place.texts / "every-function.jsonl"
    real = scale.has_real_functions
    number = len(list(list_functions("practised")))
    project = place.root / "projects/practised"
    yield made_up_project(project, "practised", number)
    yield command(
        *("data", "functions", every, "--source", project),
        *repeated("--source", practised_sources(scale.practised) if real else []),
        product=every,
    )
    file = place.texts / "functions.jsonl"
    yield _drawn(file, every, scale.num_functions, scale.wrong_share)


def _exercises(place: Place) -> Iterator[Step]:
    file, number = place.texts / "exercises.jsonl", place.scale.num_exercises

    def write() -> None:
        requests = draw_requests("practised", number, seed=0)
        _write(file, call_conversations(requests), place.scale.wrong_share)

    if place.scale.calls == "made-up":
        yield Act(f"write {number} made-up requests to {file}", file, write)
        return
    yield command(
        *("data", "exercises", file, "--num", number, "--num-turns", 2),
        product=file,
    )


def _write(file: Path, said: Iterable[Conversation], wrong_share: float) -> None:
    texts = [spoilt(it, wrong_share).model_dump_json(exclude_defaults=True) for it in said]
    write_atomic(file, "".join(f"{it}\n" for it in texts))


def _pages(place: Place) -> Iterator[Step]:
    file, number = place.texts / "pages.jsonl", place.scale.num_page_texts

    def write() -> None:
        pages = draw_pages("practised", number, seed=0)
        _write(file, page_conversations(pages), place.scale.wrong_share)

    yield Act(f"write the repairs of {number} made-up pages to {file}", file, write)
