"""Documents from a real repository of The Update Framework over a real server, and every attack on it that its specification lists."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("tuf")

from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import MetaFile

import truetier_runtime
from runtime.tests.certificates import Authority
from runtime.tests.served import Served, served
from runtime.tests.signed import STRANGER, Made, signed
from runtime.tests.tuf_repository import NAME, TufRepository
from truetier_runtime import hooks, refusal
from truetier_runtime.adapters.tuf import Repository, TufSource
from truetier_runtime.copies import Copies
from truetier_runtime.errors import SourceDownError, UsageError
from truetier_runtime.poller import Poller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.server import BaseHTTPRequestHandler

PAST = datetime(2020, 1, 1, tzinfo=UTC)
EACH = 1_000_001  # bytes that a poller reads of a document


@pytest.fixture
def server() -> Iterator[Served]:
    with served() as what:
        yield what


class World:
    """A repository, a server that serves it, and a reader of it."""

    def __init__(self, server: Served, folder: Path, repository: TufRepository | None = None, copies: Copies | None = None) -> None:
        self.server, self.folder, self.copies = server, folder, copies
        self.repository = repository or TufRepository()
        server.answer = self.repository.answer
        self.made = Made(copies=copies)
        self.restart()

    def source(self, **given: Any) -> TufSource:  # noqa: ANN401 - what TufSource takes
        root = self.repository.trusted_root
        where = Repository(self.server.url + "/metadata", self.server.url + "/targets", root, headers={"X-Who": "me"})
        return TufSource(where, NAME, str(self.folder), **given)

    def restart(self) -> None:
        """A new process that knows no more than what is on disk, with the reader of the old one."""
        self.poller = Poller(self.made.reader, self.source())

    def poll(self) -> list[str]:
        """What is told of one poll."""
        self.made.facts.clear()
        self.poller.poll()
        return self.made.told()

    def publish(self, version: int) -> None:
        self.repository.publish(signed(version))

    def takes(self, version: int) -> bool:
        return self.poll()[-1:] == [hooks.ACTIVATED] and self.made.reader.version == version

    def refused(self) -> str:
        """Why TUF refuses what is served now, before and after a restart; and that what ran goes on."""
        before, why = self.made.reader.running, ""
        for _ in range(2):
            assert self.poll() == [hooks.SOURCE_DOWN]
            assert self.made.reader.running is before
            why = str(self.made.facts[0].detail)
            self.restart()
        return why

    def asked(self) -> list[str]:
        paths = [path for _, path, _ in self.server.asked]
        self.server.asked.clear()
        return paths


@pytest.fixture
def world(server: Served, tmp_path: Path) -> World:
    """That runs version 1, while the repository has version 2."""
    made = World(server, tmp_path)
    made.publish(1)
    assert made.takes(1)
    made.publish(2)
    made.asked()
    return made


def test_a_target_is_taken_and_so_is_the_next_one(world: World) -> None:
    assert world.takes(2)
    world.publish(3)
    assert world.takes(3)
    assert {headers["X-Who"] for _, _, headers in world.server.asked} == {"me"}


def test_when_nothing_is_new_only_that_is_asked_and_what_runs_is_confirmed_also_after_a_restart(world: World) -> None:
    assert world.takes(2)
    world.asked()
    for _ in range(2):
        world.made.monotonic.advance(30)
        assert world.poll() == []
        assert world.made.reader.age == 0
        assert world.asked() == ["/metadata/2.root.json", "/metadata/timestamp.json"]
        world.restart()


def test_a_name_that_the_repository_does_not_have_is_a_source_that_is_down(world: World) -> None:
    del world.repository.targets.targets[NAME]
    world.repository.publish(signed(2), "other.snapshot")
    assert f"names no target {NAME}" in world.refused()


# -- both have to agree


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (signed(2, keys=(STRANGER,)), refusal.UNTRUSTED),
        (signed(2, scope="bank"), refusal.OTHER_SCOPE),
        (signed(2, {}), refusal.EMPTY),
        (signed(2, not_after=1), refusal.EXPIRED),
        (signed(2)[:-1], refusal.LENGTH),
        (b"", refusal.MALFORMED),
    ],
)
def test_what_tuf_vouches_for_has_to_stand_all_that_any_document_has_to(document: bytes, reason: str, world: World) -> None:
    world.repository.publish(document)
    assert world.poll() == [hooks.SNAPSHOT_REFUSED]
    assert str(world.made.facts[0].detail).startswith(reason)
    world.publish(2)
    assert world.takes(2)


def test_an_older_document_under_newer_metadata_is_a_rollback(world: World) -> None:
    assert world.takes(2)
    world.publish(1)
    assert world.poll() == [hooks.SNAPSHOT_REFUSED]
    assert str(world.made.facts[0].detail).startswith(refusal.ROLLBACK)


# -- attacks


def replaced(world: World, path: str, content: Callable[[bytes], bytes]) -> None:
    world.repository.files[path] = content(world.repository.files[path])


def newest(world: World, document: bytes) -> str:
    """The path of a target."""
    return next(path for path, content in world.repository.files.items() if content == document)


def test_metadata_that_is_older_than_what_was_seen_is_refused(world: World) -> None:
    older = dict(world.repository.files)
    world.publish(3)
    assert world.takes(3)
    newer, world.repository.files = world.repository.files, older
    assert "BadVersionNumberError" in world.refused()
    world.repository.files = newer
    assert world.poll() == [hooks.SOURCE_UP]


def test_whoever_holds_the_key_of_the_timestamp_alone_cannot_go_back(world: World) -> None:
    assert world.takes(2)
    world.repository.timestamp.version += 1
    world.repository.timestamp.snapshot_meta = MetaFile(1)
    world.repository.write(world.repository.timestamp)
    assert "BadVersionNumberError: New snapshot version must be >= 2" in world.refused()


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_metadata_that_has_expired_is_refused_and_what_runs_is_never_stopped_by_it(role: str, world: World) -> None:
    fresh = getattr(world.repository, role).expires
    getattr(world.repository, role).expires = PAST
    world.publish(3)
    assert "ExpiredMetadataError" in world.refused()
    getattr(world.repository, role).expires = fresh
    world.publish(4)
    assert world.takes(4)


def test_an_expired_root_is_refused_until_there_is_a_newer_one_and_one_that_expired_may_be_begun_with(world: World) -> None:
    fresh, world.repository.root.expires = world.repository.root.expires, PAST
    world.repository.rotate()
    assert "ExpiredMetadataError" in world.refused()
    world.repository.root.expires = fresh
    world.repository.rotate()
    assert world.takes(2)
    world.repository.trusted_root = world.repository.files["/metadata/2.root.json"]
    world.restart()
    assert world.poll() == []


@pytest.mark.parametrize("change", [lambda target: target[:-1] + b"!", lambda target: target[:-1], lambda _: b"", lambda _: signed(1)])
def test_a_target_that_is_changed_cut_or_another_version_is_refused(change: Callable[[bytes], bytes], world: World) -> None:
    replaced(world, newest(world, signed(2)), change)
    assert "LengthOrHashMismatchError" in world.refused()


def test_a_target_that_is_longer_than_said_is_refused(world: World) -> None:
    replaced(world, newest(world, signed(2)), lambda target: target + b"!")
    assert "DownloadLengthMismatchError" in world.refused()


@pytest.mark.parametrize(
    "path", ["/metadata/2.root.json", "/metadata/timestamp.json", "/metadata/2.snapshot.json", "/metadata/2.targets.json"]
)
def test_metadata_that_is_cut_or_an_error_page_is_refused(path: str, world: World) -> None:
    world.repository.rotate()
    whole = world.repository.files[path]
    for content in (whole[: len(whole) // 2], b"", b"<html>all is well</html>", b"[" * 10_000, b"null"):
        world.repository.files[path] = content
        assert "DeserializationError" in world.refused()
    world.repository.files[path] = whole
    assert world.takes(2)


@pytest.mark.parametrize("path", ["/metadata/2.root.json", "/metadata/timestamp.json", "/metadata/2.snapshot.json", "/targets/"])
def test_data_without_an_end_is_read_no_further_than_it_may_be_long(path: str, world: World) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if not request.path.startswith(path):
            world.repository.answer(request)
            return
        request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not world.server.ended.is_set():
            request.wfile.write(b"x" * 100_000)

    world.server.answer = answer
    assert "DownloadLengthMismatchError" in world.refused()


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_metadata_that_a_stranger_signed_is_refused(role: str, world: World) -> None:
    known = world.repository.signers[role]
    world.repository.signers[role] = [CryptoSigner.generate_ed25519()]
    world.publish(3)
    assert f"UnsignedMetadataError: {role} was signed by 0/1 keys" in world.refused()
    world.repository.signers[role] = known
    world.publish(4)
    assert world.takes(4)


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_metadata_of_two_states_does_not_mix(role: str, world: World) -> None:
    replaced(world, f"/metadata/2.{role}.json", lambda _: world.repository.files[f"/metadata/1.{role}.json"])
    assert "BadVersionNumberError" in world.refused()


# -- keys


def test_roots_are_followed_one_by_one_each_signed_by_the_one_before(world: World) -> None:
    world.repository.rotate("root")
    world.repository.rotate("timestamp", "targets")
    world.repository.rotate("root", "snapshot")
    world.publish(3)
    assert world.takes(3)
    world.repository.rotate("root")
    world.publish(4)
    assert world.takes(4)


def test_a_key_that_was_rotated_away_signs_in_vain(world: World) -> None:
    old = world.repository.signers["timestamp"]
    world.repository.rotate("timestamp")
    world.repository.signers["timestamp"] = old
    world.publish(3)
    assert "UnsignedMetadataError" in world.refused()


def test_a_root_that_only_its_own_keys_signed_is_refused(world: World) -> None:
    world.repository.rotate("root")
    world.repository.write(world.repository.root)
    assert "UnsignedMetadataError: root was signed by 0/1 keys" in world.refused()


def test_a_root_that_lacks_a_signature_of_its_own_is_refused(world: World) -> None:
    old = world.repository.signers["root"]
    world.repository.rotate("root")
    world.repository.signers["root"] = old
    world.repository.write(world.repository.root)
    assert "UnsignedMetadataError" in world.refused()


def test_a_root_that_leaves_one_out_or_comes_twice_is_refused(world: World) -> None:
    world.repository.rotate("root")
    second = world.repository.files["/metadata/2.root.json"]
    world.repository.rotate("root")
    world.repository.files["/metadata/2.root.json"] = world.repository.files["/metadata/3.root.json"]
    world.refused()
    world.repository.files["/metadata/2.root.json"] = second
    world.repository.files["/metadata/3.root.json"] = second
    world.refused()


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets"])
def test_fewer_signatures_than_the_threshold_are_not_enough(role: str, server: Served, tmp_path: Path) -> None:
    world = World(server, tmp_path, TufRepository(**{role: 2}))
    world.publish(1)
    assert world.takes(1)
    both = world.repository.signers[role]
    for too_few in (both[:1], [both[0], CryptoSigner.generate_ed25519()], [both[0], both[0]]):
        world.repository.signers[role] = too_few
        world.repository.root.version = 2
        world.repository.write(world.repository.root)
        world.publish(world.repository.targets.version + 1)
        assert f"UnsignedMetadataError: {role} was signed by 1/2 keys" in world.refused()
    world.repository.signers[role] = both
    world.repository.write(world.repository.root)
    world.publish(9)
    assert world.takes(9)


# -- the server


def test_with_the_server_gone_a_cold_start_serves_what_was_good_last(tmp_path: Path) -> None:
    with served() as server:
        world = World(server, tmp_path / "tuf", copies=Copies(str(tmp_path / "copies")))
        world.publish(1)
        assert world.takes(1)
    assert world.poll() == [hooks.SOURCE_DOWN]
    world.made = Made(copies=world.copies)
    world.made.reader.start()
    world.restart()
    assert world.made.told() == [hooks.ACTIVATED]
    assert world.poll() == [hooks.SOURCE_DOWN]
    assert (world.made.reader.version, world.made.reader.values["limits"]["rps"]) == (1, 100)


@pytest.mark.parametrize("status", [301, 302, 307, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("path", ["/metadata/timestamp.json", "/metadata/2.snapshot.json", "/metadata/2.targets.json", "/targets/"])
def test_any_other_status_is_a_source_that_is_down_and_no_redirect_is_followed(path: str, status: int, world: World) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path.startswith(path):
            request.wfile.write(b"HTTP/1.1 %d .\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % status)
        else:
            world.repository.answer(request)

    world.server.answer = answer
    assert f"answered with status {status}" in world.refused()
    assert "/elsewhere" not in world.asked()
    world.server.answer = world.repository.answer
    assert world.takes(2)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
def test_a_server_that_drips_is_given_up_when_the_time_of_all_requests_together_is_over(head: bytes, world: World) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)
        while not world.server.ended.wait(0.01):
            request.wfile.write(b"1")

    world.server.answer = answer
    with pytest.raises(SourceDownError, match="no end of the answer in time"):
        world.source(timeout=0.2).fetch("", EACH)
    world.server.answer = world.repository.answer
    with pytest.raises(SourceDownError, match="the time for all requests together is over"):
        world.source(timeout=0).fetch("", EACH)


def test_a_proxy_of_the_environment_is_not_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert world.takes(2)


def test_a_repository_is_read_over_tls_from_whom_the_program_trusts(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    repository = TufRepository()
    repository.publish(signed(1))
    with served(authority.server()) as server:
        server.answer = repository.answer
        for trusted in (authority, stranger):
            where = Repository(f"{server.url}/metadata", f"{server.url}/targets", repository.trusted_root, ssl_context=trusted.client())
            source = TufSource(where, NAME, str(tmp_path / "tuf"))
            if trusted is authority:
                assert source.fetch("", EACH).document == signed(1)
            else:
                with pytest.raises(SourceDownError, match="CERTIFICATE_VERIFY_FAILED"):
                    source.fetch("", EACH)


# -- sizes, disks, mistakes


def test_a_target_that_is_too_long_for_the_reader_is_not_asked_for_however_well_it_is_signed(world: World) -> None:
    world.repository.publish(b"x" * 10_002)
    assert f"{NAME} has 10002 bytes" in world.refused()
    assert [path for path in world.asked() if path.startswith("/targets")] == []
    world.repository.publish(b"x" * 10_001)
    assert world.poll() == [hooks.SOURCE_UP, hooks.SNAPSHOT_REFUSED]
    assert str(world.made.facts[1].detail).startswith(refusal.OVERSIZE)


def test_what_tuf_kept_on_disk_may_be_damaged_or_gone(world: World) -> None:
    assert world.takes(2)
    kept = [path for path in world.folder.rglob("*") if path.is_file()]
    assert {path.name for path in kept} == {"root.json", "1.root.json", "timestamp.json", "snapshot.json", "targets.json", NAME}
    for path in kept:
        for damage in (lambda path: path.write_bytes(path.read_bytes()[:-5]), Path.unlink):
            damage(path)
            world.restart()
            assert world.poll() == []


def test_a_folder_that_cannot_be_written_is_told_and_stops_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    world.folder = tmp_path / "file"
    world.restart()
    assert f"TUF cannot keep what it needs in {world.folder}" in world.refused()


@pytest.mark.parametrize("root", [b"", b"null", b"{}", b'{"signed": 1}', b"[" * 10_000, b'{"signed": {"_type": "targets"}}'])
def test_what_is_no_root_is_said_at_once(root: bytes) -> None:
    with pytest.raises(UsageError, match="the root of a TUF repository was expected"):
        Repository("https://a/metadata", "https://a/targets", root)


def test_a_root_that_nobody_signed_is_a_source_that_is_down(world: World) -> None:
    root = b'{"signed": {"_type": "root"}, "signatures": []}'
    with pytest.raises(SourceDownError, match="DeserializationError"):
        TufSource(Repository(world.server.url, world.server.url, root), NAME, str(world.folder / "new")).fetch("", EACH)


@pytest.mark.parametrize("urls", [("ftp://a", "https://a"), ("https://a", "")])
def test_what_is_no_address_is_said_at_once(urls: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="no address"):
        Repository(*urls, TufRepository().trusted_root)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truetier_runtime.adapters.tuf.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"truetier-runtime\[tuf\]"):
        Repository("https://a", "https://a", b"")


def test_nothing_of_tuf_is_loaded_before_the_first_poll() -> None:
    program = (
        "import sys; from truetier_runtime.adapters.tuf import Repository, TufSource;"
        """TufSource(Repository('https://a', 'https://a', b'{"signed": {"_type": "root"}}'), 'x', 'y');"""
        "print([name for name in sys.modules if name.partition('.')[0] in ('tuf', 'securesystemslib', 'urllib3')])"
    )
    path = f"import sys; sys.path.insert(0, {str(Path(truetier_runtime.__file__).parents[1])!r})"
    assert subprocess.run([sys.executable, "-c", f"{path}; {program}"], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.fixture(scope="module")
def two_versions() -> Iterator[tuple[Served, TufRepository, list[str]]]:
    """A repository with version 2, and the paths that a process which knows version 1 asks for."""
    with served() as server:
        repository = TufRepository()
        repository.publish(signed(1))
        older = set(repository.files)
        repository.publish(signed(2))
        yield server, repository, sorted({"/metadata/timestamp.json", *set(repository.files) - older})


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_byte_is_changed_or_cut_nothing_comes_of_it_but_what_was_published(
    two_versions: tuple[Served, TufRepository, list[str]], data: st.DataObject
) -> None:
    server, repository, paths = two_versions
    path = data.draw(st.sampled_from(paths))
    content = bytearray(repository.files[path])
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place : place + data.draw(st.integers(1, 50))]
    served_now = TufRepository.__new__(TufRepository)
    served_now.files = {**repository.files, path: bytes(content)}
    server.answer = served_now.answer
    with tempfile.TemporaryDirectory() as folder:
        where = Repository(server.url + "/metadata", server.url + "/targets", repository.trusted_root)
        try:
            document = TufSource(where, NAME, folder).fetch("", EACH).document
        except SourceDownError:
            return
    # A blank between words of JSON may go: what is signed is what it says.
    assert document == signed(2)
    assert path.startswith("/metadata/")
