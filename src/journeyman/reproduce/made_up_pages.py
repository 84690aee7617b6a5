"""Small made-up web pages with one line wrong, in parts that share no page: to be rendered and mended.

Each is a folder as `tasks pages` takes it. The fault can be seen from the page alone: a name that nobody
hears, a text that nobody can read, a script that stumbles or counts the wrong way, a box wider than a
phone. The same pages, unrendered, are conversations that teach the form of scaffold `words`.

    write_pages(Path("pages/learned"), draw_pages("learned", 24, seed=0))
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import tomli_w

from journeyman.runs import write_atomic
from journeyman.scaffolds.line import shortest_change, show_lines
from journeyman.train.documents.conversation import Conversation
from journeyman.types import Message

__all__ = ["MadeUpPage", "draw_pages", "page_conversations", "write_pages"]

_THINGS = {
    "practised": ["tickets", "boats", "apples", "visitors", "coins", "books", "stamps", "chairs"],
    "learned": ["lamps", "cups", "maps", "keys", "plants", "shells"],
    "held-out": ["bricks", "hats", "clocks", "pears", "wheels", "bells"],
}
_PLACES = {
    "practised": [
        "harbour",
        "library",
        "market",
        "station",
        "garden",
        "museum",
        "school",
        "kitchen",
    ],
    "learned": ["office", "cellar", "bakery", "theatre"],
    "held-out": ["stadium", "attic", "chapel", "workshop"],
}
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ color: #{dark}; background: #fff; }}
p {{ max-width: {width}px; }}
</style>
<h1>{title}</h1>
<p id="out" role="status">{start}</p>
<button id="go">Add {step}</button>
<label for="name">Name</label> <input id="name">
<script>
let n = {start};
const out = document.getElementById("out");
document.getElementById("go").onclick = () => {{
  n = n + {step};
  out.textContent = n;
}};
</script>
</html>"""
_FAULTS = (
    ("no language", '<html lang="en">', "<html>"),
    ("no title", "<title>{title}</title>", "<title></title>"),
    ("faint text", "color: #{dark};", "color: #{faint};"),
    ("too wide", "p {{ max-width: {width}px; }}", "p {{ min-width: {width}px; }}"),
    ("nameless button", '<button id="go">Add {step}</button>', '<button id="go"></button>'),
    ("label of nothing", '<label for="name">', '<label for="nome">'),
    ("counts down", "n = n + {step};", "n = n - {step};"),
    ("wrong element", 'document.getElementById("out")', 'document.getElementById("uot")'),
    ("a slip", "out.textContent = n;", "out.textContent = m;"),
    ("not started", "let n = {start};", "let n = {wrong};"),
)


@dataclass(frozen=True, slots=True)
class MadeUpPage:
    """One page, right and wrong."""

    name: str
    title: str
    start: int
    step: int
    fault: str
    right: str
    wrong: str


def draw_pages(part: str, number: int, *, seed: int) -> list[MadeUpPage]:
    """Draw pages of a part (practised, learned, held-out), each another; faults take turns."""
    draw = Random(f"pages {part} {seed}")  # noqa: S311
    found: dict[str, MadeUpPage] = {}
    for attempt in range(50 * number):
        page = _drawn(part, draw, len(found))
        found.setdefault(page.wrong, page)
        if len(found) == number or attempt == 50 * number - 1:
            break
    return list(found.values())


def write_pages(folder: Path, pages: Iterable[MadeUpPage]) -> Path:
    """Write pages as folders that `tasks pages` reads; return the folder."""
    for page in pages:
        place = folder / page.name
        for part, text in (("start", page.wrong), ("solution", page.right)):
            (place / part).mkdir(parents=True, exist_ok=True)
            write_atomic(place / part / "index.html", f"{text}\n")
        write_atomic(place / "page.toml", tomli_w.dumps(_spec(page)))
    return folder


def page_conversations(pages: Iterable[MadeUpPage]) -> list[Conversation]:
    """Return the repair of each page as scaffold `words` asks for it, untested."""
    return [it for it in map(_conversation, pages) if it is not None]


def _drawn(part: str, draw: Random, turn: int) -> MadeUpPage:
    thing, place = draw.choice(_THINGS[part]), draw.choice(_PLACES[part])
    start, step = draw.randrange(1, 10), draw.randrange(2, 10)  # from 0, -2 would show 2
    dark, faint = draw.choice("0123") * 3, draw.choice("bcde") * 3
    title = f"{thing.capitalize()} in the {place}"
    given: dict[str, object] = {
        "title": title,
        "start": start,
        "wrong": (start + step) % 10,
        "step": step,
        "dark": dark,
        "faint": faint,
        "width": draw.randrange(600, 1000, 50),
    }
    fault, good, bad = _FAULTS[turn % len(_FAULTS)]
    right = _PAGE.format(**given)
    wrong = right.replace(good.format(**given), bad.format(**given))
    name = f"{part}-{turn:04d}-{fault.replace(' ', '-')}"
    return MadeUpPage(name, title, start, step, fault, right, wrong)


def _spec(page: MadeUpPage) -> dict[str, object]:
    statement = (
        f"Mend the page *{page.title}*, its title and its heading. It shows the number "
        f"{page.start} in an "
        f"element with the role `status`; the button *Add {page.step}* adds {page.step} to it. "
        f"Under it is "
        "a field with the label *Name*."
    )
    button = f"button:Add {page.step}"
    counts = [
        ["shows", "status:", str(page.start)],
        ["click", button],
        ["shows", "status:", str(page.start + page.step)],
    ]
    named = [["title", page.title], ["is", button, "visible"], ["type", "label:Name", "Ada"]]
    scenes = [{"name": "it counts", "steps": counts}, {"name": "it is named", "steps": named}]
    return {
        "statement": statement,
        "content": [page.title, "Name"],
        "scenes": scenes,
        # Nothing of it takes time but the browser itself.
        "patience_ms": 3_000,
    }


def _conversation(page: MadeUpPage) -> Conversation | None:
    wrong, right = page.wrong.split("\n"), page.right.split("\n")
    at = next(it for it in range(len(wrong)) if wrong[it] != right[it])
    change = shortest_change(wrong[at].strip(), right[at].strip())
    if change is None:
        return None
    answer = f"{at + 1}\n{change[0]}\n{change[1]}"
    asked = Message(role="user", content=show_lines(wrong))
    return Conversation(
        messages=(asked, Message(role="assistant", content=answer)),
        source="page",
        id=f"{page.name}:{json.dumps(page.title)}",
    )
