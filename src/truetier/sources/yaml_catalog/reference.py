"""docs/catalog.md, made from the table of keys: ``python -m truetier.sources.yaml_catalog.reference > docs/catalog.md``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from truetier.sources.yaml_catalog.schema import CATALOG, AnyOf, ListOf, MapOf, Table
from truetier.sources.yaml_catalog.starter import STARTER
from truetier.sources.yaml_catalog.values import Type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truetier.sources.yaml_catalog.schema import Shape

_INTRODUCTION = """\
# The catalog

<!-- Made by python -m truetier.sources.yaml_catalog.reference; change the table of keys, not this page. -->

A catalog is YAML or JSON in git: one file or many. A file named `truetier.yaml`, `truetier.yml`, `truetier.json` or `NAME.truetier.yaml` is
one; others are recognised by their keys. It is read strictly: unknown keys, wrong units, names that mean nothing and contradictions are
all reported in one run, each with file, line and column. `truetier init` writes the following starter, `truetier schema` a JSON Schema
from which an editor completes the keys:

```yaml
"""

_FORMS = """\
```

## How values are written

| value | examples | not |
|---|---|---|
| percentage | `99.95%`, `0.9995` | `99.95`: a bare number above 1 is an error |
| duration | `800ms`, `90s`, `30m`, `2h`, `1d`, `1h30m` | `90`, `1 hour` |
| date | `2027-03-31` | `31.3.2027` |
| tier | `T1`, or `1` for it | |
| name | any text of up to 200 visible characters | |
| failure domain | `us-east-1`, and inside it `us-east-1/a` | `us-east-1/`, `/a` |

Percentages are read as decimal text and never rounded. A timeout, budget or staleness of 0 is an error.

## Keys
"""

_RULES = """\
## Rules that span keys

**Needs.** A need names a service, never an endpoint. `hardness: hard` and a fallback contradict each other, and so do `mode: async` and a
fallback. A broker belongs to an async need. Several needs on one service are allowed, each its own mechanism; a need on itself is an
error. A group's members are distinct, `k` is at least 1 and at most their number, groups do not nest. A group takes `phase`, `share`,
`condition` and `verified`; timeouts stand at its members. A condition's name is global: all needs under it have the same share.

**Endpoints.** All endpoints of a service have a share, together exactly 100%, or none has. Needs of the service are every endpoint's.

**Placement.** Numbers are those of the service or those of a copy: `availability` or `measured` of the one excludes both of the other.
`common_cause` needs either of a copy.
Active-passive takes exactly two copies in file order and a failover with its time, and no `need` or `affinity`. A domain may be named in
`copies` alone: it is not counted then, and the report says so.

**Measured.** At most as many requests fail as there are. Beside `availability` what was measured counts in the verified reading alone, and
only where it is worse. See [theory](theory.md).

**Journeys.** `succeeds` is a definition, not a claim: services, `any_of` and `k` of only.

**Tiers.** The table stands in one file only, strictest tier first; only the last may have no target. 100% can be an own availability,
never a target.

**Several files.** A service may be described in several files, key by key. What they agree on counts once. Where they disagree, the more
cautious claim is used (the strictest tier and target, the lowest availability, stated or measured, else the first) and the report lists
the conflict.

**Names.** A name means the service of exactly that name, else the one whose alias matches; `*` in an alias stands for any text. Nothing is
guessed. In a catalog a name that means nothing, or two services, is an error; in manifests it is listed.

**YAML.** A key is written once in a map. Anchors, aliases and merge keys (`<<`) work; an anchor inside itself does not. A file has one
document, at most 64 MiB, and is UTF-8.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION + STARTER + _FORMS, *_sections(), _RULES])


def _sections() -> Iterator[str]:
    for table in _tables():
        yield f"### {table.name}\n\n{table.title}.\n\n| key | takes | default | meaning |\n|---|---|---|---|"
        for key in table.keys:
            yield f"| `{key.name}` | {_takes(key.shape)} | {_cell(key.default)} | {_cell(key.meaning)} |"
        yield ""


def _tables() -> list[Table]:
    """Every table, each behind the first that uses it."""
    found: dict[str, Table] = {}
    waiting: list[Shape] = [CATALOG]
    while waiting:
        shape = waiting.pop(0)
        if isinstance(shape, Table) and shape.name not in found:
            found[shape.name] = shape
            waiting += [key.shape for key in shape.keys]
        elif isinstance(shape, ListOf):
            waiting.append(shape.item)
        elif isinstance(shape, MapOf):
            waiting.append(shape.value)
        elif isinstance(shape, AnyOf):
            waiting += shape.forms
    return list(found.values())


def _takes(shape: Shape) -> str:
    if isinstance(shape, Type):
        return shape.name
    if isinstance(shape, Table):
        return f"[{shape.name}](#{shape.name})"
    if isinstance(shape, ListOf):
        return f"list of {_takes(shape.item)}"
    if isinstance(shape, MapOf):
        return f"{shape.name.name}: {_takes(shape.value)}"
    assert isinstance(shape, AnyOf)
    return " or ".join(_takes(form) for form in shape.forms)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
