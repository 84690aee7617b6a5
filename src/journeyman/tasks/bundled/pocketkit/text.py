"""Working with short pieces of text."""

import unicodedata


def slugify(text, separator="-"):
    """Return `text` in lower case, its letters and digits kept, the rest joined by `separator`."""
    plain = unicodedata.normalize("NFKD", text)
    words = []
    current = []
    for char in plain:
        if unicodedata.combining(char):
            continue
        if char.isascii() and char.isalnum():
            current.append(char.lower())
        elif current:
            words.append("".join(current))
            current = []
    if current:
        words.append("".join(current))
    return separator.join(words)


def truncate(text, width, marker="..."):
    """Cut `text` to at most `width` characters, ending in `marker` where something was cut."""
    if width < 0:
        raise ValueError("width must not be negative")
    if len(text) <= width:
        return text
    if width <= len(marker):
        return marker[:width]
    return text[: width - len(marker)] + marker


def wrap(text, width):
    """Break `text` into lines of at most `width` characters at spaces; longer words are cut."""
    if width < 1:
        raise ValueError("width must be at least 1")
    lines = []
    line = ""
    for word in text.split():
        while len(word) > width:
            if line:
                lines.append(line)
                line = ""
            lines.append(word[:width])
            word = word[width:]
        if not word:
            continue
        if not line:
            line = word
        elif len(line) + 1 + len(word) <= width:
            line = line + " " + word
        else:
            lines.append(line)
            line = word
    if line:
        lines.append(line)
    return lines


def indent(text, prefix="    ", skip_first=False):
    """Put `prefix` before every line that is not blank."""
    result = []
    for number, line in enumerate(text.split("\n")):
        if not line.strip() or (skip_first and number == 0):
            result.append(line)
        else:
            result.append(prefix + line)
    return "\n".join(result)


def camel_to_snake(name):
    """Turn `HTTPServerError` into `http_server_error`."""
    parts = []
    for index, char in enumerate(name):
        if char.isupper() and index > 0:
            follows_lower = not name[index - 1].isupper() and name[index - 1] != "_"
            starts_word = index + 1 < len(name) and name[index + 1].islower()
            if follows_lower or (starts_word and name[index - 1] != "_"):
                parts.append("_")
        parts.append(char.lower())
    return "".join(parts)


def common_prefix(texts):
    """Return the longest beginning that all texts share."""
    texts = list(texts)
    if not texts:
        return ""
    shortest = min(texts, key=len)
    for index, char in enumerate(shortest):
        if any(text[index] != char for text in texts):
            return shortest[:index]
    return shortest
