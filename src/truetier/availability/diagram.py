"""A decision diagram over independent binary variables, evaluated on both sides so that no digit is lost.

Theory. Nodes are reduced and ordered; children are made before parents, so one ascending loop evaluates and one descending
loop differentiates. Every node carries P(1) and P(0), each a sum of products of non-negative numbers: there is no
subtraction anywhere, and a rare failure keeps its relative precision.
What may go wrong: size. Nodes are counted against a budget, and the caller must be ready for Overgrown.
Source: Bryant, Graph-Based Algorithms for Boolean Function Manipulation, 1986; Birnbaum importance by one backward pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FALSE = 0
TRUE = 1
_WIDTH = 32  # bits of a node's number, far more than any budget


class Overgrown(Exception):  # noqa: N818 - it is a result, not an error
    """The diagram needs more nodes than it may have."""


class Diagram:
    """Nodes of one diagram; variable 0 is tested first."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        last = 1 << 60
        self._variable = [last, last]
        self._low = [FALSE, TRUE]
        self._high = [FALSE, TRUE]
        self._unique: dict[int, int] = {}
        self._and: dict[int, int] = {}
        self._or: dict[int, int] = {}

    @property
    def size(self) -> int:
        """How many nodes were made."""
        return len(self._variable) - 2

    def variable(self, number: int) -> int:
        """The function that is true where the variable is."""
        return self._node(number, FALSE, TRUE)

    def all_variables(self, numbers: Sequence[int]) -> int:
        """True where all of these variables are; ascending numbers."""
        function = TRUE
        for number in reversed(numbers):
            function = self._node(number, FALSE, function)
        return function

    def not_all_variables(self, numbers: Sequence[int]) -> int:
        """True where one of these variables is not; ascending numbers."""
        function = FALSE
        for number in reversed(numbers):
            function = self._node(number, TRUE, function)
        return function

    def conjoin(self, left: int, right: int) -> int:
        """Both."""
        if left > right:
            left, right = right, left
        if left <= TRUE:
            return right if left else FALSE
        if left == right:
            return left
        key = left << _WIDTH | right
        known = self._and.get(key)
        if known is None:
            top, other = self._variable[left], self._variable[right]
            if top < other:
                low, high = self.conjoin(self._low[left], right), self.conjoin(self._high[left], right)
            elif other < top:
                top, low, high = other, self.conjoin(left, self._low[right]), self.conjoin(left, self._high[right])
            else:
                low, high = self.conjoin(self._low[left], self._low[right]), self.conjoin(self._high[left], self._high[right])
            known = self._and[key] = low if low == high else self._node(top, low, high)
        return known

    def disjoin(self, left: int, right: int) -> int:
        """At least one of the two."""
        if left > right:
            left, right = right, left
        if left <= TRUE:
            return TRUE if left else right
        if left == right:
            return left
        key = left << _WIDTH | right
        known = self._or.get(key)
        if known is None:
            top, other = self._variable[left], self._variable[right]
            if top < other:
                low, high = self.disjoin(self._low[left], right), self.disjoin(self._high[left], right)
            elif other < top:
                top, low, high = other, self.disjoin(left, self._low[right]), self.disjoin(left, self._high[right])
            else:
                low, high = self.disjoin(self._low[left], self._low[right]), self.disjoin(self._high[left], self._high[right])
            known = self._or[key] = low if low == high else self._node(top, low, high)
        return known

    def all_of(self, functions: Sequence[int]) -> int:
        """All of them, deepest first so that the result grows upward."""
        result = TRUE
        for function in sorted(functions, key=self._variable.__getitem__, reverse=True):
            if function > TRUE and result > TRUE and self._variable[function] < self._variable[result] and self._is_literal(function):
                # most are variables of their own: one node on top
                low = result if self._low[function] else FALSE
                result = self._node(self._variable[function], low, FALSE if low else result)
            else:
                result = self.conjoin(function, result)
        return result

    def _is_literal(self, function: int) -> bool:
        return self._low[function] <= TRUE and self._high[function] <= TRUE

    def at_least(self, required: int, functions: Sequence[int]) -> int:
        """At least that many of them, by the recurrence T[j] = (f and T[j-1]) or T[j]; no T[j] that cannot matter any more."""
        reached = [TRUE] + [FALSE] * required
        left = len(functions)
        for done, function in enumerate(sorted(functions, key=self._variable.__getitem__, reverse=True), 1):
            left -= 1
            for count in range(min(required, done), max(1, required - left) - 1, -1):
                reached[count] = self._one_more(function, reached[count - 1], reached[count])
        return reached[required]

    def _one_more(self, function: int, before: int, reached: int) -> int:
        """(function and before) or reached, where reached implies before."""
        if self._variable[function] < min(self._variable[before], self._variable[reached]) and self._is_literal(function):
            low, high = (before, reached) if self._low[function] else (reached, before)
            return self._node(self._variable[function], low, high)
        return self.disjoin(self.conjoin(function, before), reached)

    def below(self, roots: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
        """The nodes that some functions are made of, children first: number, variable, low, high."""
        wanted = set(roots)
        for node in range(max(roots, default=TRUE), TRUE, -1):
            if node in wanted:
                wanted.add(self._low[node])
                wanted.add(self._high[node])
        for node in sorted(wanted):
            if node > TRUE:
                yield node, self._variable[node], self._low[node], self._high[node]

    def compiled(self, root: int) -> Compiled:
        """The part of the diagram below one function, ready to be evaluated again and again."""
        renumbered = {FALSE: FALSE, TRUE: TRUE}
        nodes: list[tuple[int, int, int]] = []
        for node, variable, low, high in self.below([root]):
            renumbered[node] = len(nodes) + 2
            nodes.append((variable, renumbered[low], renumbered[high]))
        return Compiled(nodes, renumbered[root])

    def _node(self, variable: int, low: int, high: int) -> int:
        if low == high:
            return low
        key = (variable << _WIDTH | low) << _WIDTH | high
        known = self._unique.get(key)
        if known is None:
            known = len(self._variable)
            if known > self._budget:
                raise Overgrown
            self._unique[key] = known
            self._variable.append(variable)
            self._low.append(low)
            self._high.append(high)
        return known


class Compiled:
    """One function as a list of (variable, low, high), children first; numbers 0 and 1 are false and true."""

    __slots__ = ("_nodes", "_root")

    def __init__(self, nodes: list[tuple[int, int, int]], root: int) -> None:
        self._nodes = nodes
        self._root = root

    def evaluate(self, up: Sequence[float], down: Sequence[float]) -> tuple[float, float]:
        """P(true) and P(false), given both probabilities of every variable."""
        ones, zeros = self._forward(up, down)
        return ones[self._root], zeros[self._root]

    def differentiate(self, up: Sequence[float], down: Sequence[float]) -> tuple[float, float, list[float]]:
        """P(true), P(false), and for each variable P(true | variable) - P(true | not variable).

        The difference is taken on the side where it is smaller. Source: Birnbaum 1969.
        """
        ones, zeros = self._forward(up, down)
        importance = [0.0] * len(up)
        weights = [0.0] * len(ones)
        weights[self._root] = 1.0
        for node in range(len(ones) - 1, TRUE, -1):
            weight = weights[node]
            if weight == 0.0:
                continue
            variable, low, high = self._nodes[node - 2]
            if ones[high] + ones[low] < zeros[high] + zeros[low]:
                importance[variable] += weight * (ones[high] - ones[low])
            else:
                importance[variable] += weight * (zeros[low] - zeros[high])
            weights[low] += weight * down[variable]
            weights[high] += weight * up[variable]
        return ones[self._root], zeros[self._root], importance

    def _forward(self, up: Sequence[float], down: Sequence[float]) -> tuple[list[float], list[float]]:
        ones = [0.0, 1.0]
        zeros = [1.0, 0.0]
        for variable, low, high in self._nodes:
            p, q = up[variable], down[variable]
            ones.append(p * ones[high] + q * ones[low])
            zeros.append(p * zeros[high] + q * zeros[low])
        return ones, zeros
