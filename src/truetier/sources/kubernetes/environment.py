"""What a container is told by its environment, with references expanded as the cluster would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truetier.record import NamedTuple
from truetier.sources.expansion import filled, filled_script
from truetier.sources.kubernetes.manifests import DEFAULT_NAMESPACE, data_of
from truetier.sources.tree_path import at, items_at, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from truetier.errors import Place
    from truetier.sources.kubernetes.manifests import Manifest
    from truetier.sources.yaml_tree import Node

    Injected = Callable[[str], str | None]

_REFERENCE = re.compile(r"\$\$|\$\(([^()$]{1,256})\)")
_OWN_NAMESPACE = re.compile(r"\$\(cat /(?:var/)?run/secrets/kubernetes\.io/serviceaccount/namespace\)")
_LONGEST = 4096  # characters a value with references may have or grow to; longer is no address, and they could grow without end


class Variable(NamedTuple):
    """A value and where it is written, which may be a ConfigMap."""

    value: str
    place: Place
    origin: str  # ``env NAME``, or with the object the value stands in


class Values:
    """The ConfigMaps and Secrets of the input, by kind, namespace and name."""

    __slots__ = ("_missing", "_objects", "_read")

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._objects: dict[tuple[str, str], dict[str, Manifest]] = {}  # by namespace
        for manifest in manifests:
            if manifest.kind in ("ConfigMap", "Secret"):
                self._objects.setdefault((manifest.kind, manifest.name), {})[manifest.namespace] = manifest
        self._read: dict[tuple[str, str, str], Mapping[str, tuple[str, Node]]] = {}
        self._missing: dict[str, dict[str, None]] = {}

    def missing(self, file: str) -> tuple[str, ...]:
        """The objects that workloads of that file take values from and the input does not hold, seen so far."""
        return tuple(self._missing.get(file, ()))

    def of(self, kind: str, name: str, user: Manifest, *, is_listed: bool = True) -> tuple[Mapping[str, tuple[str, Node]], str]:
        """The values of that object and the file it is in; nothing when the input does not hold it, which is then listed."""
        manifest = self._find(self._objects.get((kind, name), {}), user.namespace)
        if manifest is None:
            if name and is_listed:
                self._missing.setdefault(user.file, {})[f"{kind} {name}"] = None
            return {}, ""
        key = (kind, manifest.namespace, name)
        if key not in self._read:
            self._read[key] = data_of(manifest)
        return self._read[key], manifest.file

    def _find(self, holders: Mapping[str, Manifest], namespace: str) -> Manifest | None:
        """The object a workload of that namespace means; where either states none, the only one that can be meant."""
        if namespace in holders or namespace:
            return holders.get(namespace) or holders.get("")
        return next(iter(holders.values())) if len(holders) == 1 else None


def environment_of(container: Node, manifest: Manifest, values: Values, injected: Injected) -> dict[str, Variable]:
    """The variables of a container by name, in order; those whose value is not in the input are left out.

    ``injected`` gives what the cluster adds by itself, ``CART_SERVICE_HOST``, which other values may refer to.
    """
    found: dict[str, Variable] = {}
    for source in items_at(container, "envFrom"):
        prefix = text_at(source, "prefix")
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            name = text_at(source, key, "name")
            data, file = values.of(kind, name, manifest)
            for variable, (value, node) in data.items():
                found[prefix + variable] = Variable(value, node.place(file), f"env {prefix}{variable} of {kind} {name}")
    for item in items_at(container, "env"):
        variable = text_at(item, "name")
        written = _written(item, variable, manifest, values)
        if variable and written is not None:
            found[variable] = written._replace(value=expanded(written.value, found, injected))
    return found


def expanded(text: str, known: Mapping[str, Variable], injected: Injected) -> str:
    """The text with ``$(NAME)`` replaced where the name is known by then, and ``$$`` unescaped."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            return "$"
        return known[name].value if name in known else injected(name) or found.group()

    return filled(text, _REFERENCE, value, _LONGEST)


def expanded_script(text: str, known: Mapping[str, Variable], manifest: Manifest, injected: Injected) -> str:
    """A part of a command line with the variables that the cluster or the shell fills in, and the pod's own namespace."""
    text = _OWN_NAMESPACE.sub(manifest.namespace or DEFAULT_NAMESPACE, text)
    return filled_script(text, lambda name: known[name].value if name in known else injected(name))


def _written(item: Node, variable: str, manifest: Manifest, values: Values) -> Variable | None:
    node = at(item, "value")
    if node is not None and node.kind == "scalar":
        return Variable(node.text, node.place(manifest.file), f"env {variable}")
    field = at(item, "valueFrom", "fieldRef", "fieldPath")
    if field is not None and field.text == "metadata.namespace":
        return Variable(manifest.namespace or DEFAULT_NAMESPACE, field.place(manifest.file), f"env {variable}")
    for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        name = text_at(item, "valueFrom", key, "name")
        data, file = values.of(kind, name, manifest)
        value = data.get(text_at(item, "valueFrom", key, "key"))
        if value is not None:
            return Variable(value[0], value[1].place(file), f"env {variable} of {kind} {name}")
    return None
