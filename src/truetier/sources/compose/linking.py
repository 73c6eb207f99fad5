"""From compose files to what each says about the fleet."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from truetier.catalog.evidence import Evidence, Kind
from truetier.catalog.model import Fact, Hardness, Phase, Service, SkippedInput
from truetier.catalog.source import Contribution
from truetier.errors import Place
from truetier.record import NamedTuple
from truetier.sources.addresses import addresses_in, asks_for_address
from truetier.sources.command_line import hosts_of_command
from truetier.sources.compose.interpolation import Variables
from truetier.sources.compose.mounts import Mounts
from truetier.sources.compose.names import ProjectNames
from truetier.sources.compose.project import Files, beside
from truetier.sources.expansion import filled_script
from truetier.sources.need_list import NeedList
from truetier.sources.tree_path import at, brief, items_at, pairs_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from truetier.sources.compose.mounts import File
    from truetier.sources.compose.project import Beside, Body, ComposeFile, Inside
    from truetier.sources.yaml_tree import Node

SOURCE_NAME = "compose"
_MOST_NAMES = 10  # of variables in one note
_FACTS = (
    ("image", ("image",)),
    ("replicas", ("deploy", "replicas")),
    ("replicas", ("scale",)),
    ("healthcheck", ("healthcheck",)),
    ("restart", ("restart",)),
    ("restart", ("deploy", "restart_policy")),
    ("strategy", ("deploy", "update_config")),
    ("spread", ("deploy", "placement")),
    ("profiles", ("profiles",)),
)


def link(files: Sequence[ComposeFile], read: Beside, inside: Inside) -> tuple[Contribution, ...]:
    """What each file says, and each file it includes.

    ``read`` gives the files they refer to and ``inside`` what a folder holds, None for what is not there.
    """
    project = Files(files, read)
    everything = project.include_all()
    names = ProjectNames(everything)
    mounts = Mounts(read, inside)
    for file in everything:
        for written in file.services:
            mounts.add_user(names.fleet_name(written, file.project), project.bodies(written, file), Variables(project.variables_of(file)))
    found = [_contribution(file, project, names, mounts) for file in everything]
    skipped = (*project.skipped, *mounts.skipped)
    if found and skipped:
        found[0] = Contribution(SOURCE_NAME, found[0].file, found[0].services, skipped=(*found[0].skipped, *skipped))
    return tuple(found)


class _Variable(NamedTuple):
    value: str
    place: Place


def _contribution(file: ComposeFile, project: Files, names: ProjectNames, mounts: Mounts) -> Contribution:
    variables = Variables(project.variables_of(file))
    services = []
    called: dict[tuple[object, ...], tuple[str, ...]] = {}
    for written, (title, _) in file.services.items():
        name = names.fleet_name(written, file.project)
        evidence = Evidence(Kind.DECLARED, SOURCE_NAME, title.place(file.file), f"service {written}")
        bodies = project.bodies(written, file)
        needs = NeedList(name, SOURCE_NAME)
        links = dict(link for body in bodies for link in _link_aliases(body, variables))
        for body in bodies:
            _add_stated(needs, body, file.project, names, variables)
        environment = _environment(bodies, project, variables)
        for variable, (value, place) in environment.items():
            for address in addresses_in(variable, value):
                host = links.get(address.host, address.host)
                callee = names.of_host(host, file.project) or (host if address.is_certain and address.is_local else None)
                if callee is not None:  # a name nothing here has is given as written, for other files to know
                    needs.add(callee, Phase.SERVE, f"env {variable}", place)
        for host, place in _hosts_of_command(bodies, variables, environment):
            callee = names.of_host(links.get(host, host), file.project)
            if callee is not None:
                needs.add(callee, Phase.SERVE, "command line", place)
        for mounted in mounts.files(bodies, variables):
            key = (mounted.path, *links.items())
            if key not in called:  # one file may be in every container
                hosts = (names.of_host(links.get(host, host), file.project) for host in mounted.hosts)
                called[key] = tuple(dict.fromkeys(host for host in hosts if host is not None))
            _add_mounted(needs, mounted, called[key], mounts)
        found = needs.needs()
        services.append(
            Service(name, evidence, needs=found, facts=tuple(_facts(bodies, variables)), keys={"needs": evidence} if found else {})
        )
    return Contribution(SOURCE_NAME, file.file, tuple(services), skipped=_missing(file, variables))


def _add_stated(needs: NeedList, body: Body, project: str, names: ProjectNames, variables: Variables) -> None:
    """What the description itself calls a dependency."""
    file = body.file.file

    def add(name: str, phase: Phase, reason: str, node: Node, hardness: Hardness | None) -> None:
        needs.add(names.fleet_name(name, project), phase, reason, node.place(file), hardness=hardness)

    for item in items_at(body.stated("depends_on")):
        add(variables.fill(item.text), Phase.START, "depends_on", item, None)
    for name, value in pairs_at(body.stated("depends_on")):
        condition = text_at(value, "condition")
        reason = f"depends_on, condition {condition}" if condition else "depends_on"
        is_optional = text_at(value, "required").lower() == "false"
        add(name.text, Phase.START, reason, name, Hardness.UNKNOWN if is_optional else None)
    for item in items_at(body.stated("links")):
        add(variables.fill(item.text).partition(":")[0], Phase.SERVE, "links", item, Hardness.UNKNOWN)
    for item in items_at(body.stated("external_links")):
        container = variables.fill(item.text).partition(":")[0]
        needs.add(names.of_host(container.lower(), project) or container, Phase.SERVE, "external_links", item.place(file))
    for key in ("network_mode", "pid", "ipc"):
        node = body.stated(key)
        shared = "" if node is None else variables.fill(node.text)
        if node is not None and shared.startswith("service:"):
            add(shared.removeprefix("service:"), Phase.START, key, node, None)
    for item in items_at(body.stated("volumes_from")):
        if not item.text.startswith("container:"):
            add(variables.fill(item.text).partition(":")[0], Phase.START, "volumes_from", item, None)


def _link_aliases(body: Body, variables: Variables) -> Iterator[tuple[str, str]]:
    """The names that only this service knows others by, and theirs."""
    for key in ("links", "external_links"):
        for item in items_at(body.stated(key)):
            name, colon, alias = variables.fill(item.text).lower().partition(":")
            if colon:
                yield alias, name


def _add_mounted(needs: NeedList, mounted: File, named: Sequence[str], mounts: Mounts) -> None:
    """Whom a mounted file names, unless several services mount it and it names several others."""
    if mounted.users > 1 and (len(named) > 2 or (len(named) == 2 and needs.caller not in named)):
        mounts.leave_out(mounted)
        return
    for callee in named:
        needs.add(callee, Phase.SERVE, mounted.origin, mounted.place)


def _hosts_of_command(bodies: Sequence[Body], variables: Variables, environment: Mapping[str, _Variable]) -> Iterator[tuple[str, Place]]:
    """The hosts that the last command and the last entrypoint may name, and where; ``$$NAME`` is left to the shell by compose."""

    def value_of(name: str) -> str | None:
        return environment[name].value if name in environment else None

    for key in ("command", "entrypoint"):
        for body in reversed(bodies):
            node = body.stated(key)
            if node is not None:
                items = node.items if node.kind == "seq" else [node]
                for host, index in hosts_of_command([filled_script(variables.fill(item.text), value_of) for item in items]):
                    yield host, items[index].place(body.file.file)
                break


def _environment(bodies: Sequence[Body], project: Files, variables: Variables) -> dict[str, _Variable]:
    """The variables a service is started with, later descriptions over earlier ones, ``environment`` over ``env_file``."""
    found: dict[str, _Variable] = {}
    for body in bodies:
        for path in _env_files(body):
            path_from_here = beside(body.file.folder, variables.fill(path))
            why = f"env_file of {body.file.file}"
            known = {**variables.values, **{key: value.value for key, value in found.items()}}
            for name, written in project.env_file(path_from_here, known, why).items():
                found[name] = _Variable(written.value, Place(path_from_here, written.line, 1))
    for body in bodies:
        for variable, value, node in body.assignments():
            filled = variables.fill(value) if value is not None else _inherited(variable, variables)
            if filled is not None:
                found[variable] = _Variable(filled, node.place(body.file.file))
    return {name: variable for name, variable in found.items() if not any(name in body.replaced.variables for body in bodies)}


def _inherited(name: str, variables: Variables) -> str | None:
    """The value of a variable that is passed on without one."""
    value = variables.get(name)
    if value is None:
        variables.missing[name] = None
    return value


def _env_files(body: Body) -> list[str]:
    node = body.stated("env_file")
    if node is None:
        return []
    return [path for item in (node.items if node.kind == "seq" else [node]) if (path := item.text or text_at(item, "path"))]


def _facts(bodies: Sequence[Body], variables: Variables) -> Iterator[Fact]:
    for key, path in _FACTS:
        for body in reversed(bodies):
            node = at(body.node, *path)
            if node is not None:
                value = Variables(variables.values).fill(brief(node))
                yield Fact(key, value, Evidence(Kind.DECLARED, SOURCE_NAME, node.place(body.file.file)))
                break


def _missing(file: ComposeFile, variables: Variables) -> tuple[SkippedInput, ...]:
    """A note on variables without a value that by their name would have held an address."""
    names = sorted(name for name in variables.missing if asks_for_address(name))
    if not names:
        return ()
    shown = ", ".join(names[:_MOST_NAMES]) + (f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else "")
    env_file = posixpath.join(file.folder, ".env")
    return (SkippedInput(f"{file.file}: variables", f"no value for {shown} in {env_file}: what they name is not seen"),)
