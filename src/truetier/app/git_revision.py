"""The files of a git revision, read through the ``git`` program."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING

from truetier.app.input_tree import MAX_BYTES, STANDARD_INPUT, Entry, UnreadableError, is_skipped_folder, unpacked
from truetier.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen
    from types import TracebackType
    from typing import Self

_SUBMODULE = "160000"


class GitRevision:
    """What the paths held in a revision. A context manager: inside it one ``git`` process answers every question.

    Raises UsageError when a path lies in no git work tree, when two lie in different ones, or when there is no such
    revision.
    """

    def __init__(self, reference: str, paths: tuple[str, ...]) -> None:
        if STANDARD_INPUT in paths:
            raise UsageError("standard input has no revision: name files or folders to compare")
        self._reference = reference
        roots = {_root_of(path) for path in paths}
        if len(roots) > 1:
            raise UsageError(f"the paths lie in {len(roots)} git repositories; compare one at a time")
        self._root = roots.pop()
        self._commit = self._resolve(reference)
        self._batch: Popen[bytes] | None = None

    def __enter__(self) -> Self:
        from subprocess import PIPE, Popen

        command = ["git", "-C", self._root, "cat-file", "--batch", "--follow-symlinks"]
        self._batch = Popen(command, stdin=PIPE, stdout=PIPE, env=_environment())  # noqa: S603 - a fixed program, no shell
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._batch is not None:
            self._batch.communicate()
            self._batch = None

    def is_folder(self, path: str) -> bool:
        """Whether the path was a folder. Raises UnreadableError where there was nothing."""
        inner = self._inner(path)
        return inner == "" or self._object(inner)[0] == "tree"

    def walk(self, folder: str) -> Iterator[Entry]:
        """Every file that was in the folder and the folders in it; links to folders and submodules are not followed."""
        inner = self._inner(folder)
        prefix = f"{inner}/" if inner else ""
        listed = _git(self._root, "ls-tree", "-r", "-z", "--full-tree", self._commit, *(["--", prefix] if prefix else []))
        names = []
        for line in listed.split(b"\0"):
            head, _, name = line.partition(b"\t")
            if name and not head.startswith(_SUBMODULE.encode()):
                names.append(os.fsdecode(name)[len(prefix) :].split("/"))
        names.sort(key=lambda parts: [(not is_last, part) for part, is_last in _with_last(parts)])
        for parts in names:
            if not any(is_skipped_folder(part) for part in parts[:-1]) and not parts[-1].startswith("."):
                yield Entry(os.path.join(folder, *parts))

    def read(self, path: str) -> bytes:
        """The bytes the file had, unpacked. Raises UnreadableError."""
        kind, content = self._object(self._inner(path))
        if kind != "blob":
            raise UnreadableError("is not a file")
        return unpacked(content, path)

    def identity(self, path: str) -> str:
        """The path inside the repository."""
        return self._inner(path)

    def _inner(self, path: str) -> str:
        """The path inside the repository; what lies outside does not exist there."""
        inner = os.path.relpath(os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path)), self._root)
        if inner == os.pardir or inner.startswith(os.pardir + os.sep) or "\n" in inner:
            raise UnreadableError("does not exist in the repository")
        return "" if inner == os.curdir else inner

    def _object(self, inner: str) -> tuple[str, bytes]:
        batch = self._batch
        if batch is None or batch.stdin is None or batch.stdout is None:
            raise UsageError("the revision is closed")
        batch.stdin.write(os.fsencode(f"{self._commit}:{inner}\n"))
        batch.stdin.flush()
        words = batch.stdout.readline().split()
        if len(words) < 2 or words[-1] == b"missing":
            raise UnreadableError(f"does not exist in {self._reference}")
        content = _read_object(batch.stdout, int(words[-1]))
        kind = words[1].decode() if len(words) == 3 else "link"  # of a link that leads nowhere the answer has two words
        return kind, content

    def _resolve(self, reference: str) -> str:
        if not reference or reference.startswith("-") or "\0" in reference:
            raise UsageError(f"{reference!r} is no git revision")
        try:
            return _git(self._root, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}").decode().strip()
        except UsageError:
            raise UsageError(f"git knows no revision {reference!r} here; in CI fetch it first (a shallow clone has only one)") from None


def _with_last(parts: list[str]) -> Iterator[tuple[str, bool]]:
    for index, part in enumerate(parts):
        yield part, index == len(parts) - 1


def _read_object(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(min(size, MAX_BYTES + 1))
    left = size + 1 - len(content)  # a line end follows
    while left > 0:
        left -= len(stream.read(min(left, 1024 * 1024)) or b"." * left)
    return content


def _root_of(path: str) -> str:
    if "\0" in path:
        raise UsageError(f"{path!r} is no possible file name")
    folder = os.path.realpath(path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    try:
        return os.path.realpath(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").rstrip(b"\n")))
    except UsageError as error:
        raise UsageError(f"{path!r} lies in no git work tree, so there is nothing to compare with ({error})") from None


def _git(folder: str, *arguments: str) -> bytes:
    from subprocess import CalledProcessError, run

    try:
        return run(["git", "-C", folder, *arguments], check=True, capture_output=True, env=_environment()).stdout  # noqa: S603, S607 - git of the user's path, no shell
    except CalledProcessError as error:
        lines = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(lines[0] if lines else "git failed") from None
    except OSError:
        raise UsageError("the git program is not installed") from None


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
