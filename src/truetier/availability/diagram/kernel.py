# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Decision diagrams over independent binary variables, evaluated on both sides so that no digit is lost.

Theory. Nodes are reduced and ordered. A function is twice the number of its node, plus one where it is the complement of what
the node stands for; the low side of a node is never a complement, so equal functions are equal numbers and a negation is
free. There is one operation, the conjunction. Children are made before parents, so one ascending loop evaluates and one
descending loop differentiates. Every node carries P(1) and P(0), each a sum of products of non-negative numbers: there is no
subtraction anywhere, and a rare failure keeps its relative precision. A series needs no diagram: its logarithms add up.
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
_LEAP, _LARGE = 4, 1 << 16  # room grows so many times at once, and twice where it is large: to find all nodes again costs time, room memory
_ZERO = array("i", (0,))
_MOST_SETS = 2_000_000  # nodes of sets of variables
_COLUMNS = cython.declare(cython.int, 32)  # evaluated side by side
_MOST_REMEMBERED = 1 << 22  # conjunctions; past that a new one takes the place of an old one


class Overgrown(Exception):  # noqa: N818 - it is a result, not an error
    """The diagram needs more nodes than it may have."""


@cython.final
@cython.cclass
class Diagram:
    """Nodes of one diagram; variable 0 is tested first. Functions are numbers; 0 and 1 are the constants.

    A node is four numbers side by side, so that to look at one costs one line of the processor's cache: variable, low side, high
    side, and the next node with the same hash. Where the code runs compiled, nodes that differ in nothing are found along these
    chains, and conjunctions made before in slots of four numbers; where it does not, both by dictionaries.
    """

    _budget: cython.int
    _count: cython.int  # nodes made; node 0 is the constant
    _room: cython.int  # nodes there is memory for
    _nodes: cython.p_int
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
        self._stores = [array("i"), array("i"), array("i")]
        self._grow()
        self._nodes[0] = 1 << 30  # below every variable

    @property
    def size(self) -> int:
        """How many nodes were made."""
        return self._count

    @property
    def budget(self) -> int:
        """How many nodes it may have."""
        return self._budget

    def allow(self, budget: int) -> None:
        """Lets it have so many nodes from now on; what it had to give up may be tried again, and goes fast as far as it had come."""
        self._budget = budget

    def top(self, function: int) -> int:
        """The variable that is tested first; for a constant a number larger than any."""
        return self._nodes[(function >> 1) * 4]

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

    def exclusive(self, left: int, right: int) -> int:
        """Exactly one of the two."""
        return self._and(self._and(left, right) ^ 1, self._and(left ^ 1, right ^ 1) ^ 1)

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
                    wanted.add(self._nodes[4 * node + 1] ^ function & 1)
                    wanted.add(self._nodes[4 * node + 2] ^ function & 1)
        for function in sorted(wanted):
            if function > TRUE:
                at, sign = 4 * (function >> 1), function & 1
                yield function, self._nodes[at], self._nodes[at + 1] ^ sign, self._nodes[at + 2] ^ sign

    def compiled(self, root: int) -> Structure:
        """The part of the diagram below one function, ready to be evaluated again and again."""
        last: cython.int = root >> 1
        numbers = array("i", bytes(4 * (last + 1)))
        number: cython.p_int = ints(numbers)
        node: cython.int
        count: cython.int = 0
        number[last] = 1
        for node in range(last, 0, -1):
            if number[node]:
                count += 1
                number[self._nodes[4 * node + 1] >> 1] = 1
                number[self._nodes[4 * node + 2] >> 1] = 1
        variables, lows, highs = (array("i", bytes(4 * (count + 1))) for _ in range(3))
        variable: cython.p_int = ints(variables)
        low: cython.p_int = ints(lows)
        high: cython.p_int = ints(highs)
        number[0] = 0
        count = 0
        for node in range(1, last + 1):
            if number[node]:
                count += 1
                number[node] = count
                variable[count] = self._nodes[4 * node]
                low[count] = number[self._nodes[4 * node + 1] >> 1] << 1  # never a complement
                high[count] = number[self._nodes[4 * node + 2] >> 1] << 1 | self._nodes[4 * node + 2] & 1
        return Structure(variables, lows, highs, number[last] << 1 | root & 1)

    def taken(self, functions: Sequence[int]) -> tuple[Diagram, list[int]]:
        """A diagram of these functions alone, and their numbers in it."""
        last: cython.int = max(functions) >> 1
        numbers = array("i", bytes(4 * (last + 1)))
        number: cython.p_int = ints(numbers)
        node: cython.int
        for function in functions:
            number[function >> 1] = 1
        for node in range(last, 0, -1):
            if number[node]:
                number[self._nodes[4 * node + 1] >> 1] = 1
                number[self._nodes[4 * node + 2] >> 1] = 1
        number[0] = 0
        fresh = Diagram(self._budget)
        low: cython.int
        high: cython.int
        for node in range(1, last + 1):
            if number[node]:
                low = self._nodes[4 * node + 1]
                high = self._nodes[4 * node + 2]
                number[node] = fresh._node(self._nodes[4 * node], number[low >> 1], number[high >> 1] ^ high & 1)
        return fresh, [number[function >> 1] ^ function & 1 for function in functions]

    def pruned(self, function: int, keep: int, up: Sequence[float], down: Sequence[float], *, upward: bool) -> int:
        """A function of about ``keep`` nodes that is implied by this one (``upward``) or implies it.

        Nodes go that matter least: by the probability to come to one, times that of what it would lose there. In their place is
        what is always, or never, true. Source: as the truncation of cut sets, on a diagram; here both ways.
        """
        structure = self.compiled(function)
        if structure.size <= keep:
            return function
        return structure.rebuilt(self, structure.kept(keep, array("d", up), array("d", down), upward), upward)

    # -- inside

    @cython.cfunc
    @cython.exceptval(-1)
    def _one_more(self, function: cython.int, before: cython.int, reached: cython.int) -> cython.int:
        """(function and before) or reached, where reached implies before."""
        at: cython.int = (function >> 1) * 4
        variable: cython.int = self._nodes[at]
        is_literal: cython.bint = self._nodes[at + 1] == 0 and self._nodes[at + 2] == 1
        if is_literal and variable < self._nodes[(before >> 1) * 4] and variable < self._nodes[(reached >> 1) * 4]:
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
            slot = 4 * (_scattered(left, right) & self._done_mask)
            if self._done[slot] == left and self._done[slot + 1] == right:
                return self._done[slot + 2]
        else:
            known = self._conjunctions.get(left << _WIDTH | right)
            if known is not None:
                return known
        at: cython.int = (left >> 1) * 4
        at_right: cython.int = (right >> 1) * 4
        variable: cython.int = self._nodes[at]
        other: cython.int = self._nodes[at_right]
        low: cython.int = left
        high: cython.int = left
        low_of_right: cython.int = right
        high_of_right: cython.int = right
        if variable <= other:
            low = self._nodes[at + 1] ^ left & 1
            high = self._nodes[at + 2] ^ left & 1
        if other <= variable:
            low_of_right = self._nodes[at_right + 1] ^ right & 1
            high_of_right = self._nodes[at_right + 2] ^ right & 1
            variable = other
        low = self._and(low, low_of_right)
        high = self._and(high, high_of_right)
        result: cython.int = self._node(variable, low, high)
        if cython.compiled:
            slot = 4 * (_scattered(left, right) & self._done_mask)  # there may be more of them by now
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
        at: cython.int
        chain: cython.uint = 0
        if cython.compiled:
            chain = _scattered(low + variable * 12582917, high) & self._chain_mask
            node = self._chains[chain]
            while node:
                at = 4 * node
                if self._nodes[at + 2] == high and self._nodes[at + 1] == low and self._nodes[at] == variable:
                    return node << 1 | sign
                node = self._nodes[at + 3]
        else:
            found = self._unique.get((variable << _WIDTH | low) << _WIDTH | high)
            if found is not None:
                return found << 1 | sign
        if self._count >= self._budget:
            raise Overgrown
        node = self._count + 1
        if node >= self._room:
            self._grow()
            chain = _scattered(low + variable * 12582917, high) & self._chain_mask if cython.compiled else 0
        self._count = node
        at = 4 * node
        self._nodes[at] = variable
        self._nodes[at + 1] = low
        self._nodes[at + 2] = high
        if cython.compiled:
            self._nodes[at + 3] = self._chains[chain]
            self._chains[chain] = node
        else:
            self._unique[(variable << _WIDTH | low) << _WIDTH | high] = node
        return node << 1 | sign

    @cython.cfunc
    @cython.exceptval(-1)
    def _grow(self) -> cython.int:
        """Makes room for more nodes, and finds them all again."""
        nodes = self._stores[0]
        node: cython.int
        chain: cython.uint
        more: cython.int = self._room * (_LEAP - 1 if self._room < _LARGE else 1) or _FIRST_ROOM
        nodes.extend(_ZERO * (4 * more))
        self._room += more
        self._nodes = ints(nodes)
        if cython.compiled:
            chains = self._stores[1] = _ZERO * self._room
            self._chains = ints(chains)
            self._chain_mask = self._room - 1
            for node in range(1, self._count + 1):
                chain = (
                    _scattered(self._nodes[4 * node + 1] + self._nodes[4 * node] * 12582917, self._nodes[4 * node + 2]) & self._chain_mask
                )
                self._nodes[4 * node + 3] = self._chains[chain]
                self._chains[chain] = node
            if self._room <= _MOST_REMEMBERED:
                done = self._stores[2] = _ZERO * (4 * self._room)
                self._done = ints(done)
                self._done_mask = self._room - 1
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

    def negated(self) -> Structure:
        """The contrary."""
        return Structure(self._nodes[0], self._nodes[1], self._nodes[2], self._root ^ 1)

    def evaluate(self, up: Sequence[float], down: Sequence[float]) -> tuple[float, float]:
        """P(true) and P(false), given both probabilities of every variable."""
        chances = self._forward(array("d", up), array("d", down))
        return chances[self._root], chances[self._root ^ 1]

    def evaluate_all(self, up: array[float], down: array[float], columns: int) -> tuple[array[float], array[float]]:
        """The same for many columns of numbers; those of one variable stand side by side."""
        all_up, all_down = array("d", bytes(8 * columns)), array("d", bytes(8 * columns))
        count: cython.longlong = len(self._nodes[0])
        width: cython.longlong = _COLUMNS
        chances = array("d", bytes(16 * count * width))
        chance: cython.p_double = doubles(chances)
        ups: cython.p_double = doubles(up)
        downs: cython.p_double = doubles(down)
        holds: cython.p_double = doubles(all_up)
        fails: cython.p_double = doubles(all_down)
        variables: cython.p_int = ints(self._nodes[0])
        lows: cython.p_int = ints(self._nodes[1])
        highs: cython.p_int = ints(self._nodes[2])
        total: cython.longlong = columns
        first: cython.longlong
        column: cython.longlong
        node: cython.longlong
        at: cython.longlong
        low: cython.longlong
        high: cython.longlong
        given: cython.longlong
        other_low: cython.longlong
        other_high: cython.longlong
        here: cython.longlong
        root: cython.longlong = self._root * width
        other_root: cython.longlong = (self._root ^ 1) * width
        for column in range(width):
            chance[width + column] = 1.0
        for first in range(0, total, width):
            here = min(width, total - first)
            for node in range(1, count):
                at = 2 * node * width
                low = lows[node] * width
                high = highs[node] * width
                other_low = (lows[node] ^ 1) * width
                other_high = (highs[node] ^ 1) * width
                given = variables[node] * total + first
                for column in range(here):
                    chance[at + column] = ups[given + column] * chance[high + column] + downs[given + column] * chance[low + column]
                    chance[at + width + column] = (
                        ups[given + column] * chance[other_high + column] + downs[given + column] * chance[other_low + column]
                    )
            for column in range(here):
                holds[first + column] = chance[root + column]
                fails[first + column] = chance[other_root + column]
        return all_up, all_down

    def differentiate(self, up: Sequence[float], down: Sequence[float]) -> tuple[float, float, list[float]]:
        """P(true), P(false), and for each variable P(true | variable) - P(true | not variable).

        The difference is taken on the side where it is smaller. Where the function is monotone every node has one sign, so
        that nothing cancels. Source: Birnbaum 1969.
        """
        all_up, all_down = array("d", up), array("d", down)
        chances = self._forward(all_up, all_down)
        return chances[self._root], chances[self._root ^ 1], self._backward(all_up, all_down, chances).tolist()

    def minimal(self, orders: Sequence[int], falls: Sequence[bool], most: int, *, negated: bool) -> CutSets:
        """The smallest sets of variables that make it true (``negated``: false), those that count for ``most`` together or less.

        ``orders``: what each variable counts for; ``falls``: whether it is its being false that counts. The function must move
        one way with each variable, the way that ``falls`` says. Raises Overgrown.
        """
        return CutSets(self._nodes, self._root ^ (1 if negated else 0), orders, falls, most)

    def kept(self, keep: int, up: array[float], down: array[float], upward: bool) -> array[int]:  # noqa: FBT001
        """For each function, as ``_forward`` numbers them, 1 where it is among the ``keep`` that matter most."""
        chances = self._forward(up, down)
        weights = array("d", bytes(8 * len(chances)))
        weight: cython.p_double = doubles(weights)
        chance: cython.p_double = doubles(chances)
        ups: cython.p_double = doubles(up)
        downs: cython.p_double = doubles(down)
        variables: cython.p_int = ints(self._nodes[0])
        lows: cython.p_int = ints(self._nodes[1])
        highs: cython.p_int = ints(self._nodes[2])
        lost: cython.int = 1 if upward else 0
        function: cython.int
        node: cython.int
        count: cython.int = len(chances)
        weight[self._root] = 1.0
        for function in range(count - 1, 1, -1):
            node = function >> 1
            weight[lows[node] ^ function & 1] += weight[function] * downs[variables[node]]
            weight[highs[node] ^ function & 1] += weight[function] * ups[variables[node]]
        for function in range(2, count):
            weight[function] *= chance[function ^ lost]
        weight[0] = weight[1] = 0.0
        weight[self._root] = 2.0  # more than any
        least: cython.double = sorted(weights, reverse=True)[keep]
        found = array("i", bytes(4 * count))
        is_kept: cython.p_int = ints(found)
        for function in range(2, count):
            is_kept[function] = weight[function] > least
        return found

    def rebuilt(self, diagram: Diagram, kept: array[int], upward: bool) -> int:  # noqa: FBT001
        """The function in a diagram, with a constant in the place of all that is not kept."""
        count: cython.int = 2 * len(self._nodes[0])
        numbers = array("i", bytes(4 * count))
        number: cython.p_int = ints(numbers)
        is_kept: cython.p_int = ints(kept)
        variables: cython.p_int = ints(self._nodes[0])
        lows: cython.p_int = ints(self._nodes[1])
        highs: cython.p_int = ints(self._nodes[2])
        constant: cython.int = 1 if upward else 0
        low: cython.int
        high: cython.int
        function: cython.int
        node: cython.int
        number[1] = 1
        for function in range(2, count):
            node = function >> 1
            number[function] = constant
            if is_kept[function]:
                low = number[lows[node] ^ function & 1]
                high = number[highs[node] ^ function & 1]
                number[function] = diagram._node(variables[node], low, high)
        return number[self._root]

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


class CutSets:
    """Sets of variables as nodes: the sets that lack a variable, and those that hold it, without it.

    Theory. The minimal solutions of f = x g + h are those of h, and x with each of g that none of h is part of. Sets too large to
    matter are never made. Source: Rauzy, New algorithms for fault trees analysis, 1993; Minato, Zero-suppressed BDDs, 1993.
    """

    def __init__(self, structure: list[array[int]], root: int, orders: Sequence[int], falls: Sequence[bool], most: int) -> None:
        self._structure = structure
        self._orders = list(orders)
        self._falls = list(falls)
        self._variables = [1 << 30, 1 << 30]  # 0: no set; 1: the empty set alone
        self._lacking = [0, 1]
        self._holding = [0, 0]
        self._numbers: dict[tuple[int, int, int], int] = {}
        self._of: dict[tuple[int, int], int] = {}
        self._without: dict[tuple[int, int], int] = {}
        self._root = self._minimal(root, most)

    def _minimal(self, function: int, most: int) -> int:
        """The minimal sets of a function of the structure. Calls itself as deep as there are variables."""
        if function <= TRUE:
            return function
        key = (function, most)
        known = self._of.get(key)
        if known is None:
            node = function >> 1
            variable = self._structure[0][node]
            without, with_it = (2, 1) if self._falls[variable] else (1, 2)
            lacking = self._minimal(self._structure[without][node] ^ function & 1, most)
            left = most - self._orders[variable]
            holding = self._minimal(self._structure[with_it][node] ^ function & 1, left) if left >= 0 else 0
            known = self._of[key] = self._node(variable, lacking, self._lean(holding, lacking))
        return known

    def _lean(self, sets: int, others: int) -> int:
        """Those of the sets that hold none of the others."""
        if sets == 0 or others == 0:
            return sets
        if others in (1, sets):
            return 0
        if sets == 1:
            return 0 if self._has_empty(others) else 1
        key = (sets, others)
        known = self._without.get(key)
        if known is None:
            variable, other = self._variables[sets], self._variables[others]
            if variable < other:
                known = self._node(variable, self._lean(self._lacking[sets], others), self._lean(self._holding[sets], others))
            elif other < variable:
                known = self._lean(sets, self._lacking[others])
            else:
                holding = self._lean(self._lean(self._holding[sets], self._holding[others]), self._lacking[others])
                known = self._node(variable, self._lean(self._lacking[sets], self._lacking[others]), holding)
            self._without[key] = known
        return known

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        """Every set, as its variables in ascending order."""
        waiting: list[tuple[int, tuple[int, ...]]] = [(self._root, ())]
        while waiting:
            node, taken = waiting.pop()
            if node == 1:
                yield taken
            elif node:
                waiting.append((self._lacking[node], taken))
                waiting.append((self._holding[node], (*taken, self._variables[node])))

    def _has_empty(self, sets: int) -> bool:
        while sets > 1:
            sets = self._lacking[sets]
        return sets == 1

    def _node(self, variable: int, lacking: int, holding: int) -> int:
        if holding == 0:
            return lacking
        key = (variable, lacking, holding)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._variables)
            if number > _MOST_SETS:
                raise Overgrown
            self._variables.append(variable)
            self._lacking.append(lacking)
            self._holding.append(holding)
        return number
