"""Pages of the simple API (PEP 503, 691, 700, 714), filtered by time and written anew.

Only what is copied here reaches the sandbox: a page is never passed on as it came.

    >>> normalise("Foo._Bar")
    'foo-bar'
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urljoin

from journeyman.sandbox.index.instant import is_before
from journeyman.sandbox.index.source import Source, hexadecimal_source

__all__ = ["HTML", "JSON", "Project", "as_html", "as_json", "choose_format", "normalise", "view"]

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
_LATEST = {"application/vnd.pypi.simple.latest+json": JSON}
_LATEST |= {"application/vnd.pypi.simple.latest+html": HTML}
_PLAIN_HTML = "text/html"
_SDISTS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class Project:
    """A project as it was: rows for its page, and what each file's name stands for."""

    name: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)


def normalise(name: str) -> str:
    """Return the one spelling of a project's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def view(page: Mapping[str, Any], url: str, name: str, before: datetime) -> Project:
    """Return the files of a JSON page from `url` that were uploaded before an instant.

    A file without an upload time or without a strong hash is left out, and so is every kind of
    archive but wheels and source distributions.
    """
    project = Project(name)
    for entry in _files(page):
        version = _version(entry["filename"], name)
        source = _source(entry, url)
        if version is None or source is None or not is_before(entry.get("upload-time"), before):
            continue
        metadata = _metadata(entry, source)
        project.sources[entry["filename"]] = source
        if metadata is not None:
            project.sources[f"{entry['filename']}.metadata"] = metadata
        project.rows.append(_row(entry, name, source, metadata))
        if version not in project.versions:
            project.versions.append(version)
    return project


def _files(page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    entries = page.get("files")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and isinstance(entry.get("filename"), str):
            yield entry


def _version(filename: str, name: str) -> str | None:
    """Return the version that a distribution's file name tells; None where it is another's."""
    if filename.endswith(".whl"):
        parts = filename.removesuffix(".whl").split("-")
        is_own = len(parts) in (5, 6) and normalise(parts[0]) == name
        return parts[1] if is_own else None
    stem = next((filename.removesuffix(end) for end in _SDISTS if filename.endswith(end)), "")
    for found in re.finditer("-", stem):
        if normalise(stem[: found.start()]) == name and stem[found.end() :][:1].isalnum():
            return stem[found.end() :]
    return None


def _source(entry: Mapping[str, Any], url: str) -> Source | None:
    place = entry.get("url")
    if not isinstance(place, str):
        return None
    place = urljoin(url, place).partition("#")[0]
    return hexadecimal_source(place, entry.get("hashes"), entry.get("size"))


def _metadata(entry: Mapping[str, Any], source: Source) -> Source | None:
    hashes = entry.get("core-metadata", entry.get("dist-info-metadata"))
    return hexadecimal_source(f"{source.url}.metadata", hashes)


def _row(
    entry: Mapping[str, Any], name: str, source: Source, metadata: Source | None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "filename": entry["filename"],
        "url": f"../../files/{name}/{quote(entry['filename'])}",
        "hashes": {source.algorithm: source.digest},
        "upload-time": entry["upload-time"],
        "core-metadata": {metadata.algorithm: metadata.digest} if metadata else False,
    }
    if source.size_bytes is not None:
        row["size"] = source.size_bytes
    if isinstance(entry.get("requires-python"), str):
        row["requires-python"] = entry["requires-python"]
    yanked = entry.get("yanked")
    row["yanked"] = yanked if isinstance(yanked, str) else bool(yanked)
    return row


def as_json(project: Project) -> dict[str, Any]:
    """Return the page of PEP 691."""
    return {
        "meta": {"api-version": "1.1"},
        "name": project.name,
        "versions": project.versions,
        "files": project.rows,
    }


def as_html(project: Project) -> str:
    """Return the page of PEP 503, with the attributes of PEP 592 and 714."""
    links = "\n".join(f"    {_link(row)}<br/>" for row in project.rows)
    title = html.escape(project.name)
    head = '<meta name="pypi:repository-version" content="1.1">'
    return (
        f"<!DOCTYPE html>\n<html>\n  <head>{head}<title>{title}</title></head>\n"
        f"  <body>\n{links}\n  </body>\n</html>\n"
    )


def _link(row: Mapping[str, Any]) -> str:
    (algorithm, value), *_ = row["hashes"].items()
    attributes = {"href": f"{row['url']}#{algorithm}={value}"}
    if "requires-python" in row:
        attributes["data-requires-python"] = row["requires-python"]
    if row["core-metadata"]:
        (algorithm, value), *_ = row["core-metadata"].items()
        attributes["data-core-metadata"] = f"{algorithm}={value}"
        attributes["data-dist-info-metadata"] = f"{algorithm}={value}"
    if row["yanked"]:
        attributes["data-yanked"] = row["yanked"] if isinstance(row["yanked"], str) else ""
    written = " ".join(f'{key}="{html.escape(text)}"' for key, text in attributes.items())
    return f"<a {written}>{html.escape(row['filename'])}</a>"


def choose_format(accept: str) -> str:
    """Return the media type to answer with by an `Accept` header (PEP 691); HTML where unclear.

    >>> choose_format("application/vnd.pypi.simple.v1+json, text/html;q=0.1")
    'application/vnd.pypi.simple.v1+json'
    >>> choose_format("*/*")
    'text/html'
    """
    best, best_quality = _PLAIN_HTML, 0.0
    for part in accept.split(","):
        kind, _, parameters = part.partition(";")
        kind = kind.strip().lower()
        kind = _LATEST.get(kind, kind)
        found = re.search(r"\bq=([0-9.]+)", parameters)
        try:
            quality = float(found[1]) if found else 1.0
        except ValueError:
            continue
        if kind in (JSON, HTML, _PLAIN_HTML) and quality > best_quality:
            best, best_quality = kind, quality
    return best
