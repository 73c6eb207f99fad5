# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""OTLP in protobuf, taken from its bytes: to make objects of it would cost several times as much.

Theory. A message is a row of fields, each behind its number, type and, where it holds bytes, length. ``Spans`` walks over what one
resource sent and keeps what is looked at as columns. ``Sieve`` writes a request without what nobody needs: what is kept is copied as
it stands; a message that holds some that is not is written anew, its length filled in when it is known. What is written is never
longer than what was read, save for five bytes of each message that is still open, so one room is enough. A span is looked at twice:
for what it says of itself, which decides what is kept of it, then to copy that. Bytes that are no row of fields are malformed: inside
a span that span is rejected, around spans the request is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truetier import typed as cython
else:
    try:
        import cython  # the compiler wants to see this line
    except ModuleNotFoundError:
        from truetier import typed as cython

if cython.compiled:
    from cython.cimports.truetier.pointers import characters, copy, put, room_of_signs
else:
    from truetier.pointers import characters, copy, put, room_of_signs

if TYPE_CHECKING:
    from collections.abc import Callable

    Value = str | int | float | bool
    Texts = list[str]
    Numbers = list[int]
    Told = list[dict[str, Value] | None]
    Place = tuple[int, int]
    Columns = tuple[bytes, Texts, Texts, Texts, Texts, Numbers, Numbers, Numbers, Numbers, Told, dict[int, Place], list[Place]]

IS_COMPILED = cython.compiled

REASONS = (
    "malformed span",
    "trace id is not 16 bytes",
    "span id is not 8 bytes",
    "parent id is not 8 bytes",
    "no service name",
    "no start time",
    "time out of range",
    "ends before it starts",
    "is its own parent",
)
"""Why a span is rejected: the first that holds."""

REWRITTEN, HOST_ALONE, NAMES_SERVICE = 64, 128, 256
"""What is kept of an attribute, beside a bit for each kind of span: what ``rewritten`` says; of a URL scheme and host; all, and it
names the service."""

_REWRITTEN = cython.declare(cython.longlong, 64)
_HOST_ALONE = cython.declare(cython.longlong, 128)
_NAMES_SERVICE = cython.declare(cython.longlong, 256)
_VARINT = cython.declare(cython.int, 0)  # types on the wire
_FIXED_64 = cython.declare(cython.int, 1)
_BYTES = cython.declare(cython.int, 2)
_FIXED_32 = cython.declare(cython.int, 5)
_GAP = cython.declare(cython.int, 5)  # bytes that the longest length takes
_KINDS = cython.declare(cython.int, 6)
_UNUSUAL = cython.declare(cython.int, 0)  # values of attributes
_EMPTY = cython.declare(cython.int, 1)
_PLAIN = cython.declare(cython.int, 2)
_LENGTHS = cython.declare(cython.int, 64)
_LONGEST_SCHEME = cython.declare(cython.int, 31)
_LONGEST_VARINT = cython.declare(cython.int, 10)  # bytes; of a number below zero
_LONGEST_HOST = cython.declare(cython.int, 253)
_LEAST_NAME = 18  # bytes of the attribute that names a service when it is empty
_EXCEPTION = b"exception"

# Fields by number and type, as they stand before each.
_RESOURCE_SPANS = cython.declare(cython.int, 1 << 3 | 2)  # of a request
_RESOURCE = cython.declare(cython.int, 1 << 3 | 2)  # of what one resource sent
_SCOPE_SPANS = cython.declare(cython.int, 2 << 3 | 2)
_OF_RESOURCE = cython.declare(cython.int, 1 << 3 | 2)  # attributes of a resource
_SPAN = cython.declare(cython.int, 2 << 3 | 2)
_TRACE_ID = cython.declare(cython.int, 1 << 3 | 2)  # of a span
_SPAN_ID = cython.declare(cython.int, 2 << 3 | 2)
_PARENT_ID = cython.declare(cython.int, 4 << 3 | 2)
_NAME = cython.declare(cython.int, 5 << 3 | 2)
_KIND = cython.declare(cython.int, 6 << 3 | 0)
_START = cython.declare(cython.int, 7 << 3 | 1)
_OVER = cython.declare(cython.int, 8 << 3 | 1)
_OF_SPAN = cython.declare(cython.int, 9 << 3 | 2)  # attributes of a span
_EVENT = cython.declare(cython.int, 11 << 3 | 2)
_LINK = cython.declare(cython.int, 13 << 3 | 2)
_STATUS = cython.declare(cython.int, 15 << 3 | 2)
_EVENT_NAME = cython.declare(cython.int, 2 << 3 | 2)
_OF_EVENT = cython.declare(cython.int, 3 << 3 | 2)  # attributes of an event
_LINKED_TRACE = cython.declare(cython.int, 1 << 3 | 2)
_LINKED_SPAN = cython.declare(cython.int, 2 << 3 | 2)
_STATUS_MESSAGE = cython.declare(cython.int, 2 << 3 | 2)
_STATUS_CODE = cython.declare(cython.int, 3 << 3 | 0)
_ATTRIBUTE_KEY = cython.declare(cython.int, 1 << 3 | 2)
_ATTRIBUTE_VALUE = cython.declare(cython.int, 2 << 3 | 2)
_TEXT = cython.declare(cython.int, 1 << 3 | 2)  # what a value may be
_TRUTH = cython.declare(cython.int, 2 << 3 | 0)
_NUMBER = cython.declare(cython.int, 3 << 3 | 0)
_FRACTION = cython.declare(cython.int, 4 << 3 | 1)


class MalformedError(Exception):
    """Bytes are not what they should be."""


@cython.cclass
class Wire:
    """Bytes of a message, and how far they were read; ``ends`` is ``ends_of`` the names of attributes that are looked at."""

    _content: bytes
    _memory: cython.p_uchar
    _place: cython.longlong  # read so far
    _text: cython.longlong  # where the text begins that was looked at last; -1: it was no text
    _ends: bytes
    _is_end: cython.p_uchar

    @cython.cfunc
    def _begin(self, content: bytes, ends: bytes) -> None:
        self._content = content
        self._memory = characters(content)
        self._place = 0
        self._text = -1
        self._ends = ends
        self._is_end = characters(ends)

    @cython.cfunc
    @cython.exceptval(-1)
    def _varint(self, end: cython.longlong) -> cython.longlong:
        """A number of up to 63 bits; of longer ones the rest."""
        number: cython.longlong = 0
        shift: cython.longlong = 0
        place: cython.longlong = self._place
        while shift < 70 and place < end:
            sign: cython.longlong = self._memory[place]
            place += 1
            if shift < 63:
                number |= (sign & 127) << shift
            if sign < 128:
                self._place = place
                return number
            shift += 7
        raise MalformedError

    @cython.cfunc
    @cython.exceptval(-1)
    def _end_of(self, tag: cython.longlong, end: cython.longlong) -> cython.longlong:
        """Where the field ends whose tag was read; the place is then where its content begins."""
        kind: cython.longlong = tag & 7
        stop: cython.longlong = self._place
        if kind == _BYTES:
            size: cython.longlong = self._varint(end)
            stop = self._place + size if size <= end else end + 1
        elif kind == _VARINT:
            begin: cython.longlong = stop
            self._varint(end)
            stop = self._place
            self._place = begin
        elif kind == _FIXED_64:
            stop += 8
        elif kind == _FIXED_32:
            stop += 4
        else:
            raise MalformedError
        if stop > end or tag < 8:
            raise MalformedError
        return stop

    @cython.cfunc
    @cython.exceptval(check=False)
    def _fixed(self) -> cython.ulonglong:
        """Eight bytes as a number."""
        number: cython.ulonglong = 0
        place: cython.longlong
        for place in range(8):
            sign: cython.ulonglong = self._memory[self._place + place]
            number |= sign << (8 * place)
        return number

    @cython.cfunc
    @cython.exceptval(check=False)
    def _is_zero(self, begin: cython.longlong, end: cython.longlong) -> cython.bint:
        signs: cython.int = 0
        place: cython.longlong
        for place in range(begin, end):
            signs |= self._memory[place]
        return signs == 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _must_be_text(self, begin: cython.longlong, end: cython.longlong) -> cython.int:
        """Raises MalformedError where the bytes are no UTF-8."""
        signs: cython.int = 0
        place: cython.longlong
        for place in range(begin, end):
            signs |= self._memory[place]
        if signs > 127:
            try:
                self._content[begin:end].decode()
            except UnicodeDecodeError:
                raise MalformedError from None
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def _is_same(self, one: cython.longlong, other: cython.longlong) -> cython.bint:
        """Whether the same eight bytes stand in both places."""
        place: cython.longlong
        for place in range(8):  # noqa: SIM110 - no generator, where compiled
            if self._memory[one + place] != self._memory[other + place]:
                return False
        return True

    @cython.cfunc
    @cython.exceptval(check=False)
    def _may_be_known(self, end: cython.longlong) -> cython.bint:
        """Whether a name that ends there may be one that is looked at: few others need be looked up."""
        size: cython.longlong = end - self._place
        return size > 0 and self._is_end[(size % _LENGTHS) * 256 + self._memory[end - 1]] != 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _shape(self, end: cython.longlong) -> cython.int:
        """Whether a value is one text or number and nothing else, and not empty."""
        if self._place == end:
            return _UNUSUAL
        tag: cython.longlong = self._varint(end)
        stop: cython.longlong = self._end_of(tag, end)
        self._text = -1
        if stop != end:
            return _UNUSUAL
        if tag == _TEXT:
            self._must_be_text(self._place, stop)
            self._text = self._place
            return _PLAIN if stop > self._place else _EMPTY
        if tag in (_TRUTH, _NUMBER, _FRACTION):
            return _PLAIN
        return _UNUSUAL


@cython.final
@cython.cclass
class Sieve(Wire):
    """Sifts one request.

    ``kept`` says of the attributes that are kept of which kinds of span they are (a bit for each kind, by number) and what of them;
    ``of_resources`` the same of a resource, whatever the kind; ``ends`` is ``ends_of`` both. ``rewritten`` is asked what to keep of
    an attribute that is so marked, or in unusual form, ``words`` what of the message of a status. What they give must not be longer
    than what they get.
    """

    _accepted: cython.longlong
    _rejected: list[int]
    _room: bytearray
    _out: cython.p_uchar
    _at: cython.longlong  # written so far
    _has_service: cython.bint
    _kept: dict[bytes, int]
    _of_resources: dict[bytes, int]
    _rewritten: Callable[[bytes], bytes]
    _words: Callable[[bytes], bytes]

    def __init__(
        self,
        content: bytes,
        *,
        kept: dict[bytes, int],
        of_resources: dict[bytes, int],
        ends: bytes,
        rewritten: Callable[[bytes], bytes],
        words: Callable[[bytes], bytes],
    ) -> None:
        self._accepted = 0
        self._rejected = [0] * len(REASONS)
        self._begin(content, ends)
        self._room = bytearray(len(content) + 8 * _GAP)
        self._out = room_of_signs(self._room)
        self._at = 0
        self._has_service = False
        self._kept = kept
        self._of_resources = of_resources
        self._rewritten = rewritten
        self._words = words

    def sifted(self) -> tuple[bytes, int, list[int]]:
        """What is kept, how many spans that are, and how many were rejected for each of REASONS.

        Raises MalformedError for what is no request.
        """
        end: cython.longlong = len(self._content)
        while self._place < end:
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _RESOURCE_SPANS:
                self._resource_spans(stop)
            self._place = stop
        return bytes(self._room[: self._at]), self._accepted, self._rejected

    # -- writing

    @cython.cfunc
    def _take(self, begin: cython.longlong, end: cython.longlong) -> None:
        copy(self._out, self._at, self._memory, begin, end)
        self._at += end - begin

    @cython.cfunc
    @cython.exceptval(-1)
    def _write(self, tag: cython.int, given: bytes, longest: cython.longlong) -> cython.int:
        """A field that holds other bytes than it did, no more than those."""
        size: cython.longlong = len(given)
        if size > longest:
            raise MalformedError
        if size:
            begin: cython.longlong = self._open(tag)
            copy(self._out, self._at, characters(given), 0, size)
            self._at += size
            self._close(begin)
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def _open(self, tag: cython.int) -> cython.longlong:
        """Begins a message; gives where its content does."""
        put(self._out, self._at, tag)
        self._at += 1 + _GAP
        return self._at

    @cython.cfunc
    def _close(self, begin: cython.longlong) -> None:
        """Writes the length of a message before it, and moves it there."""
        size: cython.longlong = self._at - begin
        place: cython.longlong = begin - _GAP
        rest: cython.longlong = size
        while rest > 127:
            put(self._out, place, (rest & 127) | 128)
            rest >>= 7
            place += 1
        put(self._out, place, rest)
        copy(self._out, place + 1, self._out, begin, self._at)
        self._at = place + 1 + size

    # -- what a request is made of

    @cython.cfunc
    @cython.exceptval(-1)
    def _resource_spans(self, end: cython.longlong) -> cython.int:
        first: cython.longlong = self._place
        before: cython.longlong = self._at
        accepted: cython.longlong = self._accepted
        begin: cython.longlong = self._open(_RESOURCE_SPANS)
        self._has_service = False
        wanted: cython.int
        for wanted in (_RESOURCE, _SCOPE_SPANS):  # the resource first, wherever it stands: its spans depend on it
            self._place = first
            while self._place < end:
                tag: cython.longlong = self._varint(end)
                stop: cython.longlong = self._end_of(tag, end)
                if tag == wanted:
                    if wanted == _RESOURCE:
                        self._resource(stop)
                    else:
                        self._scope_spans(stop)
                self._place = stop
        if self._accepted == accepted:
            self._at = before
        else:
            self._close(begin)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _resource(self, end: cython.longlong) -> cython.int:
        begin: cython.longlong = self._open(_RESOURCE)
        while self._place < end:
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _OF_RESOURCE:
                self._attribute(_OF_RESOURCE, stop, -1)
            self._place = stop
        self._close(begin)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _scope_spans(self, end: cython.longlong) -> cython.int:
        before: cython.longlong = self._at
        accepted: cython.longlong = self._accepted
        begin: cython.longlong = self._open(_SCOPE_SPANS)
        while self._place < end:
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _SPAN:
                written: cython.longlong = self._at
                why_not: cython.int = self._why_not(stop)
                if why_not == 0:
                    self._accepted += 1
                else:
                    self._rejected[why_not - 1] += 1
                    self._at = written
            self._place = stop
        if self._accepted == accepted:
            self._at = before
        else:
            self._close(begin)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _why_not(self, end: cython.longlong) -> cython.int:
        """Takes a span; gives 0, or the number of the reason why not, from 1 on."""
        try:
            return self._span(end)
        except MalformedError:
            return 1

    @cython.cfunc
    @cython.exceptval(-1)
    def _span(self, end: cython.longlong) -> cython.int:
        """The same for one that is a row of fields."""
        first: cython.longlong = self._place
        kind: cython.longlong = 0
        trace: cython.longlong = 0
        trace_size: cython.longlong = 0
        own: cython.longlong = 0
        own_size: cython.longlong = 0
        parent: cython.longlong = 0
        parent_size: cython.longlong = 0
        start: cython.ulonglong = 0
        over: cython.ulonglong = 0
        tag: cython.longlong
        stop: cython.longlong
        while self._place < end:
            tag = self._varint(end)
            stop = self._end_of(tag, end)
            if tag == _TRACE_ID:
                trace, trace_size = self._place, stop - self._place
            elif tag == _SPAN_ID:
                own, own_size = self._place, stop - self._place
            elif tag == _PARENT_ID:
                parent, parent_size = self._place, stop - self._place
            elif tag == _NAME:
                self._must_be_text(self._place, stop)
            elif tag == _KIND:
                kind = self._varint(stop)
            elif tag == _START:
                start = self._fixed()
            elif tag == _OVER:
                over = self._fixed()
            self._place = stop
        if trace_size != 16 or self._is_zero(trace, trace + trace_size):
            return 2
        if own_size != 8 or self._is_zero(own, own + own_size):
            return 3
        if parent_size not in (0, 8):
            return 4
        if not self._has_service:
            return 5
        if start == 0:
            return 6
        if (start | over) >> 63:
            return 7
        if over != 0 and over < start:
            return 8
        if parent_size and self._is_same(parent, own):
            return 9
        self._place = first
        self._copy_span(end, kind if kind < _KINDS else 0)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _copy_span(self, end: cython.longlong, kind: cython.longlong) -> cython.int:
        begin: cython.longlong = self._open(_SPAN)
        while self._place < end:
            field: cython.longlong = self._place
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _OF_SPAN:
                self._attribute(_OF_SPAN, stop, kind)
            elif tag == _EVENT:
                self._event(stop, kind)
            elif tag == _LINK:
                self._link(stop)
            elif tag == _STATUS:
                self._status(stop)
            elif _is_kept_whole(tag):
                self._take(field, stop)
            self._place = stop
        self._close(begin)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _event(self, end: cython.longlong, kind: cython.longlong) -> cython.int:
        """Exceptions tell how a span failed; other events are what the program logs."""
        first: cython.longlong = self._place
        before: cython.longlong = self._at
        begin: cython.longlong = self._open(_EVENT)
        is_exception: cython.bint = False
        tag: cython.longlong
        stop: cython.longlong
        while self._place < end:
            field: cython.longlong = self._place
            tag = self._varint(end)
            stop = self._end_of(tag, end)
            if tag == _EVENT_NAME:
                is_exception = self._content[self._place : stop] == _EXCEPTION
                if is_exception:
                    self._take(field, stop)
            self._place = stop
        named: cython.longlong = self._at
        self._place = first
        while is_exception and self._place < end:
            tag = self._varint(end)
            stop = self._end_of(tag, end)
            if tag == _OF_EVENT:
                self._attribute(_OF_EVENT, stop, kind)
            self._place = stop
        if self._at == named:
            self._at = before
        else:
            self._close(begin)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _link(self, end: cython.longlong) -> cython.int:
        begin: cython.longlong = self._open(_LINK)
        while self._place < end:
            field: cython.longlong = self._place
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag in (_LINKED_TRACE, _LINKED_SPAN):
                self._take(field, stop)
            self._place = stop
        self._close(begin)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _status(self, end: cython.longlong) -> cython.int:
        begin: cython.longlong = self._open(_STATUS)
        while self._place < end:
            field: cython.longlong = self._place
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _STATUS_CODE:
                self._take(field, stop)
            elif tag == _STATUS_MESSAGE and stop > self._place:
                self._must_be_text(self._place, stop)
                self._write(_STATUS_MESSAGE, self._words(self._content[self._place : stop]), stop - self._place)
            self._place = stop
        self._close(begin)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _attribute(self, written: cython.int, end: cython.longlong, kind: cython.longlong) -> cython.int:
        """Takes an attribute, under that tag, if it is kept of a span of that kind; -1 stands for a resource."""
        begin: cython.longlong = self._place
        what: cython.longlong = 0
        value: cython.longlong = begin
        shape: cython.int = _UNUSUAL
        parts: cython.int = 0
        while self._place < end:
            field: cython.longlong = self._place
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _ATTRIBUTE_KEY:
                what = self._what_is_kept(stop, kind)
            elif tag == _ATTRIBUTE_VALUE and what and parts == 1:
                value = field
                shape = self._shape(stop)
            parts += 1
            self._place = stop
        if not what:
            return 0
        is_usual: cython.bint = shape != _UNUSUAL and parts == 2
        if is_usual and what & _HOST_ALONE and self._host(written, begin, value, end):
            return 0
        if is_usual and not what & (_REWRITTEN | _HOST_ALONE):
            opened: cython.longlong = self._open(written)
            self._take(begin, end)
            self._close(opened)
        else:
            given: bytes = self._rewritten(self._content[begin:end])
            shape = _PLAIN if len(given) > _LEAST_NAME else _EMPTY
            self._write(written, given, end - begin)
        if what & _NAMES_SERVICE and shape == _PLAIN:
            self._has_service = True
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _what_is_kept(self, end: cython.longlong, kind: cython.longlong) -> cython.longlong:
        """What is kept of the attribute whose key ends there; 0: nothing."""
        if not self._may_be_known(end):
            return 0
        key: bytes = self._content[self._place : end]
        found: int | None = (self._of_resources if kind < 0 else self._kept).get(key)
        if found is None:
            return 0
        what: cython.longlong = found
        return what if kind < 0 or (what >> kind) & 1 else 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _host(self, written: cython.int, begin: cython.longlong, value: cython.longlong, end: cython.longlong) -> cython.int:
        """Takes an attribute whose text is a URL without what stands behind the host; 0 where that takes more than looking for signs."""
        if self._text < 0:
            return 0
        place: cython.longlong = self._text
        while place < end and place - self._text < _LONGEST_SCHEME and _is_letter(self._memory[place]):
            place += 1
        if place == self._text or end - place < 4 or self._memory[place] != 58:
            return 0
        if self._memory[place + 1] != 47 or self._memory[place + 2] != 47:
            return 0
        host: cython.longlong = place + 3
        place = host
        while place < end and _is_of_host(self._memory[place]):
            place += 1
        stop: cython.longlong = place
        if stop == host or stop - host > _LONGEST_HOST:
            return 0
        while place < end and not _ends_authority(self._memory[place]):
            if self._memory[place] == 64 or self._memory[place] > 127:
                return 0
            place += 1
        if stop < place and self._memory[stop] != 58:
            return 0
        opened: cython.longlong = self._open(written)
        self._take(begin, value)
        outer: cython.longlong = self._open(_ATTRIBUTE_VALUE)
        inner: cython.longlong = self._open(_TEXT)
        self._take(self._text, stop)
        self._close(inner)
        self._close(outer)
        self._close(opened)
        return 1


@cython.final
@cython.cclass
class Spans(Wire):
    """What one resource sent, as columns.

    ``meanings`` says what the attributes mean that are looked at, ``ends`` is ``ends_of`` their names; ``decode`` reads an attribute
    in unusual form. Fields that are not looked at are not looked into.
    """

    _resource: bytes
    _trace_id: list[str]
    _span_id: list[str]
    _parent_id: list[str]
    _name: list[str]
    _kind: list[int]
    _start_ns: list[int]
    _duration_ns: list[int]
    _status: list[int]
    _told: list[dict[str, Value] | None]
    _wordy: dict[int, tuple[int, int]]
    _linked: list[tuple[int, int]]
    _meanings: dict[bytes, str]
    _decode: Callable[[bytes], Value]

    def __init__(self, content: bytes, meanings: dict[bytes, str], ends: bytes, decode: Callable[[bytes], Value]) -> None:
        self._begin(content, ends)
        self._meanings = meanings
        self._decode = decode
        self._resource = b""
        self._trace_id, self._span_id, self._parent_id, self._name = [], [], [], []
        self._kind, self._start_ns, self._duration_ns, self._status = [], [], [], []
        self._told, self._wordy, self._linked = [], {}, []

    def columns(self) -> Columns:
        """The resource as it was sent; of each span its identifiers (trace, span, parent), name, number of its kind, start and duration,
        number of its status, and what its attributes say, by meaning (None: nothing); where those spans begin and end that have events or
        a message of their status, by place; and where those that have links. Raises MalformedError for what is none.
        """
        end: cython.longlong = len(self._content)
        while self._place < end:
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _RESOURCE:
                self._resource += self._content[self._place : stop]  # several are one, says protobuf
            elif tag == _SCOPE_SPANS:
                self._scope(stop)
            self._place = stop
        identity = (self._trace_id, self._span_id, self._parent_id)
        numbers = (self._kind, self._start_ns, self._duration_ns, self._status)
        return (self._resource, *identity, self._name, *numbers, self._told, self._wordy, self._linked)

    @cython.cfunc
    @cython.exceptval(-1)
    def _scope(self, end: cython.longlong) -> cython.int:
        while self._place < end:
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _SPAN:
                self._span(stop)
            self._place = stop
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _span(self, end: cython.longlong) -> cython.int:
        first: cython.longlong = self._place
        trace: str = ""
        own: str = ""
        parent: str = ""
        name: str = ""
        kind: cython.longlong = 0
        status: cython.longlong = 0
        start: cython.ulonglong = 0
        over: cython.ulonglong = 0
        told: dict[str, Value] | None = None
        is_wordy: cython.bint = False
        is_linked: cython.bint = False
        while self._place < end:
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _OF_SPAN:
                told = self._attribute(stop, told)
            elif tag == _TRACE_ID:
                trace = self._content[self._place : stop].hex()
            elif tag == _SPAN_ID:
                own = self._content[self._place : stop].hex()
            elif tag == _PARENT_ID:
                parent = self._content[self._place : stop].hex()
            elif tag == _NAME:
                name = self._words(stop)
            elif tag == _KIND:
                kind = self._varint(stop)
            elif tag == _START:
                start = self._fixed()
            elif tag == _OVER:
                over = self._fixed()
            elif tag == _STATUS:
                status = self._code(stop, status)
                is_wordy |= self._text >= 0
            elif tag == _EVENT:
                is_wordy = True
            elif tag == _LINK:
                is_linked = True
            self._place = stop
        if is_wordy:
            self._wordy[len(self._name)] = (first, end)
        if is_linked:
            self._linked.append((first, end))
        self._trace_id.append(trace)
        self._span_id.append(own)
        self._parent_id.append(parent)
        self._name.append(name)
        self._kind.append(kind & 0xFFFFFFFF)
        self._status.append(status & 0xFFFFFFFF)
        self._start_ns.append(start)
        if over >= start:
            self._duration_ns.append(over - start)
        elif over:
            back: int = start - over
            self._duration_ns.append(-back)
        else:
            self._duration_ns.append(0)
        self._told.append(told)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _code(self, end: cython.longlong, status: cython.longlong) -> cython.longlong:
        """Its code; ``status`` where it says none. The text looked at last is its message."""
        self._text = -1
        while self._place < end:
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _STATUS_CODE:
                status = self._varint(stop)
            elif tag == _STATUS_MESSAGE:
                self._text = self._place
            self._place = stop
        return status

    @cython.cfunc
    def _attribute(self, end: cython.longlong, told: dict[str, Value] | None) -> dict[str, Value] | None:
        begin: cython.longlong = self._place
        meaning: str | None = None
        value: cython.longlong = -1
        parts: cython.int = 0
        while self._place < end:
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if tag == _ATTRIBUTE_KEY:
                meaning = self._meaning(stop)
            elif tag == _ATTRIBUTE_VALUE:
                value = self._place if stop == end else -1
            parts += 1
            self._place = stop
        if meaning is None:
            return told
        found: Value = self._decode(self._content[begin:end]) if parts != 2 or value < 0 else self._value(begin, value, end)
        if told is None:
            told = {}
        told[meaning] = found
        return told

    @cython.cfunc
    def _meaning(self, end: cython.longlong) -> str | None:
        """Of the attribute whose key ends there; None of one that is not looked at."""
        if not self._may_be_known(end):
            return None
        return self._meanings.get(self._content[self._place : end])

    @cython.cfunc
    def _value(self, begin: cython.longlong, value: cython.longlong, end: cython.longlong) -> Value:
        """What an attribute says whose value begins there and ends with it: one text, or a number that is not negative."""
        self._place = value
        if value < end:
            tag: cython.longlong = self._varint(end)
            stop: cython.longlong = self._end_of(tag, end)
            if stop == end and tag == _TEXT:
                return self._words(stop)
            if stop == end and tag == _NUMBER and stop - self._place < _LONGEST_VARINT:
                return self._varint(stop)
        return self._decode(self._content[begin:end])

    @cython.cfunc
    def _words(self, end: cython.longlong) -> str:
        try:
            return self._content[self._place : end].decode()
        except UnicodeDecodeError:
            raise MalformedError from None


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _is_kept_whole(tag: cython.longlong) -> cython.bint:
    return tag in (_TRACE_ID, _SPAN_ID, _PARENT_ID, _NAME, _KIND, _START, _OVER)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _is_letter(sign: cython.int) -> cython.bint:
    return 97 <= sign <= 122 or 65 <= sign <= 90


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _is_of_host(sign: cython.int) -> cython.bint:
    """Whether a sign is of a name or address as they usually are."""
    return _is_letter(sign) or 48 <= sign <= 57 or sign == 45 or sign == 46 or sign == 95  # noqa: PLR1714


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _ends_authority(sign: cython.int) -> cython.bint:
    return sign == 47 or sign == 63 or sign == 35  # noqa: PLR1714
