"""Writes docs/templates/disagreements.md from the table of disagreements; a test holds it current.

python tests/templates/oracles/page.py
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import agreement
import corpus
import disagreements

from journeyman.templates import get_template, list_templates

PAGE = Path(__file__).parents[3] / "docs" / "templates" / "disagreements.md"
_PEERS = {
    "SGLang": "SGLang's detectors, as the package `llm-router-utils` carries them",
    "vLLM": "vLLM's tool parsers, out of its source distribution",
    "openai-harmony": "gpt-oss's own library",
    "DeepSeek": "the reader that DeepSeek-V3.2 ships with; it reads whole texts only",
}
_LEAD = """\
<!-- Written by `python tests/templates/oracles/page.py`; edit `disagreements.py` beside it. -->
# Where public parsers read otherwise

The same texts, well-formed and damaged, are read by our parsers and by independent public ones,
whole and streamed in pieces of up to four characters (delimiters whole, as tokens are). Calls,
arguments and content are compared; white space around content is not, and of `harmony_xml`, a
stand-in, the frame alone. Every difference is listed here with its reason, and
`tests/templates/test_templates_agreement.py` fails on one that is not, and on one that is gone.
`xml_aone`, a stand-in, and `xml_cline`, a format of an editor's, have no public parser in Python."""


def page() -> str:
    """Return the page."""
    listed = list(disagreements.disagreements())
    lines = [_LEAD, "", *_peers(), "", "## How often", "", *_counts(listed), ""]
    lines += ["## The texts, as hermes writes them", "", *_texts(), "", "## Reasons", ""]
    for reason, text in disagreements.REASONS.items():
        lines.append(f"- **{_title(reason)}.** {text}")
    for name in list_templates():
        own = [each for each in listed if each.template == name]
        if own:
            lines += ["", f"## {name}", "", *_rows(own)]
    return "\n".join(lines) + "\n"


def _title(reason: str) -> str:
    return reason[0].upper() + reason[1:]


def _peers() -> list[str]:
    return [f"- {name}: {what}" for name, what in _PEERS.items()]


def _texts() -> list[str]:
    lines = ["| text | |", "|---|---|"]
    for case in corpus.cases(get_template("hermes")):
        written = case.text.replace("\n", "⏎").replace("\t", "⇥").replace("\u202e", "")
        lines.append(f"| {case.name} | `{written}` |")
    return lines


def _counts(listed: list[disagreements.Disagreement]) -> list[str]:
    """Return how many texts each pair was asked, and how many they read alike."""
    lines = ["| template | peer | texts | read alike whole | streamed |", "|---|---|--:|--:|--:|"]
    for peer, template, _ in sorted(agreement.PAIRS, key=lambda pair: pair[1::-1]):
        num_texts = len(list(corpus.cases(get_template(template))))
        cells = []
        for mode in agreement.MODES:
            differing = [
                e for e in listed if (e.peer, e.template, e.mode) == (peer, template, mode)
            ]
            can_read = mode == "whole" or agreement.PEERS[peer].reads_streams
            cells.append(str(num_texts - len(differing)) if can_read else "")
        lines.append(f"| {template} | {peer} | {num_texts} | {' | '.join(cells)} |")
    return lines


def _rows(own: list[disagreements.Disagreement]) -> list[str]:
    """Return the table of one template; a text that differs alike in both ways is one row."""
    modes: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for each in own:
        modes[each.peer, each.case, each.kind, each.reason].append(each.mode)
    lines = ["| peer | text | read | in the peer's reading | reason |", "|---|---|---|---|---|"]
    words = {"whole": "whole", "stream": "streamed"}
    for (peer, case, kind, reason), read in sorted(modes.items()):
        how = " and ".join(words[mode] for mode in agreement.MODES if mode in read)
        lines.append(f"| {peer} | {case} | {how} | {kind} | {reason} |")
    return lines


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
