"""`journeyman data encode`: documents written to disk as tokens, once, for any number of trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from journeyman.cli.output import note, print_json
from journeyman.cli.settings import resolve_settings
from journeyman.cli.train import GivenMidtrain
from journeyman.train.extra import require_extra
from journeyman.train.stages.midtrain import MidtrainSettings

__all__ = ["encode_command"]


def encode_command(
    model: Path,
    folder: Path,
    /,
    *,
    given: Annotated[GivenMidtrain, Parameter(name="*")] = GivenMidtrain(),  # noqa: B008 - frozen
    config: tuple[Path, ...] = (),
    json: bool = False,
) -> int:
    """Encode the documents of `train midtrain` into a folder, from which its `--encoded` reads rows.

    One folder or file of data is in memory at a time. The same command again goes on where it ended.

    Parameters
    ----------
    model
        Folder of the model, for its tokenizer.
    folder
        The folder to write.
    given
        What is trained on, as `train midtrain` takes it.
    config
        A TOML file of settings; flags win over it. Again for more, the later wins.
    json
        Print what was written as JSON.
    """
    settings = resolve_settings(MidtrainSettings, config, given, model=model.absolute())
    require_extra()
    from journeyman.train.stages.encoded_corpus import encode_corpus

    found = encode_corpus(settings, folder, on_progress=note)
    if json:
        counts = {"documents": len(found.train), "tokens": found.train.num_tokens}
        print_json({"folder": str(folder), **counts, "held_out": len(found.held_out)})
    else:
        note(f"{len(found.train):,} documents, {found.train.num_tokens:,} tokens in {folder}")
    return 0
