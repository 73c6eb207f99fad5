"""The story of one subject for a machine: schema ``truetier/explain/1``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from truetier.availability.estimate import SubjectKind
from truetier.report import json as check_json
from truetier.report.story import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truetier.report.document import Document
    from truetier.report.story import Story, Term


def render(story: Story) -> str:
    """The story as JSON; subject and findings exactly as ``check`` gives them."""
    checked = json.loads(check_json.render(_alone(story)))
    page = {
        "schema": SCHEMA,
        "as_of": checked["as_of"],
        "trust": checked["trust"],
        "kind": story.subject.kind.value,
        "subject": [*checked["services"], *checked["journeys"], *checked["endpoints"]][0],
        "observed": next(iter(checked["observed"]), None),
        "factors": [_term(term) for term in story.terms],
        "other_phases": [
            {"needs": list(use.need.services), "phases": sorted(phase.value for phase in use.need.phases)} for use in story.other_phases
        ],
        "needed_by": [{"service": edge.caller, "hard": edge.is_hard} for edge in story.needed_by],
        "needed_tier": story.needed_tier,
        "needed_path": None if story.needed is None else list(story.needed.path),
        "blast_radius": _radius(story),
        "findings": checked["findings"],
    }
    return json.dumps(page, indent=2, allow_nan=False) + "\n"


def _alone(story: Story) -> Document:
    """The document as if the subject were all there is."""
    kind, alone = story.subject.kind, (story.subject,)
    return story.document._replace(
        services=alone if kind is SubjectKind.SERVICE else (),
        journeys=alone if kind is SubjectKind.JOURNEY else (),
        endpoints=alone if kind is SubjectKind.ENDPOINT else (),
        observed={key: item for key, item in story.document.observed.items() if key == (kind, story.subject.name)},
        findings=story.findings,
        skipped=(),
        assumptions=(),
        conflicts=(),
        unread=(),
        unmatched=(),
    )


def _term(term: Term) -> Mapping[str, object]:
    value = term.value
    return {"name": term.name, "low": value.up_low, "value": value.up, "high": value.up_high, "note": term.note}


def _radius(story: Story) -> Mapping[str, object] | None:
    radius = story.radius
    if radius is None:
        return None
    return {
        "services": [hit.name for hit in radius.services],
        "journeys": [hit.name for hit in radius.journeys],
        "users": None if radius.users is None else {"low": float(radius.users.low), "high": float(radius.users.high)},
    }
