"""What does one call cost in each template, in characters and in tokens?

python notebooks/templates.py
python notebooks/templates.py -- --vocabulary model.gguf
"""

import marimo

__generated_with = "0.25.0"
app = marimo.App(width="medium")


@app.cell
def _():
    from pathlib import Path

    import marimo as mo

    from journeyman.templates import get_template, list_templates
    from journeyman.types import Message, ToolCall, ToolSpec
    from journeyman.web.reading.vocabulary import load_vocabulary

    return Message, Path, ToolCall, ToolSpec, get_template, list_templates, load_vocabulary, mo


@app.cell
def _(Message, ToolCall, ToolSpec):
    tool = ToolSpec(
        name="edit_file",
        description="Replace one text by another in a file.",
        parameters={
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("path", "old", "new")},
            "required": ["path", "old", "new"],
        },
    )
    code = 'def total(items):\n    return sum(it["price"] * it["count"] for it in items)\n' * 4
    call = ToolCall(
        name=tool.name, arguments={"path": "shop/price.py", "old": "x", "new": code}, id="call00001"
    )
    asked = Message(role="user", content="Mend it.")
    turn = Message(role="assistant", tool_calls=(call,))
    return asked, call, code, tool, turn


@app.cell
def _(Path, load_vocabulary, mo):
    named = mo.cli_args().get("vocabulary")
    vocabulary = load_vocabulary(Path(str(named))) if named else ()
    known = {piece for piece in vocabulary if piece}
    longest = max(map(len, known), default=0)

    def num_tokens(text):
        """Count tokens greedily, longest piece first: an estimate."""
        data, at, count = text.encode(), 0, 0
        while at < len(data):
            size = next((n for n in range(longest, 0, -1) if data[at : at + n] in known), 1)
            at, count = at + size, count + 1
        return count

    return known, num_tokens


@app.cell
def _(asked, call, code, get_template, known, list_templates, mo, num_tokens, tool, turn):
    rows = []
    for name in list_templates():
        template = get_template(name)
        text = template.render_turn(turn)
        found = template.parse(text, [tool]).calls
        row = {
            "template": name,
            "call, characters": len(text),
            "beyond its code": len(text) - len(code),
            "declaration, characters": len(template.render([asked], [tool]))
            - len(template.render([asked], [])),
            "reads back exactly": [(it.name, it.arguments) for it in found]
            == [(call.name, call.arguments)],
        }
        if known:
            row["call, tokens (estimate)"] = num_tokens(text)
        rows.append(row)
    rows.sort(key=lambda it: it["call, characters"])
    for _line in rows:
        print(_line)
    mo.ui.table(rows)


if __name__ == "__main__":
    app.run()
