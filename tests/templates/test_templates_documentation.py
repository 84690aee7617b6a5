from pathlib import Path

import pytest

from journeyman.templates import get_template, list_templates
from journeyman.templates.core.documentation import pages

FOLDER = Path(__file__).parents[2] / "docs" / "templates"
WRITTEN = dict(pages([get_template(name) for name in list_templates()]))


def test_there_is_a_page_for_every_template_and_no_other():
    others = {"disagreements.md"}  # written from the tests, and held by them
    assert {path.name for path in FOLDER.glob("*.md")} - others == WRITTEN.keys()


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_committed_page_is_what_the_code_writes(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == WRITTEN[name]
