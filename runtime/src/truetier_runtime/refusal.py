"""Why a document of configuration is refused. The words are stable: alarms and dashboards go by them."""

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
