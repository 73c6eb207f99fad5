"""Killed at any moment, a start finds a valid document: the old one or the new one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("cryptography")

from hypothesis import given, settings
from hypothesis import strategies as st

import truetier_runtime
from runtime.tests.signed import KEY, STRANGER, Made, rules, signed
from truetier_runtime import hooks, refusal
from truetier_runtime.copies import Copies, Files
from truetier_runtime.errors import UsageError
from truetier_runtime.signature import TrustedKeys, public_bytes

if TYPE_CHECKING:
    from collections.abc import Callable


class KilledError(BaseException):
    """The process is gone: nothing catches it, and nothing is tidied up."""


class Killer(Files):
    """Files of a process that is killed before its step number ``at``; of a write, after ``kept`` bytes. Counts the steps."""

    def __init__(self, at: int, kept: int | None = None) -> None:
        self.at, self.kept, self.steps = at, kept, 0

    def _step(self) -> None:
        if self.steps >= self.at:
            raise KilledError
        self.steps += 1

    def write(self, path: str, data: bytes) -> None:
        if self.steps == self.at and self.kept is not None:
            super().write(path, data[: self.kept])
        self._step()
        super().write(path, data)

    def sync(self, path: str) -> None:
        self._step()
        super().sync(path)

    def rename(self, old: str, new: str) -> None:
        self._step()
        super().rename(old, new)

    def remove(self, path: str) -> None:
        self._step()
        super().remove(path)


class Full(Files):
    """A disk that takes nothing while it ``is_full``."""

    def __init__(self) -> None:
        self.is_full = True

    def sync(self, path: str) -> None:
        if self.is_full:
            raise OSError(28, "no space left on device")
        super().sync(path)


def started(folder: Path, *, proven_only: bool = False) -> Made:
    made = Made(copies=Copies(str(folder)))
    made.reader.start(proven_only=proven_only)
    return made


def fill(folder: Path, *versions: int) -> None:
    for version in versions:
        Copies(str(folder), keep=99).write(version, signed(version))


def cut(folder: str, version: int) -> None:
    """Takes the end of a copy away, if there is one."""
    path = Path(folder, f"{version:016d}.snapshot")
    if path.exists():
        path.write_bytes(path.read_bytes()[:200])


def test_killed_before_every_step_of_an_update_a_start_finds_the_old_or_the_new_version(tmp_path: Path) -> None:
    found = []
    for step in range(100):
        folder = tmp_path / str(step)
        fill(folder, 1, 2, 3)
        killer = Killer(step)
        made = Made(copies=Copies(str(folder), keep=2, files=killer))
        made.reader.start()
        try:
            made.offer(signed(4))
        except KilledError:
            assert made.reader.version == 4  # it ran already
        found.append(started(folder).reader.version)
        if killer.steps < step:
            break
    # Two steps of the half file, the rename, the folder, and two times what belongs to a stale version.
    assert found[:3] == [3, 3, 3]
    assert set(found[3:]) == {4}
    assert len(found) == 2 + 1 + 1 + 2 * 2 + 2


def test_killed_at_every_byte_of_a_write_a_start_finds_the_old_version_and_then_takes_the_new_one(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    document = signed(2)
    for kept in range(len(document) + 1):
        with pytest.raises(KilledError):
            Copies(str(tmp_path), files=Killer(0, kept)).write(2, document)
        assert started(tmp_path).reader.version == 1
    made = started(tmp_path)
    assert made.offer(document) == []
    assert started(tmp_path).reader.version == 2


def test_a_copy_that_the_disk_cut_at_any_byte_or_changed_is_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    document = signed(2)
    torn = tmp_path / "0000000000000002.snapshot"
    for length in range(len(document)):
        torn.write_bytes(document[:length])
        assert started(tmp_path).reader.version == 1
        torn.write_bytes(document[:length] + b"\0" * (len(document) - length))
        assert started(tmp_path).reader.version == 1
    made = started(tmp_path)
    assert made.told() == [hooks.COPY_REFUSED, hooks.ACTIVATED]
    assert made.offer(document) == []
    assert torn.read_bytes() == document


PROGRAM = """
import sys
from runtime.tests.signed import Made, signed
from truetier_runtime.copies import Copies
made = Made(copies=Copies(sys.argv[1], keep=2))
made.reader.start()
print("started", made.reader.version, flush=True)
for version in range(made.reader.version + 1, 100_000):
    assert not made.offer(signed(version))
    print(version, flush=True)
"""


def test_a_process_that_is_really_killed_leaves_what_it_said_it_wrote_or_something_newer(tmp_path: Path) -> None:
    places = os.pathsep.join([str(Path(truetier_runtime.__file__).parents[1]), str(Path(__file__).parents[2])])
    latest = 0
    for kill_after in (0, 1, 2, 3, 5, 8):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": places}) as process:
            assert process.stdout is not None
            assert int(process.stdout.readline().split()[1]) >= latest
            said = [int(process.stdout.readline()) for _ in range(kill_after)]
            process.send_signal(signal.SIGKILL)
            said += [int(line) for line in process.stdout if line.endswith("\n")]
        found = started(tmp_path).reader.version
        assert found >= max(said, default=latest)
        latest = found


def test_a_start_runs_the_newest_copy_and_serves_it_though_it_has_expired(tmp_path: Path) -> None:
    fill(tmp_path, 1, 3, 2)
    made = Made(copies=Copies(str(tmp_path)))
    made.wall.advance(1e6)
    made.reader.start()
    assert (made.reader.version, made.reader.values["limits"]["rps"], made.told()) == (3, 100, [hooks.ACTIVATED, hooks.SNAPSHOT_EXPIRED])


def test_without_a_copy_the_defaults_run_and_that_is_told(tmp_path: Path) -> None:
    made = started(tmp_path / "not there")
    assert (made.reader.version, made.reader.values["limits"]["rps"], made.told()) == (0, 1, [hooks.DEFAULTS_USED])


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (signed(9, keys=(STRANGER,)), refusal.UNTRUSTED),
        (signed(9, scope="bank"), refusal.OTHER_SCOPE),
        (signed(8), refusal.OTHER_VERSION),
        (signed(9, {}), refusal.EMPTY),
        (b"x" * 20_000, refusal.OVERSIZE),
    ],
)
def test_a_copy_has_to_stand_what_a_document_has_to(document: bytes, reason: str, tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "0000000000000009.snapshot").write_bytes(document)
    made = started(tmp_path)
    assert (made.reader.version, made.told()) == (1, [hooks.COPY_REFUSED, hooks.ACTIVATED])
    assert str(made.facts[0].detail).startswith(f"version 9: {reason}")


def test_a_key_that_is_trusted_no_more_takes_its_copies_along(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    made = Made(rules(trusted=TrustedKeys([public_bytes(STRANGER)])), Copies(str(tmp_path)))
    made.reader.start()
    assert made.told() == [hooks.COPY_REFUSED, hooks.DEFAULTS_USED]
    assert KEY is not STRANGER


def test_a_restart_does_not_make_a_rollback_possible(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    assert started(tmp_path).offer(signed(4)) == [refusal.ROLLBACK]
    assert started(tmp_path).offer(signed(5, {"other": 1})) == [refusal.MIX_AND_MATCH]


def test_nobody_else_may_write_to_copies_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        fill(tmp_path / "copies", 1)
    finally:
        os.umask(before)
    (copy,) = (tmp_path / "copies").iterdir()
    assert [path.stat().st_mode & 0o002 for path in (copy.parent, copy)] == [0, 0]


def test_a_start_that_comes_late_or_again_is_no_rollback(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    made = Made(copies=Copies(str(tmp_path), files=Full()))
    assert made.offer(signed(2)) == []
    made.reader.start()
    assert made.reader.version == 2
    assert made.told() == [hooks.ACTIVATED, hooks.NOT_STORED, hooks.ACTIVATED, hooks.NOT_STORED]


def test_a_full_disk_does_not_keep_an_update_from_running_and_is_written_to_once_there_is_room(tmp_path: Path) -> None:
    disk = Full()
    made = Made(copies=Copies(str(tmp_path), files=disk))
    assert made.offer(signed(1)) == []
    assert (made.reader.version, made.told()) == (1, [hooks.ACTIVATED, hooks.NOT_STORED])
    assert list(tmp_path.iterdir()) == []
    disk.is_full = False
    made.reader.check()
    assert started(tmp_path).reader.version == 1


def test_a_copy_that_somebody_removed_or_damaged_is_written_again_at_the_next_check(tmp_path: Path) -> None:
    made = Made(copies=Copies(str(tmp_path)))
    made.offer(signed(1))
    cut(str(tmp_path), 1)
    made.reader.check()
    assert started(tmp_path).reader.version == 1
    shutil.rmtree(tmp_path)
    made.reader.check()
    assert started(tmp_path).reader.version == 1


def test_a_folder_that_cannot_be_read_is_told_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert started(tmp_path / "loop").told() == [hooks.COPY_REFUSED, hooks.DEFAULTS_USED]


def test_a_folder_that_is_a_file_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = started(tmp_path / "file")
    assert made.offer(signed(1)) == []
    assert made.told() == [hooks.DEFAULTS_USED, hooks.ACTIVATED, hooks.NOT_STORED]


def test_as_many_copies_are_kept_as_asked_for_and_always_one_that_is_proven(tmp_path: Path) -> None:
    made = Made(copies=Copies(str(tmp_path), keep=3))
    made.offer(signed(1))
    made.monotonic.advance(600)
    made.reader.check()
    for version in range(2, 9):
        made.offer(signed(version))
    copies = Copies(str(tmp_path))
    assert (copies.versions(), copies.versions(proven_only=True)) == ([8, 7, 6, 1], [1])
    made.monotonic.advance(600)
    made.reader.check()
    made.offer(signed(9))
    assert (copies.versions(), copies.versions(proven_only=True)) == ([9, 8, 7], [8])


def test_a_version_is_proven_once_it_ran_long_enough_and_not_before(tmp_path: Path) -> None:
    made = Made(copies=Copies(str(tmp_path)))
    made.offer(signed(1))
    made.monotonic.advance(599)
    made.reader.check()
    assert Copies(str(tmp_path)).versions(proven_only=True) == []
    made.offer(signed(2))
    made.monotonic.advance(1)
    made.reader.check()
    assert Copies(str(tmp_path)).versions(proven_only=True) == []
    made.monotonic.advance(599)
    made.reader.check()
    assert Copies(str(tmp_path)).versions(proven_only=True) == [2]


def test_started_with_proven_versions_only_what_did_not_prove_itself_is_not_taken_from_the_source_either(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2, 3)
    Copies(str(tmp_path)).prove(1)
    (tmp_path / "9999999999999999.snapshot").write_bytes(b"whatever has a large number for a name")
    assert started(tmp_path).reader.version == 3
    made = started(tmp_path, proven_only=True)
    assert made.reader.version == 1
    assert made.offer(signed(2)) == made.offer(signed(3)) == [refusal.HELD]
    assert made.offer(signed(4)) == []


def test_what_is_set_aside_is_all_that_is_newer_than_what_runs_also_when_a_proven_one_is_damaged(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2, 3)
    for version in (1, 3):
        Copies(str(tmp_path)).prove(version)
    cut(str(tmp_path), 3)
    made = started(tmp_path, proven_only=True)
    assert made.reader.version == 1
    assert made.offer(signed(2)) == [refusal.HELD]
    assert made.offer(signed(3)) == []


def test_what_others_left_half_written_is_removed_when_it_is_old(tmp_path: Path) -> None:
    for name, seconds in (("a.half", 4000), ("b.half", 10)):
        (tmp_path / name).write_text("")
        at = (tmp_path / name).stat().st_mtime - seconds
        os.utime(tmp_path / name, (at, at))
    fill(tmp_path, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000000000000001.snapshot", "b.half"]


@pytest.mark.parametrize("name", ["x.snapshot", "1.snapshot", "-000000000000001.snapshot", "\u0660" * 15 + "\u0661.snapshot"])
def test_files_of_other_names_are_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")
    assert Copies(str(tmp_path)).versions() == []


def test_to_keep_fewer_than_two_copies_is_refused() -> None:
    with pytest.raises(UsageError, match="keep is 1"):
        Copies("", keep=1)


def test_two_processes_may_share_a_folder(tmp_path: Path) -> None:
    one, other = (Made(copies=Copies(str(tmp_path), keep=2)) for _ in range(2))
    offers: list[Callable[[bytes], list[str]]] = [one.offer, other.offer]
    for version in range(1, 6):
        assert [offer(signed(version)) for offer in offers] == [[], []]
    assert Copies(str(tmp_path)).versions() == [5, 4]


def content(version: int) -> bytes:
    return signed(version, {"n": version})


def whole(folder: str, *, proven_only: bool = False) -> list[int]:
    """The versions whose copies are as they were signed, found without any help of what is tested."""
    names = sorted((path.name for path in Path(folder).glob("*.snapshot")), reverse=True)
    kept = [int(name[:16]) for name in names if Path(folder, name).read_bytes() == content(int(name[:16]))]
    return [version for version in kept if not proven_only or Path(folder, f"{version:016d}.survived").exists()]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """What a disk may make of a copy, or somebody may leave in its place."""
    document = content(draw(st.integers(1, 9)))
    place, other = draw(st.integers(0, len(document))), draw(st.binary(max_size=20))
    return draw(st.sampled_from((document, document[:place], document[:place] + other + document[place + len(other) :], other)))


@given(st.dictionaries(st.integers(2, 9), damaged() | st.integers(2, 9).map(content)), st.booleans())
@settings(deadline=None)
def test_whatever_lies_on_disk_a_start_runs_the_newest_copy_that_is_whole(copies: dict[int, bytes], is_there: bool) -> None:  # noqa: FBT001
    with tempfile.TemporaryDirectory() as folder:
        if is_there:
            Path(folder, f"{1:016d}.snapshot").write_bytes(content(1))
        for version, found in copies.items():
            Path(folder, f"{version:016d}.snapshot").write_bytes(found)
        made = Made(copies=Copies(folder))
        made.reader.start()
        newest = max([0, *whole(folder)])
        assert (made.reader.version, made.reader.values) == (newest, {"n": newest} if newest else {"limits": {"rps": 1}})


class World:
    """A reader, its disk, and what a test knows about them: which versions were taken, and whether the running one must be on disk."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.disk = Full()
        self.disk.is_full = False
        self.is_stored = False
        self.held = 0
        self.made = self._new()

    def _new(self) -> Made:
        return Made(copies=Copies(self.folder, keep=3, files=self.disk))

    def offer(self, number: int) -> None:
        before = self.made.reader.version
        reasons = self.made.offer(content(number))
        if number < before:
            assert reasons == [refusal.ROLLBACK]
        elif before < number <= self.held:
            assert reasons == [refusal.HELD]
        else:
            assert reasons == []
            # The same again is looked after at the next check only.
            self.is_stored = self.is_stored if number == before else not self.disk.is_full or number in whole(self.folder)

    def restart(self, number: int) -> None:
        before = self.made.reader.version
        is_careful = number > 9
        found = whole(self.folder, proven_only=is_careful)
        newest = max([0, *whole(self.folder)])
        self.held = newest if is_careful and newest > max([0, *found]) else 0
        self.made = self._new()
        self.made.reader.start(proven_only=is_careful)
        assert self.made.reader.version == max([0, *found])
        assert is_careful or not self.is_stored or self.made.reader.version >= before
        self.is_stored = self.made.reader.version > 0

    def kill(self, number: int) -> None:
        """Another process that shares the folder dies while it writes."""
        with suppress(KilledError):
            Copies(self.folder, keep=3, files=Killer(number % 6, number * 30)).write(number, content(number))
        self.is_stored = self.made.reader.version in whole(self.folder)

    def cut(self, number: int) -> None:
        cut(self.folder, number)
        self.is_stored = self.is_stored and number != self.made.reader.version

    def wait(self, number: int) -> None:
        self.made.monotonic.advance(number * 100)
        self.made.reader.check()
        self.is_stored = self.is_stored or self.made.reader.version in whole(self.folder)

    def fill(self, number: int) -> None:
        self.disk.is_full = number > 6


@given(st.lists(st.tuples(st.sampled_from(("offer", "restart", "kill", "cut", "wait", "fill")), st.integers(1, 12))))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_in_whatever_order_a_start_runs_the_newest_whole_copy_and_versions_go_up_in_between(
    steps: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        for what, number in steps:
            before, reader = world.made.reader.version, world.made.reader
            getattr(world, what)(number)
            assert world.made.reader is not reader or reader.version >= before
            version = world.made.reader.version
            assert world.made.reader.values == ({"n": version} if version else {"limits": {"rps": 1}})
