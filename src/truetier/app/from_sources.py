"""From paths to one fleet: finds the files, offers each to the formats, merges what they say.

A file that is named must be readable and right. In a folder, what is not ours or does not parse is skipped and listed;
a file that is ours and wrong is an error there too, since a gate that loses a service in silence protects nobody.
Kubernetes and compose files are linked together at the end: what they name may stand in another file.
"""

from __future__ import annotations

import os
import re
from itertools import islice
from typing import TYPE_CHECKING

from truetier.app.input_tree import STANDARD_INPUT, Disk, UnreadableError
from truetier.catalog.model import SkippedInput
from truetier.errors import CatalogError, Mistake, NothingToReadError, SourceError
from truetier.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truetier.app.input_tree import InputTree
    from truetier.catalog.model import Fleet
    from truetier.catalog.source import Contribution
    from truetier.sources.compose.project import ComposeFile
    from truetier.sources.kubernetes.manifests import Manifest

COMPILED = b"\x8btruetier\r\n\x1a\n"  # how a compiled catalog begins, and no text does
ABSENT = "does not exist there (moved since, perhaps): all that it says counts as new"
EVIDENCE = os.path.join(".truetier", "evidence")  # beside a catalog, or in a folder that is read
OUR_NAMES = ("truetier.yaml", "truetier.yml", "truetier.json")
SUFFIXES = (".yaml", ".yml", ".json", ".yaml.gz", ".yml.gz", ".json.gz")
_CATALOG_KEY = re.compile(rb"""^(?:[ \t{]*["']|\{[ \t]*|)(?:version|services|domains|journeys|waivers|policy)["']?[ \t]*:""", re.MULTILINE)
_TEMPLATE = "a template, not a manifest: render it first (helm template, kustomize build)"
_COMPILED_APART = "a compiled catalog: it is read alone, as a file, and not from the past: truetier check FILE"
_BOM = b"\xef\xbb\xbf"
_MOST_SKIPPED = 1000  # files listed by name; the rest is counted
_MOST_INSIDE = 1000  # files of a folder that a compose file mounts
_MOST_REASONS = 100  # files listed by name when none could be read


class _Input(NamedTuple):
    """A file to read: its path for us, its name for people, its name in the digest."""

    path: str
    name: str
    digest_name: str
    is_named: bool


def read_fleet_in(tree: InputTree, paths: Sequence[str], *, evidence: Sequence[str] = (), is_past: bool = False) -> Fleet:
    """The fleet that files and folders describe together, wherever their bytes come from; ``-`` is standard input.

    ``evidence`` are files of what telemetry showed, or folders of such, besides those in ``.truetier/evidence`` beside a catalog. Of the
    past, what is missing did not exist yet. Raises CatalogError with every mistake in every file, and SourceError when there is nothing
    to read.
    """
    return _Loading(tree, is_past=is_past).fleet(paths, evidence)


class _Loading:
    """One run over the paths: collects contributions, mistakes and what was skipped."""

    def __init__(self, tree: InputTree, *, is_past: bool) -> None:
        self._tree = tree
        self._is_past = is_past
        self._unreadable: list[Mistake] = []
        self._mistakes: list[Mistake] = []
        self._is_partial = False  # whether a file is missing as a whole, so that names of it seem to mean nothing
        self._skipped: list[SkippedInput] = []
        self._skipped_more = 0
        self._beside: set[str] = set()  # files that only the compose files of this run make sense of
        self._catalogs: list[Contribution] = []
        self._kubernetes: list[tuple[str, Sequence[Manifest]]] = []
        self._compose: list[ComposeFile] = []
        self._contents: list[tuple[str, bytes]] = []

    def fleet(self, paths: Sequence[str], evidence: Sequence[str] = ()) -> Fleet:
        from truetier.catalog.merge import merge

        for found in list(self._inputs(paths)):
            self._read(found)
        contributions = [*self._catalogs, *self._linked(), *self._observed(paths, evidence)]
        self._refuse_unreadable(paths)
        try:
            fleet = merge(contributions)
        except CatalogError as error:
            raise CatalogError((*self._mistakes, *(mistake for mistake in error.mistakes if mistake not in self._mistakes))) from None
        if self._mistakes:
            raise CatalogError(tuple(self._mistakes))
        return fleet._replace(skipped=(*fleet.skipped, *self._all_skipped()), inputs=tuple(self._contents))

    def _inputs(self, paths: Sequence[str]) -> Iterator[_Input]:
        seen: set[str] = set()
        for path in paths:
            try:
                is_folder = self._tree.is_folder(path)
            except UnreadableError as error:
                if self._is_past:
                    self._skip(shown_path(path), ABSENT)
                else:
                    self._unreadable.append(Mistake(f"{shown_path(path)} {error}"))
                continue
            found = self._in_folder(path) if is_folder else iter((_named(path),))
            for item in found:
                identity = self._tree.identity(item.path)
                if identity not in seen:
                    seen.add(identity)
                    yield item

    def _in_folder(self, folder: str) -> Iterator[_Input]:
        for entry in self._tree.walk(folder):
            name = shown_path(entry.path)
            if entry.why_not and entry.path == folder:
                self._unreadable.append(Mistake(f"{name} {entry.why_not}"))
            elif entry.why_not:
                self._skip(name, entry.why_not)
            elif not entry.path.endswith(SUFFIXES):
                self._skip(name, "not YAML or JSON by its name")
            else:
                yield _Input(entry.path, name, shown_path(os.path.relpath(entry.path, folder)), is_named=False)

    def _read(self, found: _Input) -> None:
        is_ours = _is_named_ours(found.path)
        try:
            content = self._tree.read(found.path)
        except UnreadableError as error:
            self._refuse(found, f"{found.name} {error}", str(error), is_fatal=found.is_named or is_ours)
            return
        try:
            is_read = self._is_catalog(content, found.name, is_ours=is_ours) or self._is_foreign(content, found.name)
        except CatalogError as error:
            mistakes = error.mistakes
            if _is_template(content) and not is_ours:
                mistakes = (mistakes[0]._replace(message=f"this is {_TEMPLATE}"),)
            if found.is_named or is_ours:
                self._mistakes += mistakes
                self._is_partial = True
            else:
                self._skip(found.name, f"does not parse: {mistakes[0].message}")
            return
        if is_read:
            self._contents.append((found.digest_name, content))
        elif found.is_named or is_ours:
            self._mistakes.append(Mistake(f"{found.name} is {_what_it_is_not(content)}"))
            self._is_partial = True
        else:
            self._skip(found.name, _what_it_is_not(content))

    def _is_catalog(self, content: bytes, name: str, *, is_ours: bool) -> bool:
        """Offer the file to our own format. Raises CatalogError when it cannot be parsed; other mistakes are noted, wherever it lies."""
        if not is_ours and not _may_be_catalog(content):
            return False
        from truetier.catalog.source import PartialCatalogError
        from truetier.sources.yaml_catalog import SOURCE

        try:
            contribution = SOURCE.collect(content, name)
        except PartialCatalogError as error:
            self._mistakes += error.mistakes
            contribution = error.contribution
        except CatalogError:
            if is_ours or not self._is_foreign(content, name):
                raise
            return True
        if contribution is not None:
            self._catalogs.append(contribution)
        return contribution is not None

    def _is_foreign(self, content: bytes, name: str) -> bool:
        """Offer the file to the formats of others; the first that knows it keeps it."""
        if b"apiVersion" in content:
            from truetier.sources.kubernetes import read_manifests

            manifests = read_manifests(content, name)
            if manifests is not None:
                self._kubernetes.append((name, manifests))
                return True
        if b"services" in content or b"include" in content:
            from truetier.sources.compose import read_compose

            compose = read_compose(content, name)
            if compose is not None:
                self._compose.append(compose)
                return True
        return False

    def _linked(self) -> Iterator[Contribution]:
        if self._kubernetes:
            from truetier.sources import kubernetes

            yield from kubernetes.link(self._kubernetes)
        if self._compose:
            from truetier.sources import compose

            yield from compose.link(self._compose, self._read_beside, self._files_inside)

    def _observed(self, paths: Sequence[str], evidence: Sequence[str]) -> Iterator[Contribution]:
        """What telemetry showed: of the files named, and of those beside what is read."""
        # A catalog of the past is compared with one of today: what was learned since is held against both.
        tree = Disk() if self._is_past else self._tree
        beside = dict.fromkeys(os.path.join(path if _is_folder(tree, path) else os.path.dirname(path), EVIDENCE) for path in paths)
        sources = [*(folder for folder in beside if _is_folder(tree, folder)), *evidence]
        if not sources:
            return
        from truetier.sources.observed import read_observed

        for source in sources:
            inside = [each.path for each in tree.walk(source) if each.path.endswith(".json")] if _is_folder(tree, source) else [source]
            for file in sorted(inside):
                name = shown_path(file)
                try:
                    content = tree.read(file)
                    found = read_observed(content, name)
                except UnreadableError as error:
                    self._unreadable.append(Mistake(f"{name} {error}"))
                except CatalogError as error:
                    self._mistakes += error.mistakes
                else:
                    self._contents.append((shown_path(os.path.relpath(file, os.path.dirname(source))), content))
                    yield found

    def _read_beside(self, path: str) -> bytes | None:
        """A file that a compose file refers to; None when it cannot be had."""
        if path == STANDARD_INPUT:  # a file called - beside it, not what is piped to us
            return None
        try:
            content = self._tree.read(path)
        except UnreadableError:
            return None
        self._contents.append((os.path.basename(path), content))
        self._beside.add(shown_path(path))
        return content

    def _files_inside(self, path: str) -> list[str] | None:
        """The files in a folder that a compose file refers to; None when it is no folder."""
        try:
            if not self._tree.is_folder(path):
                return None
        except UnreadableError:
            return None
        return [entry.path for entry in islice(self._tree.walk(path), _MOST_INSIDE) if not entry.why_not]

    def _refuse(self, found: _Input, message: str, reason: str, *, is_fatal: bool) -> None:
        if is_fatal and self._is_past and found.is_named:
            return
        if is_fatal:
            self._unreadable.append(Mistake(message))
        else:
            self._skip(found.name, reason)

    def _skip(self, name: str, reason: str) -> None:
        if len(self._skipped) < _MOST_SKIPPED:
            self._skipped.append(SkippedInput(name, reason))
        else:
            self._skipped_more += 1

    def _all_skipped(self) -> list[SkippedInput]:
        skipped = [item for item in self._skipped if item.subject not in self._beside]
        if not self._skipped_more:
            return skipped
        return [*skipped, SkippedInput(f"{self._skipped_more} more files", "not read either")]

    def _refuse_unreadable(self, paths: Sequence[str]) -> None:
        if self._mistakes and (self._is_partial or self._unreadable):
            raise CatalogError((*self._unreadable, *self._mistakes))
        if self._unreadable:
            raise SourceError("\n".join(mistake.message for mistake in self._unreadable))
        if not self._contents and not self._is_past:
            where = ", ".join(shown_path(path) for path in paths) or "no path"
            reasons = "".join(f"\n  {item.subject}: {item.reason}" for item in self._skipped[:_MOST_REASONS])
            more = len(self._skipped) + self._skipped_more - _MOST_REASONS
            rest = f"\n  and {more} more" if more > 0 else ""
            raise NothingToReadError(
                f"nothing to read in {where}: no truetier catalog, no Kubernetes manifest, no compose file{reasons}{rest}"
            )


def _is_folder(tree: InputTree, path: str) -> bool:
    try:
        return path != STANDARD_INPUT and tree.is_folder(path or os.curdir)
    except UnreadableError:
        return False


def _named(path: str) -> _Input:
    if path == STANDARD_INPUT:
        return _Input(path, "<stdin>", "<stdin>", is_named=True)
    clean = os.path.normpath(path)
    return _Input(clean, shown_path(clean), shown_path(os.path.basename(clean)), is_named=True)


def shown_path(path: str) -> str:
    """A path as one line of text: bytes that are no UTF-8 are replaced, line ends escaped, lest a name speak for us."""
    if not path:
        return "''"
    return os.path.normpath(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\n", "\\n")


def _may_be_catalog(content: bytes) -> bool:
    return _CATALOG_KEY.search(content.removeprefix(_BOM)) is not None or not content.strip()


def _is_named_ours(path: str) -> bool:
    """Whether the name alone says that it is a catalog: its mistakes then count wherever it lies."""
    name = os.path.basename(path)
    return name in OUR_NAMES or name.endswith(tuple(f".{ours}" for ours in OUR_NAMES))


def _is_template(content: bytes) -> bool:
    return b"{{" in content and b"}}" in content


def _what_it_is_not(content: bytes) -> str:
    if not content.strip():
        return "empty"
    if content.startswith(COMPILED):
        return _COMPILED_APART
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:64]:
        return "no UTF-8 text: if it is UTF-16, save it as UTF-8"
    if _is_template(content):
        return _TEMPLATE
    return "no truetier catalog, Kubernetes manifest or compose file"
