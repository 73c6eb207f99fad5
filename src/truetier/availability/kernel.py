# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Decision diagrams over independent binary variables, evaluated on both sides so that no digit is lost.

Theory. Nodes are reduced and ordered. A function is twice the number of its node, plus one where it is the complement of what
the node stands for; the low side of a node is never a complement, so equal functions are equal numbers and a negation is
free. There is one operation, the conjunction. Children are made before parents, so one ascending loop evaluates and one
descending loop differentiates. Every node carries P(1) and P(0), each a sum of products of non-negative numbers: there is no
subtraction anywhere, and a rare failure keeps its relative precision.
What may go wrong: size. Nodes are counted against a budget, and the caller must be ready for Overgrown.
Sources: Bryant, Graph-Based Algorithms for Boolean Function Manipulation, 1986; Brace, Rudell and Bryant, Efficient
Implementation of a BDD Package, 1990; Birnbaum importance by one backward pass.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truetier import typed as cython
else:
    try:
        import cython  # the compiler wants to see this line
    except ModuleNotFoundError:
        from truetier import typed as cython

if cython.compiled:
    from cython.cimports.truetier.pointers import doubles, ints
else:
    from truetier.pointers import doubles, ints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FALSE = 0
TRUE = 1
IS_COMPILED = cython.compiled

_WIDTH = 32  # bits of a number in a key, where keys are Python's integers
_FIRST_ROOM = 64  # nodes; most diagrams are small
_MOST_REMEMBERED = 1 << 22  # conjunctions; past that a new one takes the place of an old one


class Overgrown(Exception):  # noqa: N818 - it is a result, not an error
    """The diagram needs more nodes than it may have."""


@cython.final
@cython.cclass
class Diagram:
    """Nodes of one diagram; variable 0 is tested first. Functions are numbers; 0 and 1 are the constants.

    Where it runs compiled, nodes that differ in nothing are found by chains through ``_next``, and conjunctions made before in
    slots of three numbers; where it does not, both by dictionaries.
    """

    _budget: cython.int
    _count: cython.int  # nodes made; node 0 is the constant
    _room: cython.int  # nodes there is memory for
    _variable: cython.p_int
    _low: cython.p_int
    _high: cython.p_int
    _next: cython.p_int
    _chains: cython.p_int
    _done: cython.p_int
    _done_mask: cython.uint
    _chain_mask: cython.uint
    _stores: list[array[int]]
    _unique: dict[int, int]
    _conjunctions: dict[int, int]

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._count = 0
        self._room = 0
        self._unique = {}
        self._conjunctions = {}
        self._stores = [array("i") for _ in range(6)]
        self._grow()
        self._variable[0] = 1 << 30  # below every variable

    @property
    def size(self) -> int:
        """How many nodes were made."""
        return self._count

    def top(self, function: int) -> int:
        """The variable that is tested first; for a constant a number larger than any."""
        return self._variable[function >> 1]

    def variable(self, number: int) -> int:
        """The function that is true where the variable is."""
        return self._node(number, 0, 1)

    def all_variables(self, numbers: Sequence[int]) -> int:
        """True where all of these variables are; ascending numbers."""
        function = TRUE
        for number in reversed(numbers):
            function = self._node(number, 0, function)
        return function

    def not_all_variables(self, numbers: Sequence[int]) -> int:
        """True where one of these variables is not; ascending numbers."""
        return self.all_variables(numbers) ^ 1

    def conjoin(self, left: int, right: int) -> int:
        """Both."""
        return self._and(left, right)

    def disjoin(self, left: int, right: int) -> int:
        """At least one of the two."""
        return self._and(left ^ 1, right ^ 1) ^ 1

    def all_of(self, functions: Sequence[int]) -> int:
        """All of them, deepest first so that the result grows upward."""
        result = TRUE
        for function in sorted(functions, key=self.top, reverse=True):
            result = self._and(function, result)
        return result

    def at_least(self, required: int, functions: Sequence[int]) -> int:
        """At least that many of them, by the recurrence T[j] = (f and T[j-1]) or T[j]; no T[j] that cannot matter any more."""
        reached = [TRUE] + [FALSE] * required
        left = len(functions)
        for done, function in enumerate(sorted(functions, key=self.top, reverse=True), 1):
            left -= 1
            for count in range(min(required, done), max(1, required - left) - 1, -1):
                reached[count] = self._one_more(function, reached[count - 1], reached[count])
        return reached[required]

    def below(self, roots: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
        """The functions that some are made of, children first: function, variable, low, high."""
        wanted = set(roots)
        for node in range(max(roots, default=TRUE) >> 1, 0, -1):
            for function in (2 * node, 2 * node + 1):
                if function in wanted:
                    wanted.add(self._low[node] ^ function & 1)
                    wanted.add(self._high[node] ^ function & 1)
        for function in sorted(wanted):
            if function > TRUE:
                node, sign = function >> 1, function & 1
                yield function, self._variable[node], self._low[node] ^ sign, self._high[node] ^ sign

    def compiled(self, root: int) -> Structure:
        """The part of the diagram below one function, ready to be evaluated again and again."""
        number = array("i", bytes(4 * ((root >> 1) + 1)))
        wanted: cython.p_int = ints(number)
        node: cython.int
        wanted[root >> 1] = 1
        for node in range(root >> 1, 0, -1):
            if wanted[node]:
                wanted[self._low[node] >> 1] = 1
                wanted[self._high[node] >> 1] = 1
        variables, lows, highs = array("i", (0,)), array("i", (0,)), array("i", (0,))
        count: cython.int = 0
        wanted[0] = 0
        for node in range(1, (root >> 1) + 1):
            if wanted[node]:
                count += 1
                wanted[node] = count
                variables.append(self._variable[node])
                lows.append(wanted[self._low[node] >> 1] << 1 | self._low[node] & 1)
                highs.append(wanted[self._high[node] >> 1] << 1 | self._high[node] & 1)
        return Structure(variables, lows, highs, wanted[root >> 1] << 1 | root & 1)

    # -- inside

    @cython.cfunc
    @cython.exceptval(-1)
    def _one_more(self, function: cython.int, before: cython.int, reached: cython.int) -> cython.int:
        """(function and before) or reached, where reached implies before."""
        node: cython.int = function >> 1
        variable: cython.int = self._variable[node]
        is_literal: cython.bint = self._low[node] == 0 and self._high[node] == 1
        if is_literal and variable < self._variable[before >> 1] and variable < self._variable[reached >> 1]:
            # as most are: one node on top
            return self._node(variable, before, reached) if function & 1 else self._node(variable, reached, before)
        return self._and(self._and(function, before) ^ 1, reached ^ 1) ^ 1

    @cython.cfunc
    @cython.exceptval(-1)
    def _and(self, left: cython.int, right: cython.int) -> cython.int:
        if left > right:
            left, right = right, left
        if left <= 1:
            return right if left else 0
        if left == right:
            return left
        if left ^ right == 1:
            return 0
        slot: cython.uint = 0
        if cython.compiled:
            slot = 3 * (_scattered(left, right) & self._done_mask)
            if self._done[slot] == left and self._done[slot + 1] == right:
                return self._done[slot + 2]
        else:
            known = self._conjunctions.get(left << _WIDTH | right)
            if known is not None:
                return known
        variable: cython.int = self._variable[left >> 1]
        other: cython.int = self._variable[right >> 1]
        low: cython.int = left
        high: cython.int = left
        low_of_right: cython.int = right
        high_of_right: cython.int = right
        if variable <= other:
            low = self._low[left >> 1] ^ left & 1
            high = self._high[left >> 1] ^ left & 1
        if other <= variable:
            low_of_right = self._low[right >> 1] ^ right & 1
            high_of_right = self._high[right >> 1] ^ right & 1
            variable = other
        low = self._and(low, low_of_right)
        high = self._and(high, high_of_right)
        result: cython.int = self._node(variable, low, high)
        if cython.compiled:
            slot = 3 * (_scattered(left, right) & self._done_mask)  # there may be more of them by now
            self._done[slot] = left
            self._done[slot + 1] = right
            self._done[slot + 2] = result
        else:
            self._conjunctions[left << _WIDTH | right] = result
        return result

    @cython.cfunc
    @cython.exceptval(-1)
    def _node(self, variable: cython.int, low: cython.int, high: cython.int) -> cython.int:
        if low == high:
            return low
        sign: cython.int = low & 1
        low ^= sign
        high ^= sign
        node: cython.int
        chain: cython.uint = 0
        if cython.compiled:
            chain = _scattered(low + variable * 12582917, high) & self._chain_mask
            node = self._chains[chain]
            while node:
                if self._high[node] == high and self._low[node] == low and self._variable[node] == variable:
                    return node << 1 | sign
                node = self._next[node]
        else:
            found = self._unique.setdefault((variable << _WIDTH | low) << _WIDTH | high, self._count + 1)
            if found <= self._count:
                return found << 1 | sign
        if self._count >= self._budget:
            raise Overgrown
        node = self._count + 1
        if node >= self._room:
            self._grow()
            chain = _scattered(low + variable * 12582917, high) & self._chain_mask if cython.compiled else 0
        self._count = node
        self._variable[node] = variable
        self._low[node] = low
        self._high[node] = high
        if cython.compiled:
            self._next[node] = self._chains[chain]
            self._chains[chain] = node
        return node << 1 | sign

    @cython.cfunc
    @cython.exceptval(-1)
    def _grow(self) -> cython.int:
        """Makes room for more nodes, and finds them all again."""
        variables, lows, highs, following, chains, done = self._stores
        node: cython.int
        chain: cython.uint
        more: cython.int = self._room or _FIRST_ROOM
        for store in (variables, lows, highs):
            store.frombytes(bytes(4 * more))
        self._room += more
        self._variable = ints(variables)
        self._low = ints(lows)
        self._high = ints(highs)
        if cython.compiled:
            following.frombytes(bytes(4 * more))
            chains.frombytes(bytes(4 * more))
            self._next = ints(following)
            self._chains = ints(chains)
            self._chain_mask = self._room - 1
            if self._room <= _MOST_REMEMBERED:
                del done[:]
                done.frombytes(bytes(12 * self._room))
                self._done = ints(done)
                self._done_mask = self._room - 1
            for node in range(self._room):
                self._chains[node] = 0
            for node in range(1, self._count + 1):
                chain = _scattered(self._low[node] + self._variable[node] * 12582917, self._high[node]) & self._chain_mask
                self._next[node] = self._chains[chain]
                self._chains[chain] = node
        return 0


@cython.cfunc
@cython.inline
def _scattered(left: cython.uint, right: cython.uint) -> cython.uint:
    """A hash of two numbers; only used where they wrap."""
    mixed: cython.uint = left * 0x5BD1E995 + right * 0x3D4D51CB
    return mixed ^ mixed >> 15


@cython.final
@cython.cclass
class Structure:
    """One function as nodes, children first, to be evaluated with many numbers; node 0 is the constant."""

    _nodes: list[array[int]]  # variables, low sides, high sides
    _root: cython.int

    def __init__(self, variables: array[int], lows: array[int], highs: array[int], root: int) -> None:
        self._nodes = [variables, lows, highs]
        self._root = root

    @property
    def size(self) -> int:
        """How many nodes it has."""
        return len(self._nodes[0]) - 1

    def evaluate(self, up: Sequence[float], down: Sequence[float]) -> tuple[float, float]:
        """P(true) and P(false), given both probabilities of every variable."""
        chances = self._forward(array("d", up), array("d", down))
        return chances[self._root], chances[self._root ^ 1]

    def differentiate(self, up: Sequence[float], down: Sequence[float]) -> tuple[float, float, list[float]]:
        """P(true), P(false), and for each variable P(true | variable) - P(true | not variable).

        The difference is taken on the side where it is smaller. Where the function is monotone every node has one sign, so
        that nothing cancels. Source: Birnbaum 1969.
        """
        all_up, all_down = array("d", up), array("d", down)
        chances = self._forward(all_up, all_down)
        return chances[self._root], chances[self._root ^ 1], self._backward(all_up, all_down, chances).tolist()

    @cython.cfunc
    def _forward(self, ups: array[float], downs: array[float]) -> array[float]:
        """P of every function: of a node at twice its number, of its complement behind it."""
        found = array("d", bytes(16 * len(self._nodes[0])))
        chance: cython.p_double = doubles(found)
        up: cython.p_double = doubles(ups)
        down: cython.p_double = doubles(downs)
        variables: cython.p_int = ints(self._nodes[0])
        lows: cython.p_int = ints(self._nodes[1])
        highs: cython.p_int = ints(self._nodes[2])
        p: cython.double
        q: cython.double
        low: cython.int
        high: cython.int
        node: cython.int
        count: cython.int = len(self._nodes[0])
        chance[1] = 1.0
        for node in range(1, count):
            p = up[variables[node]]
            q = down[variables[node]]
            low = lows[node]
            high = highs[node]
            chance[2 * node] = p * chance[high] + q * chance[low]
            chance[2 * node + 1] = p * chance[high ^ 1] + q * chance[low ^ 1]
        return found

    @cython.cfunc
    def _backward(self, ups: array[float], downs: array[float], chances: array[float]) -> array[float]:
        importance = array("d", bytes(8 * len(ups)))
        weights = array("d", bytes(8 * len(self._nodes[0])))
        chance: cython.p_double = doubles(chances)
        weight: cython.p_double = doubles(weights)
        found: cython.p_double = doubles(importance)
        up: cython.p_double = doubles(ups)
        down: cython.p_double = doubles(downs)
        variables: cython.p_int = ints(self._nodes[0])
        lows: cython.p_int = ints(self._nodes[1])
        highs: cython.p_int = ints(self._nodes[2])
        own: cython.double
        low: cython.int
        high: cython.int
        node: cython.int
        variable: cython.int
        weight[self._root >> 1] = -1.0 if self._root & 1 else 1.0
        for node in range(len(self._nodes[0]) - 1, 0, -1):
            own = weight[node]
            if own == 0.0:
                continue
            variable = variables[node]
            low = lows[node]
            high = highs[node]
            if chance[high] + chance[low] < chance[high ^ 1] + chance[low ^ 1]:
                found[variable] += own * (chance[high] - chance[low])
            else:
                found[variable] += own * (chance[low ^ 1] - chance[high ^ 1])
            weight[low >> 1] += own * down[variable]  # the low side is never a complement
            if high & 1:
                weight[high >> 1] -= own * up[variable]
            else:
                weight[high >> 1] += own * up[variable]
        return importance
