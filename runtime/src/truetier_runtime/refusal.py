"""Why a document of configuration, or a token, is refused. The words are stable: alarms and dashboards go by them."""

from __future__ import annotations

OVERSIZE = "oversize"  # longer than is allowed; nothing of it was looked at
MALFORMED = "malformed"  # no envelope: an error page, half a header, two headers in one
UNTRUSTED = "untrusted"  # signed by nobody who is trusted
BAD_SIGNATURE = "bad signature"  # a trusted key did not sign this
BELOW_THRESHOLD = "below threshold"  # fewer of the trusted keys signed than must
LENGTH = "wrong length"  # the body is shorter or longer than was signed
DIGEST = "wrong digest"  # the body is not the one that was signed
OTHER_SCOPE = "other scope"  # meant for others, however well signed
OTHER_VERSION = "other version"  # a copy on disk under the name of another one
ROLLBACK = "rollback"  # older than what runs
MIX_AND_MATCH = "mix and match"  # another document under the version that runs
HELD = "held"  # a version that was set aside when the reader started with proven ones only
EXPIRED = "expired"  # not to be begun with any more; what runs is never stopped by this
NOT_JSON = "not JSON"  # or JSON that means different things to different readers
SCHEMA = "schema"  # the program's own check of the form
EMPTY = "empty"  # well formed, and says nothing
KEYS_REMOVED = "keys removed"  # more at once than is allowed
OUT_OF_RANGE = "out of range"
CANARY = "canary"  # tried, and found unhealthy

# Of tokens, which can also be oversize, malformed, expired, or have a bad signature.
UNKNOWN_ISSUER = "unknown issuer"  # nobody is asked for its keys
UNKNOWN_KEY = "unknown key"  # of an issuer that is known; its keys may be asked for early
NO_KEYS = "no keys"  # none were ever seen of this issuer
KEYS_TOO_OLD = "keys too old"  # the issuer has not confirmed them for longer than they are trusted
ALGORITHM = "algorithm"  # not one that this issuer, and this key, sign with
CRITICAL = "critical header"  # an extension that has to be understood, and is not
TYPE = "type"  # a token of another kind
CLAIM = "claim"  # missing, or of another form
AUDIENCE = "audience"  # meant for others
NOT_YET = "not yet valid"
REVOKED = "revoked"
REVOCATIONS_STALE = "revocations stale"  # whether it was revoked since cannot be known
