"""Plain text tables."""


def format_table(rows, header=None, align=None):
    """Write rows as aligned columns; `align` holds `l`, `r` or `c` for each column.

    Rows may be of unequal length; missing cells are empty.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    if header is not None:
        cells.insert(0, [str(cell) for cell in header])
    if not cells:
        return ""
    num_columns = max(len(row) for row in cells)
    for row in cells:
        row.extend([""] * (num_columns - len(row)))
    widths = [max(len(row[index]) for row in cells) for index in range(num_columns)]
    align = (align or "").ljust(num_columns, "l")
    lines = [_format_row(row, widths, align) for row in cells]
    if header is not None:
        lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _format_row(row, widths, align):
    parts = []
    for cell, width, side in zip(row, widths, align):
        if side == "r":
            parts.append(cell.rjust(width))
        elif side == "c":
            parts.append(cell.center(width))
        elif side == "l":
            parts.append(cell.ljust(width))
        else:
            raise ValueError(f"unknown alignment {side!r}")
    return "  ".join(parts).rstrip()


def parse_table(text):
    """Read a table with a header and a rule of dashes back into a list of dictionaries."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 2 or set(lines[1]) - {"-", " "}:
        raise ValueError("no header with a rule of dashes")
    spans = []
    start = None
    for index, char in enumerate(lines[1] + " "):
        if char == "-" and start is None:
            start = index
        elif char == " " and start is not None:
            spans.append((start, index))
            start = None
    names = [lines[0][begin:end].strip() for begin, end in spans]
    return [
        {name: line[begin:end].strip() for name, (begin, end) in zip(names, spans)}
        for line in lines[2:]
    ]
