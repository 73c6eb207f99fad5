"""What happened, told to whoever listens: nothing here knows of metrics, traces or files."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Hook = Callable[["Fact"], None]

# Of configuration. The subject is the scope.
ACTIVATED = "snapshot activated"  # detail: its version
SNAPSHOT_AGE = "snapshot age"  # at each poll; detail: seconds since the source last confirmed what runs
SNAPSHOT_REFUSED = "snapshot refused"  # detail: every mistake, by reason
SNAPSHOT_EXPIRED = "snapshot expired"  # what runs goes on running; detail: its version
NOT_STORED = "snapshot not stored"  # it runs, but the disk did not take the copy; detail: why
COPY_REFUSED = "snapshot copy refused"  # passed over at the start; detail: its version and every mistake
DEFAULTS_USED = "snapshot defaults used"  # no copy on disk was of use
SOURCE_DOWN = "snapshot source down"  # detail: why
SOURCE_UP = "snapshot source up"  # the first answer after it was down
# Of tokens. The subject is the issuer.
KEYS_CHANGED = "token keys changed"  # detail: which are new, gone, or good no longer
KEYS_AGE = "token keys age"  # at each poll; detail: seconds since the issuer last confirmed them
KEYS_AGEING = "token keys ageing"  # at each poll past half the age that is allowed; detail: seconds until no token is accepted any more
KEYS_TOO_OLD = "token keys too old"  # at each poll since no token is accepted any more; detail: their age in seconds
KEYS_REFUSED = "token keys refused"  # what the issuer answered is not taken; detail: why
KEYS_NOT_STORED = "token keys not stored"  # they are used, but the disk did not take the copy; detail: why
KEYS_COPY_REFUSED = "token keys copy refused"  # passed over at the start; detail: why
ISSUER_DOWN = "token issuer down"  # detail: why
ISSUER_UP = "token issuer up"  # the first answer after it was down
# Of load. The subject is the limiter, the callee or the request.
SHED = "shed"  # a limiter let no more in; the detail is the class of the work
THROTTLED = "throttled"  # a call was not sent to its callee; the detail is the share that is not
FENCED = "fenced"  # a request was under way when too many workers crashed; the detail is the cell


class Fact:
    """One thing that happened.

    ``kind`` is one of the constants below, ``subject`` whom it concerns (a callee, a snapshot's scope), ``at`` the seconds of the
    clock of whoever tells it, ``detail`` what else there is to say, in a few words or a number.
    """

    __slots__ = ("at", "detail", "kind", "subject")

    def __init__(self, kind: str, subject: str, at: float, detail: str | float = "") -> None:
        self.kind = kind
        self.subject = subject
        self.at = at
        self.detail = detail

    def __repr__(self) -> str:
        return f"Fact({self.kind!r}, {self.subject!r}, {self.at!r}, {self.detail!r})"


def tell(hooks: tuple[Hook, ...], fact: Fact) -> None:
    """Tells everybody. Never called with a lock held: a hook may take its time, and may call back.

    What a hook raises is logged and goes no further: a good answer must not be lost, nor a fallback left out, because telemetry broke.
    """
    for hook in hooks:
        try:
            hook(fact)
        except Exception:
            from logging import getLogger

            getLogger(__name__).exception("a hook failed at %r", fact)
