"""From folders and files of data to the documents of mid-training.

Of each folder: filters, a share set aside, then every file either with a hole, or alone, or together
with others in the order of imports. What becomes of a file depends on its path and the seed alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from journeyman.templates import get_template
from journeyman.train.corpus import find_files
from journeyman.train.documents import (
    Document,
    Encoded,
    Holed,
    SourceFile,
    encode,
    hole_between_characters,
    hole_between_lines,
    hole_in_line,
    mask_repeats,
    repository_document,
    window,
)
from journeyman.train.documents.conversation import read_conversations
from journeyman.train.documents.conversations import can_render, render_conversation
from journeyman.train.documents.dependencies import order_by_dependency
from journeyman.train.documents.document_file import read_documents
from journeyman.train.documents.encode import Encoder
from journeyman.train.documents.fill_in_middle import Order
from journeyman.train.documents.mixture import draw_templates, read_mixture
from journeyman.train.documents.repository import fill_in_repository
from journeyman.train.documents.serialisation import SERIALISATIONS, serialise
from journeyman.train.documents.split import share_of
from journeyman.train.filters.clean import clean
from journeyman.train.filters.duplicates import Duplicates
from journeyman.train.stages.midtrain import MidtrainSettings
from journeyman.train.tokenizer import PlainTokenizer

__all__ = ["Corpus", "describe", "gather", "gather_parts", "make_documents", "part_names"]

# Code has three to four characters a token: a document of so many fits its row.
_CHARACTERS_PER_TOKEN = 2


@dataclass(slots=True)
class Corpus:
    """What is trained on, and what was left out."""

    train: list[Encoded] = field(default_factory=list)
    held_out: list[Encoded] = field(default_factory=list)
    held_out_files: list[SourceFile] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    """Files and renderings that were left out, by reason."""

    def add(self, part: Corpus) -> None:
        """Put another one behind."""
        self.train += part.train
        self.held_out += part.held_out
        self.held_out_files += part.held_out_files
        self.dropped.update(part.dropped)

    def describe(self) -> str:
        """Say in one line what there is."""
        return describe(Counter(it.source for it in self.train), self.dropped)


def describe(sources: Counter[str], dropped: Counter[str]) -> str:
    """Say in one line how many documents there are, and how many were left out."""
    kept = ", ".join(f"{count:,} {name}" for name, count in sorted(sources.items()))
    gone = ", ".join(f"{count:,} {name}" for name, count in sorted(dropped.items()))
    return f"documents: {kept or 'none'}; left out: {gone or 'none'}"


def gather(settings: MidtrainSettings, tokenizer: PlainTokenizer) -> Corpus:
    """Read, filter and write everything that is trained on; `JourneymanError` for bad sources."""
    found = Corpus()
    for part in gather_parts(settings, tokenizer):
        found.add(part)
    return found


def gather_parts(
    settings: MidtrainSettings, tokenizer: PlainTokenizer, *, num_done: int = 0
) -> Iterator[Corpus]:
    """Yield what comes of each folder and file of data, in order; one at a time is in memory.

    The first `num_done` are not written again: of folders only what their files rule out later is found.
    """
    num_folders = len(settings.corpus)
    if num_done < num_folders:
        duplicates = Duplicates(similarity=settings.filters.similarity)
        for number, root in enumerate(settings.corpus):
            files, dropped = clean(find_files([root]), settings.filters, duplicates)
            if number >= num_done:
                yield _folder(files, dropped, settings, tokenizer, name=root.resolve().name)
    written = [
        *((_documents, path) for path in settings.documents),
        *((_conversations, path) for path in settings.conversations),
    ]
    for read, path in written[max(0, num_done - num_folders) :]:
        yield _masked(read(path, settings, tokenizer), settings)


def part_names(settings: MidtrainSettings) -> list[str]:
    """Return where each part of `gather_parts` comes from, in order."""
    return [str(it) for it in (*settings.corpus, *settings.documents, *settings.conversations)]


def _folder(
    files: Sequence[SourceFile],
    dropped: Counter[str],
    settings: MidtrainSettings,
    tokenizer: PlainTokenizer,
    *,
    name: str,
) -> Corpus:
    train, held_out = make_documents(files, settings, tokenizer, name=name)
    aside = [it for it in files if share_of(it.path) < settings.held_out_share]
    return _masked(Corpus(train, held_out, aside, dropped), settings)


def _masked(part: Corpus, settings: MidtrainSettings) -> Corpus:
    if settings.min_repeat:
        part.train = [mask_repeats(it, settings.min_repeat) for it in part.train]
    return part


def make_documents(
    files: Iterable[SourceFile], settings: MidtrainSettings, tokenizer: Encoder, *, name: str = ""
) -> tuple[list[Encoded], list[Encoded]]:
    """Return a folder's documents to train on, and the held-out ones, which have no holes."""
    train: list[Encoded] = []
    held_out: list[Encoded] = []
    together: list[SourceFile] = []
    for file in files:
        draw = Random(f"{settings.trainer.seed} {file.path}")  # noqa: S311
        if share_of(file.path) < settings.held_out_share:
            held_out.append(encode(repository_document("", [file]), tokenizer))
        elif draw.random() < settings.fill_share:
            train += [encode(it, tokenizer) for it in _holed(file, settings, draw)]
        elif draw.random() < settings.repository_share:
            together.append(file)
        else:
            train.append(encode(repository_document("", [file]), tokenizer))
    room = _CHARACTERS_PER_TOKEN * settings.row_length
    for group in _groups(order_by_dependency(together), room):
        form = SERIALISATIONS[int(share_of(group[0].path) * len(SERIALISATIONS))]
        train.append(encode(serialise(name, group, form), tokenizer))
    return train, held_out


def _groups(files: Sequence[SourceFile], room: int) -> Iterator[list[SourceFile]]:
    """Yield runs of files that fit together; one that is too long alone comes alone."""
    group: list[SourceFile] = []
    for file in files:
        if group and sum(len(it.text) for it in group) + len(file.text) > room:
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _holed(file: SourceFile, settings: MidtrainSettings, draw: Random) -> Iterator[Document]:
    """Yield a file's documents with a hole, no more than would show its text once."""
    # What lies farther from the hole than a row is long would only cut the document.
    room = settings.fill_characters or _CHARACTERS_PER_TOKEN * settings.row_length
    for _ in range(max(1, min(settings.fills_per_file, len(file.text) // room))):
        text = window(file.text, room, draw)
        holed = _cut(settings, draw.random())(text, draw)
        is_suffix_first = draw.random() < settings.suffix_first_share
        order: Order = "spm" if is_suffix_first else "psm"
        yield fill_in_repository("", [], file.path, holed, order=order)


def _cut(settings: MidtrainSettings, drawn: float) -> Callable[[str, Random], Holed]:
    if drawn < settings.line_share:
        return hole_between_lines
    if drawn < settings.line_share + settings.word_share:
        return hole_in_line
    return hole_between_characters


def _documents(path: Path, settings: MidtrainSettings, tokenizer: PlainTokenizer) -> Corpus:
    return Corpus([encode(it, tokenizer) for it in read_documents(path)])


def _conversations(path: Path, settings: MidtrainSettings, tokenizer: PlainTokenizer) -> Corpus:
    found = Corpus()
    mixture = read_mixture(settings.templates)
    for number, it in enumerate(read_conversations(path)):
        key = f"{settings.trainer.seed} {it.id or number}"
        for drawn in draw_templates(mixture, 1, key):
            template = get_template(drawn.name)
            if can_render(it.messages, it.tools, template):
                found.train += render_conversation(
                    it.messages, it.tools, template, tokenizer, source=it.source
                )
            else:
                found.dropped[f"that {template.name} cannot write"] += 1
    return found
