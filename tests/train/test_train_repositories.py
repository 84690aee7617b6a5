"""Repositories as documents: in order of imports, in several forms; their history; holes in chats."""

import subprocess

import pytest

from journeyman.errors import JourneymanError
from journeyman.train.documents import Document, Holed, SourceFile, Span
from journeyman.train.documents.chat_fill import MARK, chat_fill, search_replace_fill
from journeyman.train.documents.dependencies import dependencies_of, order_by_dependency
from journeyman.train.documents.document_file import read_documents, write_documents
from journeyman.train.documents.edits import Block, apply_blocks
from journeyman.train.documents.serialisation import SERIALISATIONS, serialise
from journeyman.train.history import pull_requests


@pytest.mark.parametrize(
    ("path", "text", "wanted"),
    [
        ("a.py", "import pkg.b, os\n", ["pkg/b.py"]),
        ("a.py", "from pkg import (\n    b,\n    c as d,\n)\n", ["pkg/b.py", "pkg/__init__.py"]),
        ("pkg/sub/a.py", "from ..b import x\n", ["pkg/b.py"]),
        ("pkg/a.py", "from . import b\n", ["pkg/b.py", "pkg/__init__.py"]),
        ("pkg/a.py", "from .b import x as y, z\n", ["pkg/b.py"]),
        ("tests/t.py", "import lib\n", ["src/lib/__init__.py"]),
        ("web/a.ts", "import { x } from './b';\nconst y = require('../c')\n", ["web/b.ts", "c.js"]),
        ("c/a.c", '#include "b.h"\n#include <stdio.h>\n', ["c/b.h"]),
        ("r/main.rs", "mod one;\npub mod two;\n", ["r/one.rs", "r/two/mod.rs"]),
        ("a.py", "x = 'import pkg.b'\n", []),
    ],
)
def test_imports_are_found_by_their_words(path, text, wanted):
    paths = dict.fromkeys(
        [
            "pkg/b.py",
            "pkg/__init__.py",
            "src/lib/__init__.py",
            "web/b.ts",
            "c.js",
            "c/b.h",
            "r/one.rs",
            "r/two/mod.rs",
        ]
    )
    assert dependencies_of(SourceFile(path, text), paths) == wanted


def test_what_is_imported_comes_first_and_circles_end():
    files = [
        SourceFile("a.py", "import b\n"),
        SourceFile("b.py", "import c\nimport d\n"),
        SourceFile("c.py", "import a\n"),
        SourceFile("d.py", ""),
    ]
    assert [it.path for it in order_by_dependency(files)] == ["c.py", "d.py", "b.py", "a.py"]
    assert order_by_dependency(files[::-1]) == order_by_dependency(files)
    chain = [SourceFile(f"m{n:05}.py", f"import m{n + 1:05}\n") for n in range(5000)]
    assert order_by_dependency(chain)[0].path == "m04999.py"


@pytest.mark.parametrize("form", SERIALISATIONS)
def test_every_form_holds_every_file(form):
    files = [SourceFile("b.md", "```py\nx\n```\n"), SourceFile("a.py", "x = 1")]
    text = serialise("demo", files, form).text
    assert text.endswith("<|endoftext|>")
    for file in files:
        assert file.text in text
        assert file.path in text
    if form == "markdown":
        assert "````md\n```py" in text


def test_a_hole_in_a_chat_is_filled_by_its_middle_or_by_a_block():
    holed = Holed("def f(a):\n    ", "return a", "  # done\nf(1)\n")
    asked, answer = chat_fill("a.py", holed).messages
    assert holed.prefix + MARK + holed.suffix in asked.content
    assert answer.content == "return a"
    asked, answer = search_replace_fill("a.py", holed).messages
    _, _, rest = answer.content.partition("<<<<<<< SEARCH\n")
    search, _, rest = rest.partition("=======\n")
    replace, _, _ = rest.partition(">>>>>>> REPLACE")
    shown = holed.prefix + MARK + holed.suffix
    assert apply_blocks(shown, [Block(search, replace)]) == (
        "def f(a):\n    return a  # done\nf(1)\n"
    )
    assert search_replace_fill("a.py", Holed(MARK, "x", "\n")) is None


def git(folder, *words):
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def test_pull_requests_are_read_from_history_in_both_forms(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.py").write_text("def f():\n    return 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "Begin")
    (tmp_path / "a.py").write_text("def f():\n    return 2\n")
    git(tmp_path, "commit", "-qam", "Return two where one was meant (#7)\n\nFixes #3")
    (found,) = pull_requests(tmp_path, name="demo", form="diff")
    assert "Return two where one was meant (#7)" in found.text
    assert "def f():\n    return 1\n" in found.text
    assert "-    return 1\n+    return 2\n" in found.text
    (found,) = pull_requests(tmp_path, name="demo", form="search_replace", trains_on_context=False)
    trained = "".join(span.text for span in found.spans if span.is_trained)
    assert trained.startswith("a.py\n<<<<<<< SEARCH\n")
    assert trained.endswith(">>>>>>> REPLACE\n<|endoftext|>")


def test_documents_go_to_a_file_and_back(tmp_path):
    document = Document((Span("a"), Span.special("<|file_sep|>", is_trained=False)), "x")
    path = tmp_path / "d.jsonl"
    assert write_documents(path, [document, document]) == 2
    assert list(read_documents(path)) == [document, document]
    path.write_text('{"spans": 3}\n')
    with pytest.raises(JourneymanError, match="line 1 is no document"):
        list(read_documents(path))
