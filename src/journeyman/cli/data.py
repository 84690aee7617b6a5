"""`journeyman data`: what a model is trained on: made, counted, and shown as the model sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from journeyman.cli.data_encode import encode_command
from journeyman.cli.data_lines import refuse_existing, write_lines
from journeyman.cli.data_see import show, stats
from journeyman.cli.output import note, print_json
from journeyman.train.documents.functions import FunctionTextSettings
from journeyman.train.documents.repairs import RepairSettings

__all__ = ["app"]

app = App(name="data", help="Training data: make it, count it, see it as the model does.")
app.command(stats)
app.command(show)
app.command(encode_command, name="encode")
app.command(
    "journeyman.cli.data_judged:preferences_command",
    name="preferences",
    help="Answer requests several times, let a judge compare all pairs, and write best against worst.",
)
app.command(
    "journeyman.cli.data_judged:verify_command",
    name="verify",
    help="Let a model play the user who tries an answer's code in a sandbox; keep what works.",
)


class GivenRepairs(RepairSettings):
    """The flags of `data repairs`."""

    kinds: Annotated[tuple[str, ...], Parameter(name="--kind")] = ()
    """A kind of procedural bug, again for more; all that change one line where none is named."""


@app.command(name="demonstrate")
def demonstrate_command(
    taskset: Path,
    script: Path,
    /,
    *,
    scaffold: Literal["bash", "editor"] = "editor",
    json: bool = False,
) -> int:
    """Write scripts that work on each task as one who knows the fix would, to be rolled out.

    Parameters
    ----------
    taskset
        Folder of the taskset.
    script
        The file to write; roll it out with `--model scripted:FILE` and the same scaffold.
    scaffold
        Whose tools are called.
    json
        Print what was made as JSON.
    """
    from journeyman.tasks import load_taskset
    from journeyman.train.demonstrations import demonstrate, write_scripts

    tasks = load_taskset(taskset).tasks
    scripts = demonstrate(tasks, scaffold=scaffold)
    refuse_existing(script)
    write_scripts(scripts, script)
    if json:
        print_json({"script": str(script), "num_tasks": len(tasks), "num_scripts": len(scripts)})
    else:
        note(f"{len(scripts)} scripts for {len(tasks)} tasks in {script}")
    return 0


@app.command(name="exercises")
def exercises_command(
    file: Path,
    /,
    *,
    num: int = 1000,
    num_turns: int = 5,
    seed: int = 0,
) -> int:
    """Write exercises in calling tools, as conversations that `train sft --conversations` reads.

    Parameters
    ----------
    file
        The JSONL file to write.
    num
        How many conversations.
    num_turns
        Calls in each.
    seed
        Seed of what is drawn.
    """
    from journeyman.train.documents.exercises import exercise_conversations

    refuse_existing(file)
    found = list(exercise_conversations(num, num_turns=num_turns, seed=seed))
    write_lines(file, found)
    note(f"{len(found)} conversations in {file}")
    return 0


@app.command(name="pull-requests")
def pull_requests_command(
    repository: Path,
    file: Path,
    /,
    *,
    form: Literal["search_replace", "diff"] = "search_replace",
    name: str = "",
    export: Path | None = None,
    edit_only: bool = False,
) -> int:
    """Write the pull requests of a Git repository as documents that `train midtrain --documents` reads.

    Parameters
    ----------
    repository
        The repository, with its history.
    file
        The JSONL file to write.
    form
        How the edit is written.
    name
        What the repository is called in the documents; its folder's name where none is given.
    export
        A JSON file of pull requests and issues, as `tasks mine` takes it.
    edit_only
        Train on the edit alone, with everything before it as context.
    """
    from journeyman.train.documents.document_file import write_documents
    from journeyman.train.history import pull_requests

    refuse_existing(file)
    found = pull_requests(
        repository,
        name=name or repository.resolve().name,
        form=form,
        export=export,
        trains_on_context=not edit_only,
    )
    note(f"{write_documents(file, found)} pull requests in {file}")
    return 0


@app.command(name="fills")
def fills_command(
    corpus: Path,
    file: Path,
    /,
    *,
    num: int = 1000,
    replace_share: float = 0.5,
    most_characters: int = 2000,
    seed: int = 0,
) -> int:
    """Write holes to be filled in a chat, as conversations that both stages of training read.

    Parameters
    ----------
    corpus
        A folder of source files.
    file
        The JSONL file to write.
    num
        How many.
    replace_share
        Share of them that are answered by a search-and-replace block.
    most_characters
        How much of a file is shown.
    seed
        Seed of what is drawn.
    """
    from journeyman.train.corpus import find_files
    from journeyman.train.documents.chat_fill import draw_fills

    refuse_existing(file)
    found = draw_fills(
        list(find_files([corpus])),
        num,
        replace_share=replace_share,
        most_characters=most_characters,
        seed=seed,
    )
    write_lines(file, found)
    note(f"{len(found)} holes in {file}")
    return 0


@app.command(name="repairs")
def repairs_command(
    file: Path,
    /,
    *,
    source: tuple[Path, ...],
    given: Annotated[GivenRepairs, Parameter(name="*")] = GivenRepairs(),  # noqa: B008 - frozen
    apart_from: tuple[Path, ...] = (),
) -> int:
    """Write repairs of one line as conversations: bugs put by rule into short functions, untested.

    Parameters
    ----------
    file
        The JSONL file to write.
    source
        A folder of Python source; again for more.
    given
        Which bugs, in which functions.
    apart_from
        A folder of source none of whose functions may occur, as what is measured on; again for more.
    """
    from journeyman.train.documents.repairs import repair_conversations, short_functions

    refuse_existing(file)
    unseen = {
        text for folder in apart_from for text in short_functions(folder, given.max_function_lines)
    }
    found = list(repair_conversations(source, given, unseen=unseen))
    write_lines(file, found)
    note(f"{len(found)} repairs in {file}; {len(unseen)} functions were kept out")
    return 0


@app.command(name="functions")
def functions_command(
    file: Path,
    /,
    *,
    source: tuple[Path, ...],
    given: Annotated[FunctionTextSettings, Parameter(name="*")] = FunctionTextSettings(),  # noqa: B008
    apart_from: tuple[Path, ...] = (),
) -> int:
    """Write documented functions as single-turn problems, answered by their own code: untested.

    Parameters
    ----------
    file
        The JSONL file to write.
    source
        A folder of Python source, called by its name in the problems; again for more.
    given
        Which functions.
    apart_from
        A folder of source none of whose functions may occur, as what is measured on; again for more.
    """
    from journeyman.train.documents.functions import documented_functions, function_conversations

    refuse_existing(file)
    unseen = {text for folder in apart_from for text in documented_functions(folder)}
    found = [
        it
        for folder in source
        for it in function_conversations(folder, folder.resolve().name, given, unseen=unseen)
    ]
    write_lines(file, found)
    note(f"{len(found)} functions in {file}; {len(unseen)} were kept out")
    return 0


@app.command(name="questions")
def questions_command(
    corpus: Path,
    file: Path,
    /,
    *,
    model: str = "smollm2",
    template: str = "hermes",
    num: int = 100,
    seed: int = 0,
) -> int:
    """Let a model ask and answer questions on source files, and keep what is grounded in them.

    Parameters
    ----------
    corpus
        A folder of source files.
    file
        The JSONL file to write.
    model
        The model, as `--model` takes it.
    template
        Its template, where it reads text.
    num
        How many files are asked about.
    seed
        Seed of which files.
    """
    from journeyman.train.corpus import find_files
    from journeyman.train.documents.questions import write_questions

    refuse_existing(file)
    files = list(find_files([corpus]))
    found, dropped = asyncio.run(
        _with_model(model, lambda it: write_questions(it, template, files, number=num, seed=seed))
    )
    write_lines(file, found)
    why = ", ".join(f"{count} {name}" for name, count in sorted(dropped.items()))
    note(f"{len(found)} questions in {file}; left out: {why or 'none'}")
    return 0


async def _with_model(spec: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    from journeyman.models import open_model

    model = await open_model(spec, on_progress=note)
    try:
        return await work(model)
    finally:
        await model.close()
