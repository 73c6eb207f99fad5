from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.adapters.samples import SOURCES, Sample, rows, samples
from truetier.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.catalog.evidence import Evidence

every_sample = pytest.mark.parametrize("sample", samples(), ids=lambda sample: f"{sample.source}/{sample.path.stem}")


@every_sample
def test_a_sample_gives_the_services_that_are_in_it(sample: Sample) -> None:
    assert sorted({service.name for service in sample.collected().services}) == sample.expected["services"]


@every_sample
def test_a_sample_gives_exactly_the_needs_that_are_in_it(sample: Sample) -> None:
    assert rows(sample.collected().services) == sample.expected["needs"]


@every_sample
def test_a_sample_gives_the_aliases_that_are_in_it(sample: Sample) -> None:
    found = {service.name: list(service.aliases) for service in sample.collected().services if service.aliases}
    assert found == sample.expected["aliases"]


@every_sample
def test_what_is_not_read_is_listed(sample: Sample) -> None:
    listed = [item.subject for item in sample.collected().skipped]
    assert len(listed) == len(sample.expected["skipped"])
    assert all(any(subject.endswith(name) for subject in listed) for name in sample.expected["skipped"])


@every_sample
def test_every_fact_says_which_source_and_line_it_is_from(sample: Sample) -> None:
    lines = sample.content.decode().splitlines()
    for evidence in _evidence(sample):
        assert evidence.source == sample.source
        assert evidence.place is not None
        assert evidence.place.file == sample.path.name
        assert 1 <= evidence.place.line <= len(lines)
        assert lines[evidence.place.line - 1][evidence.place.column - 1 :].strip()


@every_sample
def test_no_service_needs_itself(sample: Sample) -> None:
    assert not [need for service in sample.collected().services for need in service.needs if need.service == service.name]


@every_sample
def test_nothing_is_stated_that_the_keys_do_not_name(sample: Sample) -> None:
    for service in sample.collected().services:
        assert service.tier is None
        assert service.availability is None
        assert bool(service.needs) == ("needs" in service.keys)
        assert bool(service.aliases) == ("aliases" in service.keys)


@every_sample
def test_reading_twice_gives_the_same(sample: Sample) -> None:
    assert sample.collected() == sample.collected()


@every_sample
def test_another_format_does_not_take_it_for_its_own(sample: Sample) -> None:
    for name, source in SOURCES.items():
        if name != sample.source:
            assert source.collect(sample.content, sample.path.name) is None


@every_sample
def test_a_file_cut_anywhere_is_read_or_refused(sample: Sample) -> None:
    content = sample.content
    for end in range(0, len(content), max(1, len(content) // 60)):
        _collect_anything(sample.source, content[:end])


@every_sample
def test_a_file_with_a_line_missing_is_read_or_refused(sample: Sample) -> None:
    lines = sample.content.splitlines(keepends=True)
    for index in range(0, len(lines), 3):
        _collect_anything(sample.source, b"".join(lines[:index] + lines[index + 1 :]))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("content", [b"", b"\0", b"[]", b"a: b", b"- - -", b"{{ .Values }}", b"\xff\xfe", b"apiVersion: kind: services:"])
def test_what_is_no_such_file_is_refused_or_left_to_others(source: str, content: bytes) -> None:
    _collect_anything(source, content)


def _collect_anything(source: str, content: bytes) -> None:
    with contextlib.suppress(CatalogError):
        SOURCES[source].collect(content, "cut.yaml")


def _evidence(sample: Sample) -> Iterator[Evidence]:
    for service in sample.collected().services:
        yield service.evidence
        yield from service.keys.values()
        yield from (need.evidence for need in service.needs)
        yield from (fact.evidence for fact in service.facts)
