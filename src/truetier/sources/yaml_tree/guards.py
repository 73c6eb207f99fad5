"""What is refused before the parser sees it: encodings, control characters, and texts beyond the limits."""

from __future__ import annotations

import re
from itertools import accumulate
from operator import sub

from truetier.errors import CatalogError, Mistake, Place
from truetier.sources.yaml_tree.node import BOM, Text

MAX_BYTES = 64 * 1024 * 1024
MAX_NODES = 6_000_000
MAX_DEPTH = 100

_MOST_BRACKETS = 10 * MAX_DEPTH  # counted in comments and quotes too, hence the margin
_CONTROLS = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r")
_NO_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_TAB_AFTER_DASH = re.compile(rb"^( *(?:- +)*-)\t", re.MULTILINE)
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_MARKS = ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_WORD = re.compile(rb"#[^\n]*|\S+")
_PROPERTY = re.compile(rb"[\[\]{},:?-]*[!&]|.*[\"'\]}][!&]")  # a word that holds a tag or an anchor


def refusal(message: str, file: str, line: int = 1, column: int = 1) -> CatalogError:
    """The error of a file that cannot be read any further."""
    return CatalogError((Mistake(message, Place(file, line, column)),))


def is_small(content: bytes) -> bool:
    """Whether the content is within the limits of size, whatever stands in it."""
    return len(content) <= MAX_BYTES and _most_nodes(content) <= MAX_NODES


def _most_nodes(content: bytes) -> int:
    return len(content) - len(content.translate(None, b"\n,:-[]{}"))


def checked(content: bytes, file: str) -> bytes:
    """The content, with all that the parser must never see refused, in linear time."""
    if len(content) > MAX_BYTES:
        raise refusal(f"the file has {len(content)} bytes; at most {MAX_BYTES} are read: split it into several files", file)
    _check_encoding(content, file)
    if len(content.translate(None, _CONTROLS)) != len(content):
        offset = min(found for found in (content.find(bytes((control,))) for control in _CONTROLS) if found >= 0)
        message = f"control character {content[offset]:#04x} is not allowed; write it as an escape in double quotes"
        raise _refusal_at(message, content, offset, file)
    if b"\r" in content:
        content = _LONE_RETURN.sub(b"\n", content)
    if b"\t" in content:  # may stand where a space may, after a colon or a dash, but the parser knows only the space
        content = _TAB_AFTER_DASH.sub(rb"\1 ", content.replace(b":\t", b": "))
    nodes = _most_nodes(content)
    if nodes > MAX_NODES:
        raise refusal(f"the file may hold {nodes} values; at most {MAX_NODES} are read: split it into several files", file)
    _check_depth(content, file)
    _check_properties(content, file)
    if not content.removeprefix(BOM).strip():
        raise refusal("the file is empty", file)
    return content


def _refusal_at(message: str, content: bytes, offset: int, file: str) -> CatalogError:
    line, column = Text(content).position(offset)
    return refusal(message, file, line, column)


def _check_encoding(content: bytes, file: str) -> None:
    for mark, name in _MARKS:
        if content.startswith(mark):
            raise refusal(f"the file is encoded in {name}; save it as UTF-8", file)
    head = content[:64]
    if len(head) >= 4 and (head[1::2].count(0) == len(head) // 2 or head[::2].count(0) == (len(head) + 1) // 2):
        raise refusal("the file looks encoded in UTF-16 or UTF-32; save it as UTF-8", file)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {content[error.start]:#04x} is not UTF-8 (perhaps it is Latin-1 or Windows-1252); save the file as UTF-8"
        raise _refusal_at(message, content, error.start, file) from None


def _check_depth(content: bytes, file: str) -> None:
    """Refuse brackets nested deeper than any tree we keep: the parser pays dearly for each level."""
    # Brackets alone, as +1 and -1; depth is their running sum above its own minimum, since a stray one may close nothing.
    steps = memoryview(content.translate(_STEPS, _NO_BRACKETS)).cast("b")
    levels = list(accumulate(steps))
    if max(map(sub, levels, accumulate(levels, min, initial=0)), default=0) <= _MOST_BRACKETS:
        return
    depth = 0
    for found in re.finditer(rb"[\[\]{}]", content):
        depth = depth + 1 if found.group() in (b"[", b"{") else max(0, depth - 1)
        if depth > _MOST_BRACKETS:
            raise _refusal_at(f"nested deeper than {MAX_DEPTH} levels", content, found.start(), file)


def _check_properties(content: bytes, file: str) -> None:
    """Refuse three tags or anchors in a row: the parser has room for two and does not look."""
    if content.count(b"!") + content.count(b"&") < 3:
        return
    run = 0
    for found in _WORD.finditer(content):
        word = found.group()
        if word.startswith(b"#") or word in (b"---", b"..."):
            continue
        if not _PROPERTY.match(word):
            run = 0
        elif word[0] in b"[{":  # a new value begins
            run = 1
        else:
            run += 1
        if run == 3:
            raise _refusal_at("three tags or anchors in a row; a value has at most one of each", content, found.start(), file)
