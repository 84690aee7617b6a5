"""npm's package documents, filtered by time and written anew.

A document's own readme, description and tags are those of its newest version, so none is passed on.
The protocol is described in npm's registry documentation ("package metadata").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from journeyman.sandbox.index.instant import is_before
from journeyman.sandbox.index.source import Source, integrity_source

__all__ = ["Package", "is_package_name", "view"]

_DIST_KEPT = ("integrity", "shasum", "fileCount", "unpackedSize")
_LEFT_OUT = ("readme", "readmeFilename", "_npmOperationalInternal", "_npmUser", "maintainers")


@dataclass(frozen=True)
class Package:
    """A package as it was: its document, and what each tarball's name stands for."""

    document: dict[str, Any]
    sources: dict[str, Source] = field(default_factory=dict)


def is_package_name(name: str) -> bool:
    """Tell whether a name may be a package's, with or without a scope."""
    return bool(re.fullmatch(r"(@[\w.~-]+/)?[\w.~!'()*-]+", name)) and ".." not in name


def view(page: Mapping[str, Any], name: str, base_url: str, before: datetime) -> Package:
    """Return the versions of a full document that were published before an instant.

    A version without a date or a hash is left out. Tarballs get addresses under `base_url`.
    """
    times = page.get("time")
    times = times if isinstance(times, Mapping) else {}
    package = Package({"_id": name, "name": name})
    versions: dict[str, Any] = {}
    for version, manifest in _versions(page):
        dist = manifest["dist"]
        source = integrity_source(dist["tarball"], dist.get("integrity"), dist.get("shasum"))
        if source is None or not is_before(times.get(version), before):
            continue
        filename = urlsplit(source.url).path.rpartition("/")[2]
        package.sources[filename] = source
        versions[version] = _manifest(manifest, f"{base_url}/{name}/-/{quote(filename)}")
    dates = sorted(str(times[version]) for version in versions)
    package.document["dist-tags"] = _tags(page, versions)
    package.document["versions"] = versions
    package.document["time"] = {version: times[version] for version in versions}
    if dates:
        package.document["time"] |= {"created": dates[0], "modified": dates[-1]}
        package.document["modified"] = dates[-1]
    return package


def _versions(page: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    versions = page.get("versions")
    for version, manifest in versions.items() if isinstance(versions, Mapping) else ():
        dist = manifest.get("dist") if isinstance(manifest, Mapping) else None
        if isinstance(dist, Mapping) and isinstance(dist.get("tarball"), str):
            yield version, manifest


def _manifest(manifest: Mapping[str, Any], tarball: str) -> dict[str, Any]:
    dist = {key: manifest["dist"][key] for key in _DIST_KEPT if key in manifest["dist"]}
    kept = {key: value for key, value in manifest.items() if key not in _LEFT_OUT}
    return {**kept, "dist": {**dist, "tarball": tarball}}


def _tags(page: Mapping[str, Any], versions: Mapping[str, Any]) -> dict[str, str]:
    """Keep the tags of what remains; `latest` is the highest release, as nobody kept its history."""
    given = page.get("dist-tags")
    given = given if isinstance(given, Mapping) else {}
    tags = {tag: version for tag, version in given.items() if version in versions}
    if versions and "latest" not in tags:
        tags["latest"] = max(versions, key=_precedence)
    return tags


def _precedence(version: str) -> tuple[Any, ...]:
    """Order versions as Semantic Versioning 2.0.0 (item 11) does, releases above all previews."""
    core, _, preview = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) if part.isdigit() else 0 for part in core.split("."))
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part)
                  for part in preview.split(".") if part)  # fmt: skip
    return (not preview, numbers, parts)
