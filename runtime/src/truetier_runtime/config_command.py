"""``truetier-config``: keys, signatures, publishing and rolling back, from a terminal or a pipeline.

Exit codes: 0 done, 1 refused or halted, 2 usage, 3 something could not be read or written.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING, TypeVar

from truetier_runtime.copies import Files, write_whole
from truetier_runtime.errors import DocumentRefusedError, SourceDownError, UsageError
from truetier_runtime.examine import Limits, Rules, Snapshot, examined
from truetier_runtime.publisher import (
    Watch,
    Zone,
    current,
    fetched,
    new_key,
    private_key,
    public_key,
    publish,
    rolled_back,
    stage,
    target_of,
)
from truetier_runtime.signature import Terms, TrustedKeys, cosign, key_id, opened, public_bytes, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from truetier_runtime.publisher import Target
    from truetier_runtime.signature import Header

T = TypeVar("T")

DONE, REFUSED, USAGE, UNREADABLE = range(4)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CHECK_SECONDS = 60  # that a check command may take before it counts as unhealthy

_EXAMPLES = """
a first document, from nothing:
  truetier-config keygen release
  truetier-config sign settings.json --scope shop --version 1 --valid-for 30d --key release.key -o shop.snapshot
  truetier-config publish shop.snapshot /srv/config/shop/ --scope shop --trust release.pub

the next one, zone by zone, ten minutes each, for as long as a command says that all is well:
  truetier-config sign settings.json --scope shop --after /srv/eu-1/ --valid-for 30d --key release.key -o next.snapshot
  truetier-config stage next.snapshot --scope shop --trust release.pub --bake 10m --every 30s \\
      --zone eu-1=/srv/eu-1/ --zone eu-2=s3://config-eu-2/shop.snapshot --check './is-healthy.sh'

back to what was, which is a new version with old content:
  truetier-config rollback shop.snapshot --scope shop --after /srv/eu-1/ --valid-for 30d \\
      --key release.key --trust release.pub -o back.snapshot

a place is a path, a folder (for current.snapshot in it), an http:// or https:// address that takes PUT, or what fsspec knows, as s3://...
What is in the variable TRUETIER_CONFIG_AUTHORIZATION goes along as the header Authorization.

exit codes: 0 done, 1 refused or halted, 2 usage, 3 something could not be read or written
"""


def main(arguments: list[str] | None = None) -> int:
    """Does what the arguments say; gives the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except DocumentRefusedError as error:
        _complain("refused:", *(f"  {mistake}" for mistake in error.mistakes))
        return REFUSED
    except UsageError as error:
        _complain(f"usage: {error}")
        return USAGE
    except SourceDownError as error:
        _complain(str(error))
        return UNREADABLE
    except OSError as error:
        _complain(f"{error.filename or 'a file'}: {error.strerror or error}")
        return UNREADABLE
    except ImportError as error:
        _complain(f"{error}: install truetier-runtime[config]")
        return UNREADABLE
    except KeyboardInterrupt:
        _complain("interrupted: whether it was done, truetier-config show says")
        return REFUSED


# -- the commands


def _keygen(given: argparse.Namespace) -> int:
    private, public = new_key()
    for name in (f"{given.name}.key", f"{given.name}.pub"):
        if os.path.lexists(name):
            raise OSError(errno.EEXIST, "there already, and no key is written over: give another name", name)
    _write_new(f"{given.name}.pub", public, 0o644)
    try:
        _write_new(f"{given.name}.key", private, 0o600)
    except OSError:
        os.remove(f"{given.name}.pub")  # half a pair would only be in the way
        raise
    _say(f"{given.name}.key: keep it secret", f"{given.name}.pub: key {key_id(public_key(public))}, give it to readers")
    return DONE


def _sign(given: argparse.Namespace) -> int:
    keys = _private_keys(given)
    rules = _own_rules(given, keys)
    terms = _terms(given, rules, confirms_removal=given.confirm_removal)
    document = sign(_read(given.body), terms, keys, also=_public_keys(given.also))
    # A reader would not take it, so nobody should publish it.
    examined(document, rules, Snapshot({}), time.time())
    return _written(given, given.output, document)


def _cosign(given: argparse.Namespace) -> int:
    document = _read(given.document)
    for key in _private_keys(given):
        document = cosign(document, key)
    return _written(given, given.output or given.document, document)


def _rollback(given: argparse.Namespace) -> int:
    keys = _private_keys(given)
    rules = _rules(given)
    # Whoever rolls back has already decided that what came since may go.
    terms = _terms(given, rules, confirms_removal=True)
    document = rolled_back(_read(given.old), rules.trusted, terms, keys)
    return _written(given, given.output, document)


def _publish(given: argparse.Namespace) -> int:
    document = _read(given.document)
    is_new = publish(document, _target(given.place), _rules(given), time.time(), replaces_damaged=given.replace_damaged)
    _say(f"{given.place}: version {opened(document).header.version} {'published' if is_new else 'is there already'}")
    return DONE


def _stage(given: argparse.Namespace) -> int:
    zones = [_zone(word) for word in given.zone]
    places = [word.partition("=")[2] for word in given.zone]
    if len(set(places)) < len(places):
        raise UsageError("--zone: two zones of one place, which nobody could watch apart")
    watch = Watch(_check_command(given.check), seconds=_seconds(given.bake), every=_seconds(given.every), tell=_say)
    document = _read(given.document)
    try:
        staged = stage(document, zones, _rules(given), watch)
    except KeyboardInterrupt:
        _complain("halted by hand; run it again to go on, or publish a rollback to the zones named above")
        return REFUSED
    if staged.halted:
        has = f"{', '.join(staged.reached)} {'has' if len(staged.reached) == 1 else 'have'} it" if staged.reached else "no zone has it"
        _complain(f"halted: {staged.halted}", f"{has}; run it again to go on, or publish a rollback")
        return REFUSED
    _say(f"version {opened(document).header.version} is in all of {', '.join(staged.reached)}")
    return DONE


def _verify(given: argparse.Namespace) -> int:
    rules = _rules(given)
    document = fetched(_target(given.place), rules.limits.max_bytes)
    running = current(_target(given.running), rules) if given.running else None
    examined(document, rules, running or Snapshot({}), time.time())
    _say(f"{given.place}: good", *_described(opened(document).header))
    return DONE


def _show(given: argparse.Namespace) -> int:
    envelope = opened(fetched(_target(given.place), given.max_bytes))
    signed = ", ".join(envelope.signatures) or "nobody"
    _say("not verified: see truetier-config verify", *_described(envelope.header), f"signed by {signed}")
    if given.body:
        try:
            _say(*json.dumps(json.loads(envelope.body), indent=2, ensure_ascii=False).split("\n"))
        except (ValueError, RecursionError):
            _say(repr(envelope.body[:1000]))
    return DONE


# -- what arguments stand for


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="truetier-config",
        description="Signs documents of configuration and brings them to where readers look.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    keygen = commands.add_parser("keygen", help="make a key: NAME.key, which is secret, and NAME.pub")
    keygen.add_argument("name", metavar="NAME")
    keygen.set_defaults(run=_keygen)

    signing = commands.add_parser("sign", help="sign a JSON file")
    signing.add_argument("body", metavar="BODY.json")
    signing.add_argument("--also", metavar="FILE.pub", action="append", default=[], help="a key that will cosign; may be repeated")
    signing.add_argument("--confirm-removal", action="store_true", help="more keys may go than readers allow unasked")
    _add_terms(signing)
    _add_limits(signing)
    signing.set_defaults(run=_sign)

    cosigning = commands.add_parser("cosign", help="add a signature to a document that named its key by --also")
    cosigning.add_argument("document", metavar="DOCUMENT")
    cosigning.add_argument("--key", metavar="FILE.key", action="append", required=True)
    cosigning.add_argument("-o", "--output", metavar="FILE", help="in place unless given")
    cosigning.set_defaults(run=_cosign)

    rollback = commands.add_parser("rollback", help="sign the content of an old document as a new version")
    rollback.add_argument("old", metavar="OLD")
    _add_terms(rollback)
    _add_trust(rollback)
    _add_limits(rollback)
    rollback.set_defaults(run=_rollback)

    publishing = commands.add_parser("publish", help="put a document where readers look")
    publishing.add_argument("document", metavar="DOCUMENT")
    publishing.add_argument("place", metavar="PLACE")
    publishing.add_argument("--replace-damaged", action="store_true", help="also over something that cannot be verified")
    _add_rules(publishing)
    publishing.set_defaults(run=_publish)

    staging = commands.add_parser("stage", help="publish zone by zone, and halt when one is not healthy")
    staging.add_argument("document", metavar="DOCUMENT")
    staging.add_argument("--zone", metavar="NAME=PLACE", action="append", required=True, help="in order; repeat it for each zone")
    staging.add_argument("--bake", metavar="TIME", required=True, help="how long a zone has to stay healthy, as 10m")
    staging.add_argument("--every", metavar="TIME", default="30s", help="how often that is looked at (%(default)s)")
    staging.add_argument(
        "--check", metavar="COMMAND", required=True, help="ends with 0 while all is well; is told TRUETIER_ZONE and TRUETIER_VERSION"
    )
    _add_rules(staging)
    staging.set_defaults(run=_stage)

    verifying = commands.add_parser("verify", help="say whether readers would take what is at a place, and all that is wrong with it")
    verifying.add_argument("place", metavar="PLACE")
    verifying.add_argument("--running", metavar="PLACE", help="of what runs now, to be held against it")
    _add_rules(verifying)
    verifying.set_defaults(run=_verify)

    showing = commands.add_parser("show", help="print what a document says of itself, without believing it")
    showing.add_argument("place", metavar="PLACE")
    showing.add_argument("--body", action="store_true", help="and what it holds")
    showing.add_argument("--max-bytes", type=int, default=Limits().max_bytes, metavar="N", help="(%(default)s)")
    showing.set_defaults(run=_show)
    return parser


def _add_terms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scope", required=True, help="whom it is for; readers of another scope refuse it")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--version", type=int, metavar="N")
    which.add_argument("--after", metavar="PLACE", help="one more than the version that is there")
    parser.add_argument("--valid-for", metavar="TIME", required=True, help="readers begin with it for so long, as 30d or 12h")
    parser.add_argument("--key", metavar="FILE.key", action="append", required=True, help="to sign with; may be repeated")
    parser.add_argument("-o", "--output", metavar="FILE", required=True)


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trust", metavar="FILE.pub", action="append", required=True, help="a key that readers trust; may be repeated")
    parser.add_argument("--threshold", type=int, default=1, metavar="N", help="how many of them have to sign (%(default)s)")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    limits = Limits()
    parser.add_argument("--max-bytes", type=int, default=limits.max_bytes, metavar="N", help="of a document (%(default)s)")
    parser.add_argument(
        "--max-removed", type=float, default=limits.max_removed, metavar="SHARE", help="of keys that may go unconfirmed (%(default)s)"
    )
    parser.add_argument(
        "--range", nargs=3, metavar=("PATH", "LEAST", "MOST"), action="append", default=[], help="of a number, as limits.*.rps 1 1000"
    )


def _add_rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scope", required=True, help="of the readers")
    _add_trust(parser)
    _add_limits(parser)


def _rules(given: argparse.Namespace) -> Rules:
    trusted = TrustedKeys(_public_keys(given.trust), threshold=given.threshold)
    return Rules(given.scope, trusted, limits=_limits(given))


def _own_rules(given: argparse.Namespace, keys: list[Ed25519PrivateKey]) -> Rules:
    return Rules(given.scope, TrustedKeys(map(public_bytes, keys)), limits=_limits(given))


def _limits(given: argparse.Namespace) -> Limits:
    try:
        ranges = {path: (float(least), float(most)) for path, least, most in given.range}
    except ValueError as error:
        raise UsageError(f"--range: {error}") from None
    return Limits(max_bytes=given.max_bytes, max_removed=given.max_removed, ranges=ranges)


def _terms(given: argparse.Namespace, rules: Rules, *, confirms_removal: bool) -> Terms:
    version = given.version
    if given.after is not None:
        running = current(_target(given.after), rules)
        version = 1 if running is None else running.version + 1
    return Terms(given.scope, version, int(time.time() + _seconds(given.valid_for)), confirms_removal=confirms_removal)


def _zone(word: str) -> Zone:
    name, equals, place = word.partition("=")
    if not (name and equals and place):
        raise UsageError(f"--zone {word}: NAME=PLACE was expected")
    return Zone(name, _target(place))


def _target(place: str) -> Target:
    word = os.environ.get("TRUETIER_CONFIG_AUTHORIZATION")
    return target_of(place, headers={"Authorization": word} if word else None)


def _seconds(word: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}[smhd]", word, re.ASCII):
        raise UsageError(f"{word!r} is no length of time: digits and one of s, m, h, d were expected, as 30d")
    return float(int(word[:-1]) * _SECONDS[word[-1]])


class _CheckCommand:
    """Whether a command ends with 0. It is not run by a shell."""

    __slots__ = ("words",)

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def __call__(self, zone: str, version: int) -> bool:
        environment = {**os.environ, "TRUETIER_ZONE": zone, "TRUETIER_VERSION": str(version)}
        # The operator's own command is what is to be run.
        ended = subprocess.run(self.words, env=environment, timeout=_CHECK_SECONDS, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
        return ended.returncode == 0


def _check_command(command: str) -> _CheckCommand:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--check: {error}") from None
    if not words:
        raise UsageError("--check: a command was expected")
    return _CheckCommand(words)


# -- files and words


def _private_keys(given: argparse.Namespace) -> list[Ed25519PrivateKey]:
    return [_key(name, private_key) for name in given.key]


def _public_keys(names: list[str]) -> list[bytes]:
    return [_key(name, public_key) for name in names]


def _key(name: str, parse: Callable[[bytes], T]) -> T:
    try:
        return parse(_read(name))
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _write_new(path: str, text: bytes, mode: int) -> None:
    """Never over a file that is there: a key that is lost is lost for good."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(number, "wb") as file:
            file.write(text)
    except OSError as error:
        os.remove(path)
        error.filename = path
        raise


def _written(given: argparse.Namespace, path: str, document: bytes) -> int:
    if os.path.exists(path) and any(os.path.samefile(path, key) for key in given.key):
        raise UsageError(f"{path} is the key to sign with, and would be lost")
    # What /dev/stdout stands for, not the word itself: in its place root would put a file.
    write_whole(Files(), os.path.realpath(path) if os.path.isfile(path) else path, document)
    _say(path, *_described(opened(document).header))
    return DONE


def _described(header: Header) -> list[str]:
    until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(header.not_after)) if header.not_after < 1e11 else str(header.not_after)
    return [
        f"  scope {header.scope}, version {header.version}, to be begun with until {until}",
        f"  {header.body_bytes} bytes, SHA-256 {header.sha256}",
        f"  keys {', '.join(header.keys)}" + ("; more keys may go than readers allow unasked" if header.confirms_removal else ""),
    ]


def _say(*lines: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    # What the terminal has no letter for: what was done is done, and has to be said.
    sys.stdout.write(_visible(lines).encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _complain(*lines: str) -> None:
    sys.stderr.write(_visible(lines))


def _visible(lines: Iterable[str]) -> str:
    """Lines for somebody who decides by them: what strangers wrote hides nothing, turns no text around and begins no line of its own."""
    return "".join(f"{''.join(map(_shown, line))}\n" for line in lines)


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


if __name__ == "__main__":
    sys.exit(main())
