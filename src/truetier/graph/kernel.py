# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Passes over the dependency graph of a whole fleet; services and components are numbers, edges are arrays.

Theory. Components come out of Tarjan's search callees first, so that every later pass is one ascending loop. What a service
reaches is a set, and sets overlap: only a closure counts each member once. The closure is never stored. It passes by in blocks
of columns (64 services a word), and of each block only weighted sums are kept. Exact compression comes first:
- a node with one caller is reached exactly when that caller is, so its weight rides in the caller's, and it needs no column;
- nobody asks whether a node without callers is reached, so it needs none either;
- nodes whose callees have one row between them share it, and equal sets of callee rows make one row.
The sum of a row begins with that of its largest callee, and only what the others add to it is looked up, four bits at a time.
Sums have non-negative terms only: nothing is ever subtracted, and a rare failure keeps its relative precision. Counts are sums
of powers of two packed into one number, exact below 2 ** 53.
What may go wrong: memory. A block takes rows x width x 8 bytes, and whoever chooses the width chooses that.
Sources: Tarjan, Depth-first search and linear graph algorithms, 1972; Itai and Rodeh, Finding a minimum circuit in a graph,
1978 (a search from each node).
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
    from cython.cimports.truetier.pointers import doubles, ints, longlongs, lowest, room_of_doubles, room_of_ints, room_of_words, words
else:
    from truetier.pointers import doubles, ints, longlongs, lowest, room_of_doubles, room_of_ints, room_of_words, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    Adjacency = tuple[array[int], array[int]]  # where the neighbours of each node begin (and one end), the neighbours
    Packing = tuple[int, int, int]  # bits of a count, counts in a number (which is exact below 2 ** 53), counts

IS_COMPILED = cython.compiled
WORD = 64  # columns


def adjacency(count: int, tails: array[int], heads: array[int]) -> Adjacency:
    """The heads of each tail, each once, in the order they are given in."""
    nodes: cython.int = count
    edges: cython.int = len(tails)
    starts, placed, seen = _numbers(nodes + 1), _numbers(edges), _numbers(nodes)
    start: cython.p_int = ints(starts)
    ahead: cython.p_int = ints(placed)
    last: cython.p_int = ints(seen)
    tail: cython.p_int = ints(tails)
    head: cython.p_int = ints(heads)
    node: cython.int
    edge: cython.int
    begin: cython.int = 0
    end: cython.int
    kept: cython.int = 0
    for edge in range(edges):
        start[tail[edge] + 1] += 1
    for node in range(nodes):
        start[node + 1] += start[node]
        last[node] = start[node]
    for edge in range(edges):
        node = tail[edge]
        ahead[last[node]] = head[edge]
        last[node] += 1
    for node in range(nodes):
        last[node] = 0
    for node in range(nodes):
        end = start[node + 1]
        for edge in range(begin, end):
            if last[ahead[edge]] != node + 1:
                last[ahead[edge]] = node + 1
                ahead[kept] = ahead[edge]
                kept += 1
        start[node + 1] = kept
        begin = end
    del placed[kept:]
    return starts, placed


def reversed_edges(graph: Adjacency) -> Adjacency:
    """The tails of each head, ascending."""
    nodes: cython.int = len(graph[0]) - 1
    edges: cython.int = len(graph[1])
    starts, placed, cursors = _numbers(nodes + 1), _numbers(edges), _numbers(nodes)
    old_start: cython.p_int = ints(graph[0])
    old_ahead: cython.p_int = ints(graph[1])
    start: cython.p_int = ints(starts)
    ahead: cython.p_int = ints(placed)
    cursor: cython.p_int = ints(cursors)
    node: cython.int
    edge: cython.int
    head: cython.int
    for edge in range(edges):
        start[old_ahead[edge] + 1] += 1
    for node in range(nodes):
        start[node + 1] += start[node]
        cursor[node] = start[node]
    for node in range(nodes):
        for edge in range(old_start[node], old_start[node + 1]):
            head = old_ahead[edge]
            ahead[cursor[head]] = node
            cursor[head] += 1
    return starts, placed


def grouped(count: int, of_each: array[int], order: array[int]) -> Adjacency:
    """The members of each group, in an order of all of them."""
    groups: cython.int = count
    nodes: cython.int = len(order)
    starts, placed, cursors = _numbers(groups + 1), _numbers(nodes), _numbers(groups)
    start: cython.p_int = ints(starts)
    inside: cython.p_int = ints(placed)
    cursor: cython.p_int = ints(cursors)
    group_of: cython.p_int = ints(of_each)
    ordered: cython.p_int = ints(order)
    place: cython.int
    group: cython.int
    for place in range(nodes):
        start[group_of[ordered[place]] + 1] += 1
    for group in range(groups):
        start[group + 1] += start[group]
        cursor[group] = start[group]
    for place in range(nodes):
        group = group_of[ordered[place]]
        inside[cursor[group]] = ordered[place]
        cursor[group] += 1
    return starts, placed


def components(graph: Adjacency) -> tuple[array[int], int]:
    """The number of each node's strongly connected component, callees' components first; and how many there are."""
    nodes: cython.int = len(graph[0]) - 1
    of_each = array("i", (-1,)) * nodes
    numbers, lows, cursors, stacked, paths = (_numbers(nodes) for _ in range(5))
    start: cython.p_int = ints(graph[0])
    ahead: cython.p_int = ints(graph[1])
    component: cython.p_int = ints(of_each)
    number: cython.p_int = ints(numbers)  # in the order they are met, from 1
    low: cython.p_int = ints(lows)
    cursor: cython.p_int = ints(cursors)
    stack: cython.p_int = ints(stacked)
    path: cython.p_int = ints(paths)
    root: cython.int
    node: cython.int
    child: cython.int
    member: cython.int
    depth: cython.int
    height: cython.int = 0
    met: cython.int = 0
    found: cython.int = 0
    for root in range(nodes):
        if number[root]:
            continue
        depth = 0
        path[0] = root
        while depth >= 0:
            node = path[depth]
            if number[node] == 0:
                met += 1
                number[node] = met
                low[node] = met
                cursor[node] = start[node]
                stack[height] = node
                height += 1
            if cursor[node] < start[node + 1]:
                child = ahead[cursor[node]]
                cursor[node] += 1
                if number[child] == 0:
                    depth += 1
                    path[depth] = child
                elif component[child] < 0 and number[child] < low[node]:
                    low[node] = number[child]
                continue
            depth -= 1
            if depth >= 0 and low[node] < low[path[depth]]:
                low[path[depth]] = low[node]
            if low[node] == number[node]:
                while True:
                    height -= 1
                    member = stack[height]
                    component[member] = found
                    if member == node:
                        break
                found += 1
    return of_each, found


def consecutive(count: int) -> array[int]:
    """The numbers from 0 on."""
    found = _numbers(count)
    number: cython.p_int = ints(found)
    node: cython.int
    for node in range(len(found)):
        number[node] = node
    return found


def descending(values: array[float]) -> array[int]:
    """The places of some non-negative numbers, the largest first; of equal ones the first place.

    They sort as their bits do, eleven at a time from the lowest on.
    """
    count: cython.int = len(values)
    order, other, buckets = consecutive(count), _numbers(count), _numbers(1 << 11)
    sorted_keys, other_keys = array("Q", values.tobytes()), array("Q", bytes(8 * count))
    old: cython.p_int
    new: cython.p_int
    old_key: cython.p_ulonglong
    new_key: cython.p_ulonglong
    bucket: cython.p_int = ints(buckets)
    place: cython.int
    at: cython.int
    below: cython.int
    digit: cython.int
    shift: cython.int
    for shift in range(0, 66, 11):
        old = ints(order)
        new = ints(other)
        old_key = words(sorted_keys)
        new_key = words(other_keys)
        for digit in range(2048):
            bucket[digit] = 0
        for place in range(count):
            bucket[2047 - (old_key[place] >> shift & 2047)] += 1
        below = 0
        for digit in range(2048):
            at = bucket[digit]
            bucket[digit] = below
            below += at
        for place in range(count):
            digit = 2047 - (old_key[place] >> shift & 2047)
            at = bucket[digit]
            bucket[digit] = at + 1
            new[at] = old[place]
            new_key[at] = old_key[place]
        order, other, sorted_keys, other_keys = other, order, other_keys, sorted_keys
    return order


def ranks(order: array[int]) -> array[int]:
    """The place of each number in an order of all of them."""
    found = _numbers(len(order))
    rank: cython.p_int = ints(found)
    ordered: cython.p_int = ints(order)
    place: cython.int
    for place in range(len(found)):
        rank[ordered[place]] = place
    return found


def preorder(graph: Adjacency) -> array[int]:
    """All nodes in the order in which they are met, from the first on: each before what it leads to, all that before the next."""
    nodes: cython.int = len(graph[0]) - 1
    found, seen, waiting = _numbers(nodes), _numbers(nodes), _numbers(len(graph[1]) + 1)
    start: cython.p_int = ints(graph[0])
    ahead: cython.p_int = ints(graph[1])
    order: cython.p_int = ints(found)
    is_seen: cython.p_int = ints(seen)
    stack: cython.p_int = ints(waiting)
    root: cython.int
    node: cython.int
    edge: cython.int
    height: cython.int
    count: cython.int = 0
    for root in range(nodes):
        height = 1
        stack[0] = root
        while height:
            height -= 1
            node = stack[height]
            if is_seen[node]:
                continue
            is_seen[node] = 1
            order[count] = node
            count += 1
            for edge in range(start[node + 1] - 1, start[node] - 1, -1):
                if is_seen[ahead[edge]] == 0:
                    stack[height] = ahead[edge]
                    height += 1
    return found


def cyclic(graph: Adjacency, members: Adjacency) -> list[int]:
    """The components with more than one member, or whose member leads to itself."""
    groups: cython.int = len(members[0]) - 1
    start: cython.p_int = ints(graph[0])
    ahead: cython.p_int = ints(graph[1])
    member_start: cython.p_int = ints(members[0])
    inside: cython.p_int = ints(members[1])
    group: cython.int
    node: cython.int
    edge: cython.int
    found: list[int] = []
    for group in range(groups):
        if member_start[group + 1] - member_start[group] > 1:
            found.append(group)
            continue
        node = inside[member_start[group]]
        for edge in range(start[node], start[node + 1]):
            if ahead[edge] == node:
                found.append(group)
                break
    return found


def condensed(graph: Adjacency, of_each: array[int], members: Adjacency) -> Adjacency:
    """The same between components: callees have smaller numbers than their callers."""
    groups: cython.int = len(members[0]) - 1
    starts, placed, seen = _numbers(groups + 1), _numbers(len(graph[1])), _numbers(groups)
    old_start: cython.p_int = ints(graph[0])
    old_ahead: cython.p_int = ints(graph[1])
    member_start: cython.p_int = ints(members[0])
    inside: cython.p_int = ints(members[1])
    component: cython.p_int = ints(of_each)
    start: cython.p_int = ints(starts)
    ahead: cython.p_int = ints(placed)
    last: cython.p_int = ints(seen)
    group: cython.int
    child: cython.int
    place: cython.int
    edge: cython.int
    kept: cython.int = 0
    for group in range(groups):
        for place in range(member_start[group], member_start[group + 1]):
            for edge in range(old_start[inside[place]], old_start[inside[place] + 1]):
                child = component[old_ahead[edge]]
                if child != group and last[child] != group + 1:
                    last[child] = group + 1
                    ahead[kept] = child
                    kept += 1
        start[group + 1] = kept
    del placed[kept:]
    return starts, placed


@cython.final
@cython.cclass
class Cycles:
    """Searches for shortest cycles, one component after the other."""

    _kept: list[array[int]]
    _start: cython.p_int
    _ahead: cython.p_int
    _back_start: cython.p_int
    _behind: cython.p_int
    _component: cython.p_int
    _out: cython.p_int  # edges to members not taken out
    _in: cython.p_int
    _gone: cython.p_int
    _seen: cython.p_int  # the search that met the node last
    _came: cython.p_int
    _queue: cython.p_int
    _idle: cython.p_int
    _searches: cython.int

    def __init__(self, graph: Adjacency, callers: Adjacency, of_each: array[int]) -> None:
        nodes = len(of_each)
        self._kept = [*graph, *callers, of_each, *(_numbers(nodes) for _ in range(6)), _numbers(nodes + 1)]
        start, ahead, back_start, behind, component, outs, ins, gone, seen, came, queue, idle = self._kept
        self._start = ints(start)
        self._ahead = ints(ahead)
        self._back_start = ints(back_start)
        self._behind = ints(behind)
        self._component = ints(component)
        self._out = ints(outs)
        self._in = ints(ins)
        self._gone = ints(gone)
        self._seen = ints(seen)
        self._came = ints(came)
        self._queue = ints(queue)
        self._idle = ints(idle)
        self._searches = 0

    def shortest(self, members: array[int], scans: int) -> tuple[list[int], bool]:
        """A shortest cycle inside one component, and whether it is sure that none is shorter; its last node leads to its first.

        A search starts from each member and is cut at the best length so far; then the member is taken out, and with it whatever
        lies on no cycle any more, which makes a ring linear. ``scans`` limits the edges looked at.
        """
        best = self._at_sight(members)
        if best:
            return best, True
        left: cython.longlong = scans
        node: cython.int
        start: cython.int
        place: cython.int
        edge: cython.int
        child: cython.int
        begin: cython.int
        end: cython.int
        filled: cython.int
        length: cython.int
        shortest: cython.int = len(members) + 1
        closing: cython.int
        for start in members:
            if self._gone[start]:
                continue
            if left < 0:
                return best, False
            self._searches += 1
            self._seen[start] = self._searches
            self._queue[0] = start
            begin = 0
            end = filled = length = 1
            closing = -1
            while begin < end and length < shortest and closing < 0:
                for place in range(begin, end):
                    node = self._queue[place]
                    left -= self._start[node + 1] - self._start[node]
                    for edge in range(self._start[node], self._start[node + 1]):
                        child = self._ahead[edge]
                        if child == start:
                            closing = node
                            break
                        if (
                            self._seen[child] != self._searches
                            and self._component[child] == self._component[start]
                            and not self._gone[child]
                        ):
                            self._seen[child] = self._searches
                            self._came[child] = node
                            self._queue[filled] = child
                            filled += 1
                    if closing >= 0:
                        break
                if closing < 0:
                    begin = end
                    end = filled
                    length += 1
            if closing >= 0:
                shortest = length
                best = [closing]
                while closing != start:
                    closing = self._came[closing]
                    best.append(closing)
                best.reverse()
            self._take_out(start)
        return best, True

    @cython.cfunc
    def _at_sight(self, members: array[int]) -> list[int]:
        """A cycle of one or two nodes: most real components hold one. Counts the edges inside on the way."""
        loop: list[int] = []
        pair: list[int] = []
        node: cython.int
        edge: cython.int
        other: cython.int
        for node in members:
            self._searches += 1
            for edge in range(self._start[node], self._start[node + 1]):
                other = self._ahead[edge]
                if other == node:
                    loop = loop or [node]
                elif self._component[other] == self._component[node]:
                    self._seen[other] = self._searches
                    self._out[node] += 1
                    self._in[other] += 1
            if not pair:
                for edge in range(self._back_start[node], self._back_start[node + 1]):
                    other = self._behind[edge]
                    if other != node and self._seen[other] == self._searches:
                        pair = [node, other]
                        break
        return loop or pair

    @cython.cfunc
    @cython.exceptval(-1)
    def _take_out(self, start: cython.int) -> cython.int:
        """Removes a node, and every other that lies on no cycle without it for want of a way in or out."""
        node: cython.int
        other: cython.int
        edge: cython.int
        waiting: cython.int = 1
        self._idle[0] = start
        self._gone[start] = 1
        while waiting:
            waiting -= 1
            node = self._idle[waiting]
            for edge in range(self._start[node], self._start[node + 1]):
                other = self._ahead[edge]
                if self._component[other] == self._component[node] and not self._gone[other]:
                    self._in[other] -= 1
                    if self._in[other] == 0:
                        self._gone[other] = 1
                        self._idle[waiting] = other
                        waiting += 1
            for edge in range(self._back_start[node], self._back_start[node + 1]):
                other = self._behind[edge]
                if self._component[other] == self._component[node] and not self._gone[other]:
                    self._out[other] -= 1
                    if self._out[other] == 0:
                        self._gone[other] = 1
                        self._idle[waiting] = other
                        waiting += 1
        return 0


@cython.final
@cython.cclass
class Closure:
    """Sums over everything that each node of an acyclic graph reaches, itself included; callees have the smaller numbers."""

    _kept: list[array[int]]
    _nodes: cython.int
    _rows: cython.int  # row 0 reaches nothing
    _columns: cython.int
    _row_of: cython.p_int
    _bundle_of: cython.p_int  # the caller whose weight carries the node's, or -1
    _has_column: cython.p_int
    _column_of: cython.p_int  # of a row, or -1
    _row_of_column: cython.p_int
    _node_of_column: cython.p_int
    _start: cython.p_int
    _below: cython.p_int  # rows that a row is made of
    _back_start: cython.p_int
    _above: cython.p_int

    def __init__(self, graph: Adjacency) -> None:
        nodes: cython.int = len(graph[0]) - 1
        edges = len(graph[1])
        rows_of, bundles, columns_of = _numbers(nodes), array("i", (-1,)) * nodes, _numbers(nodes + 1)
        rows_of_columns, nodes_of_columns, has_columns = _numbers(nodes), _numbers(nodes), _numbers(nodes)
        starts, placed = _numbers(nodes + 2), _numbers(edges)
        callers, seen, following = _numbers(nodes), _numbers(nodes + 1), _numbers(nodes + 1)
        mask: cython.longlong = 1
        while mask < nodes:
            mask *= 2
        chains = _numbers(mask)
        mask -= 1
        old_start: cython.p_int = ints(graph[0])
        ahead: cython.p_int = ints(graph[1])
        row_of: cython.p_int = ints(rows_of)
        bundle_of: cython.p_int = ints(bundles)
        column_of: cython.p_int = ints(columns_of)
        row_of_column: cython.p_int = ints(rows_of_columns)
        node_of_column: cython.p_int = ints(nodes_of_columns)
        has_column: cython.p_int = ints(has_columns)
        start: cython.p_int = ints(starts)
        below: cython.p_int = ints(placed)
        caller_count: cython.p_int = ints(callers)
        last: cython.p_int = ints(seen)
        next_alike: cython.p_int = ints(following)
        chain: cython.p_int = ints(chains)
        node: cython.int
        row: cython.int
        other: cython.int
        edge: cython.int
        end: cython.int
        count: cython.int = 1
        column_count: cython.int = 0
        scattered: cython.longlong
        spread: cython.longlong = 1640531527
        for node in range(nodes):
            for edge in range(old_start[node], old_start[node + 1]):
                caller_count[ahead[edge]] += 1
                bundle_of[ahead[edge]] = node
        column_of[0] = -1
        for node in range(nodes):
            end = start[count]
            scattered = 0
            for edge in range(old_start[node], old_start[node + 1]):
                row = row_of[ahead[edge]]
                if row and last[row] != node + 1:
                    last[row] = node + 1
                    below[end] = row
                    end += 1
                    scattered = (scattered + row * spread) & 0x7FFFFFFF
            if caller_count[node] > 1:
                bundle_of[node] = -1
                column_of[count] = column_count
                row_of_column[column_count] = count
                node_of_column[column_count] = node
                has_column[node] = 1
                column_count += 1
            elif end - start[count] < 2:
                row_of[node] = below[start[count]] if end > start[count] else 0
                continue
            else:
                scattered = (scattered ^ scattered >> 15) & mask
                other = chain[scattered]
                while other and not _are_alike(start, below, last, other, end - start[count], node + 1):
                    other = next_alike[other]
                if other:
                    row_of[node] = other
                    continue
                next_alike[count] = chain[scattered]
                chain[scattered] = count
                column_of[count] = -1
            row_of[node] = count
            count += 1
            start[count] = end
        del placed[start[count] :], starts[count + 1 :]
        back_starts, above = reversed_edges((starts, placed))
        self._kept = [rows_of, bundles, columns_of, rows_of_columns, nodes_of_columns, has_columns, starts, placed, back_starts, above]
        self._nodes = nodes
        self._rows = count
        self._columns = column_count
        self._row_of = row_of
        self._bundle_of = bundle_of
        self._column_of = column_of
        self._row_of_column = row_of_column
        self._node_of_column = node_of_column
        self._has_column = has_column
        self._start = ints(starts)
        self._below = ints(placed)
        self._back_start = ints(back_starts)
        self._above = ints(above)

    @property
    def nodes(self) -> int:
        """Nodes of the graph."""
        return self._nodes

    @property
    def rows(self) -> int:
        """Different sets there are."""
        return self._rows

    @property
    def columns(self) -> int:
        """Nodes that these sets tell apart."""
        return self._columns

    def bundled(self, weights: array[float], vectors: int) -> array[float]:
        """The weights of each node, one of each vector, with those that ride along."""
        found = weights[:]
        bundle: cython.p_double = doubles(found)
        each: cython.longlong = vectors
        node: cython.longlong
        vector: cython.longlong
        carrier: cython.longlong
        for node in range(self._nodes):
            carrier = self._bundle_of[node]
            if carrier >= 0:
                for vector in range(each):
                    bundle[carrier * each + vector] += bundle[node * each + vector]
        return found

    def counted(self, weights: array[float], vectors: int) -> array[float]:
        """The weights of each row: what the nodes that share it have together."""
        found = _sums(self._rows * vectors)
        row: cython.p_double = doubles(found)
        weight: cython.p_double = doubles(weights)
        each: cython.longlong = vectors
        node: cython.longlong
        vector: cython.longlong
        for node in range(self._nodes):
            for vector in range(each):
                row[self._row_of[node] * each + vector] += weight[node * each + vector]
        return found

    def block_sums(
        self, bundles: array[float], vectors: int, counts: array[float], kinds_counted: int, width: int, begin: int, step: int
    ) -> tuple[array[float], array[float]]:
        """Sums over every so many blocks: of each row over its columns, and of each of these columns over the rows that have it.

        A block is ``width`` words of columns. Other threads can do other blocks at the same time. What the sum of a row is made
        of, backwards, is what it adds to its columns: to those of the row it began with, and to those that were looked up.
        """
        each: cython.longlong = vectors
        wide: cython.longlong = width
        back: cython.longlong = kinds_counted
        count: cython.longlong = self._rows
        totals, tables = _sums(count * each), _sums(wide * WORD * 4 * each)
        column_totals, back_tables = _sums(self._columns * back), _sums(wide * WORD * 4 * back)
        bases, owed_slots = bytearray(4 * (count + 1)), bytearray(8 * (count + 1) * back)
        slots, distincts, due_rows, visits = _numbers(count), _numbers(count), _numbers(count), array("q", bytes(8 * (count + 1)))
        # of these only what is used ever takes memory
        stored, within_slots = bytearray(8 * (count + 1) * wide), bytearray(8 * (count + 1) * each)
        flags = bytearray(8 * (count // WORD + 1))
        total: cython.p_double = doubles(totals)
        bundle: cython.p_double = doubles(bundles)
        table: cython.p_double = doubles(tables)
        within: cython.p_double = room_of_doubles(within_slots)
        column_total: cython.p_double = doubles(column_totals)
        row_count: cython.p_double = doubles(counts)
        back_table: cython.p_double = doubles(back_tables)
        owed: cython.p_double = room_of_doubles(owed_slots)  # what the rows that began with a slot's have together
        base_of: cython.p_int = room_of_ints(bases)
        store: cython.p_ulonglong = room_of_words(stored)
        due: cython.p_ulonglong = room_of_words(flags)
        slot_of: cython.p_int = ints(slots)  # where the words of a row are; rows that are equal in a block share them; 0: nothing
        visited: cython.p_longlong = longlongs(visits)
        distinct: cython.p_int = ints(distincts)
        visited_row: cython.p_int = ints(due_rows)
        start: cython.p_int = self._start
        below: cython.p_int = self._below
        back_start: cython.p_int = self._back_start
        above: cython.p_int = self._above
        column_of: cython.p_int = self._column_of
        row_of_column: cython.p_int = self._row_of_column
        node_of_column: cython.p_int = self._node_of_column
        columns: cython.longlong = self._columns
        low: cython.longlong = begin * wide * WORD
        stride: cython.longlong = step * wide * WORD
        high: cython.longlong
        column: cython.longlong
        row: cython.longlong
        at: cython.longlong
        other: cython.longlong
        word: cython.longlong
        entry: cython.longlong
        vector: cython.longlong
        slot: cython.longlong
        base: cython.longlong
        used: cython.longlong
        rows_seen: cython.longlong
        visit: cython.longlong = 0
        chunk: cython.longlong
        chunks: cython.longlong = (count + 63) >> 6
        place: cython.int
        bit: cython.int
        best: cython.int
        kinds: cython.int
        is_new: cython.bint
        one: cython.ulonglong = 1
        pending: cython.ulonglong
        bits: cython.ulonglong
        value: cython.ulonglong
        with cython.nogil:
            while low < columns:
                high = min(low + wide * 64, columns)
                # the sums of every subset of four columns
                for column in range(wide * 64):
                    at = (column >> 2 << 4) * each
                    entry = 1 << (column & 3)
                    for other in range(entry * each):
                        table[at + entry * each + other] = table[at + other]
                    if low + column < high:
                        row = row_of_column[low + column]
                        due[row >> 6] |= one << (row & 63)
                        row = node_of_column[low + column]
                        for other in range(entry, 2 * entry):
                            for vector in range(each):
                                table[at + other * each + vector] += bundle[row * each + vector]
                used = 0
                rows_seen = 0
                for chunk in range(row_of_column[low] >> 6, chunks):
                    pending = due[chunk]
                    while pending:
                        bit = lowest(pending)
                        row = (chunk << 6) + bit
                        # the sets it is made of, each once, and the largest of them
                        visit += 1
                        kinds = 0
                        best = 0
                        for place in range(start[row], start[row + 1]):
                            slot = slot_of[below[place]]
                            if slot and visited[slot] != visit:
                                visited[slot] = visit
                                distinct[kinds] = slot
                                if kinds and within[slot * each] > within[distinct[best] * each]:
                                    best = kinds
                                kinds += 1
                        column = column_of[row] - low
                        base = distinct[best] if kinds else 0
                        slot = base
                        if kinds > 1 or 0 <= column < high - low:
                            at = (used + 1) * wide
                            base *= wide
                            for word in range(wide):
                                store[at + word] = store[base + word]
                            for place in range(kinds):
                                if place != best:
                                    other = distinct[place] * wide
                                    for word in range(wide):
                                        store[at + word] |= store[other + word]
                            if 0 <= column < high - low:
                                store[at + (column >> 6)] |= one << (column & 63)
                            is_new = False
                            for word in range(wide):
                                bits = store[at + word] & ~store[base + word]
                                if bits and not is_new:
                                    is_new = True
                                    used += 1
                                    for vector in range(each):
                                        within[used * each + vector] = within[slot * each + vector]
                                    for vector in range(back):
                                        owed[used * back + vector] = 0.0
                                    base_of[used] = slot
                                    slot = used
                                while bits:
                                    place = lowest(bits) >> 2 << 2
                                    value = bits >> place & 15
                                    bits ^= value << place
                                    entry = ((word << 4 | place >> 2) << 4 | value) * each
                                    for vector in range(each):
                                        within[slot * each + vector] += table[entry + vector]
                        slot_of[row] = slot
                        visited_row[rows_seen] = row
                        rows_seen += 1
                        for vector in range(each):
                            total[row * each + vector] += within[slot * each + vector]
                        for vector in range(back):
                            owed[slot * back + vector] += row_count[row * back + vector]
                        for place in range(back_start[row], back_start[row + 1]):
                            due[above[place] >> 6] |= one << (above[place] & 63)
                        pending = due[chunk] >> bit >> 1 << bit << 1
                    due[chunk] = 0
                for entry in range(rows_seen):
                    slot_of[visited_row[entry]] = 0
                if back:
                    for entry in range(wide * 256 * back):
                        back_table[entry] = 0.0
                    for slot in range(used, 0, -1):
                        base = base_of[slot]
                        for vector in range(back):
                            owed[base * back + vector] += owed[slot * back + vector]
                        for word in range(wide):
                            bits = store[slot * wide + word] & ~store[base * wide + word]
                            while bits:
                                place = lowest(bits) >> 2 << 2
                                value = bits >> place & 15
                                bits ^= value << place
                                entry = ((word << 4 | place >> 2) << 4 | value) * back
                                for vector in range(back):
                                    back_table[entry + vector] += owed[slot * back + vector]
                    for column in range(high - low):
                        at = (low + column) * back
                        for entry in range(16):
                            if entry >> (column & 3) & 1:
                                other = ((column >> 2) << 4 | entry) * back
                                for vector in range(back):
                                    column_total[at + vector] += back_table[other + vector]
                low += stride
        return totals, column_totals

    def caller_sums(self, weights: array[float], vectors: int, parts: Sequence[array[float]]) -> array[float]:
        """The sums over everything that reaches each node, itself included, from those of all columns."""
        each: cython.longlong = vectors
        found = weights[:]
        result: cython.p_double = doubles(found)
        part: cython.p_double
        column: cython.longlong
        node: cython.longlong
        vector: cython.longlong
        for column in range(self._columns):
            for vector in range(each):
                result[self._node_of_column[column] * each + vector] = 0.0
        for sums in parts:
            part = doubles(sums)
            for column in range(self._columns):
                for vector in range(each):
                    result[self._node_of_column[column] * each + vector] += part[column * each + vector]
        for node in range(self._nodes - 1, -1, -1):
            if self._bundle_of[node] >= 0:
                for vector in range(each):
                    result[node * each + vector] += result[self._bundle_of[node] * each + vector]
        return found

    def node_sums(self, bundles: array[float], vectors: int, parts: Sequence[array[float]]) -> array[float]:
        """The sums of each node, from what its row adds up to in all blocks."""
        each: cython.longlong = vectors
        found = _sums(self._nodes * each)
        result: cython.p_double = doubles(found)
        bundle: cython.p_double = doubles(bundles)
        part: cython.p_double
        node: cython.longlong
        row: cython.longlong
        vector: cython.longlong
        for sums in parts:
            part = doubles(sums)
            for node in range(self._nodes):
                row = self._row_of[node]
                for vector in range(each):
                    result[node * each + vector] += part[row * each + vector]
        for node in range(self._nodes):
            if not self._has_column[node]:
                for vector in range(each):
                    result[node * each + vector] += bundle[node * each + vector]
        return found


def leading(graph: Adjacency, members: Adjacency, ranks: array[int], most: int) -> array[int]:
    """The smallest ranks of everything that each component of an acyclic graph reaches, at most so many, ascending; then -1.

    ``members`` lists those of a component by rank. A list is merged from the lists of the callees, which is exact: what is
    among the first of a set is among the first of each part that holds it.
    """
    nodes: cython.longlong = len(graph[0]) - 1
    limit: cython.longlong = most
    found = array("i", (-1,)) * (nodes * limit)
    first: cython.p_int = ints(found)
    start: cython.p_int = ints(graph[0])
    ahead: cython.p_int = ints(graph[1])
    member_start: cython.p_int = ints(members[0])
    inside: cython.p_int = ints(members[1])
    rank_of: cython.p_int = ints(ranks)
    node: cython.longlong
    at: cython.longlong
    other: cython.longlong
    edge: cython.longlong
    place: cython.longlong
    behind: cython.longlong
    index: cython.longlong
    filled: cython.longlong
    rank: cython.int
    for node in range(nodes):
        at = node * limit
        filled = min(limit, member_start[node + 1] - member_start[node])
        for place in range(filled):
            first[at + place] = rank_of[inside[member_start[node] + place]]
        for edge in range(start[node], start[node + 1]):
            other = ahead[edge] * limit
            for index in range(limit):
                rank = first[other + index]
                if rank < 0 or (filled == limit and rank > first[at + limit - 1]):
                    break
                place = filled
                while place and first[at + place - 1] > rank:
                    place -= 1
                if place and first[at + place - 1] == rank:
                    continue
                if filled < limit:
                    filled += 1
                for behind in range(filled - 1, place, -1):
                    first[at + behind] = first[at + behind - 1]
                first[at + place] = rank
    return found


def highest(graph: Adjacency, of_each: array[int], levels: array[int]) -> array[int]:
    """For each node the largest level among everything that its component reaches, itself included."""
    groups: cython.int = len(graph[0]) - 1
    nodes: cython.int = len(of_each)
    highs, found = array("i", (-1,)) * groups, _numbers(nodes)
    high: cython.p_int = ints(highs)
    result: cython.p_int = ints(found)
    start: cython.p_int = ints(graph[0])
    ahead: cython.p_int = ints(graph[1])
    component: cython.p_int = ints(of_each)
    level: cython.p_int = ints(levels)
    node: cython.int
    edge: cython.int
    for node in range(nodes):
        high[component[node]] = max(high[component[node]], level[node])
    for node in range(groups):
        for edge in range(start[node], start[node + 1]):
            high[node] = max(high[node], high[ahead[edge]])
    for node in range(nodes):
        result[node] = high[component[node]]
    return found


def worse_edges(graph: Adjacency, levels: array[int]) -> list[tuple[int, int]]:
    """The edges from a node to one of a higher level; a negative level is none."""
    start: cython.p_int = ints(graph[0])
    ahead: cython.p_int = ints(graph[1])
    level: cython.p_int = ints(levels)
    node: cython.int
    edge: cython.int
    found: list[tuple[int, int]] = []
    for node in range(len(graph[0]) - 1):
        if level[node] >= 0:
            for edge in range(start[node], start[node + 1]):
                if level[ahead[edge]] > level[node]:
                    found.append((node, ahead[edge]))  # noqa: PERF401 - a loop of C
    return found


def nearest(callers: Adjacency, levels: array[int], level: int) -> tuple[array[int], array[int]]:
    """How many edges every node is from a node of at least some level, and the first step of a shortest path there; -1: no path."""
    nodes: cython.int = len(callers[0]) - 1
    distances, steps, queued = array("i", (-1,)) * nodes, array("i", (-1,)) * nodes, _numbers(nodes)
    start: cython.p_int = ints(callers[0])
    behind: cython.p_int = ints(callers[1])
    distance: cython.p_int = ints(distances)
    step: cython.p_int = ints(steps)
    queue: cython.p_int = ints(queued)
    own: cython.p_int = ints(levels)
    least: cython.int = level
    node: cython.int
    caller: cython.int
    edge: cython.int
    place: cython.int = 0
    filled: cython.int = 0
    for node in range(nodes):
        if own[node] >= least:
            distance[node] = 0
            queue[filled] = node
            filled += 1
    while place < filled:
        node = queue[place]
        place += 1
        for edge in range(start[node], start[node + 1]):
            caller = behind[edge]
            if distance[caller] < 0:
                distance[caller] = distance[node] + 1
                step[caller] = node
                queue[filled] = caller
                filled += 1
    return distances, steps


def reached(graph: Adjacency, origins: array[int]) -> array[int]:
    """Some nodes and everything they reach, the nearest first."""
    nodes = len(graph[0]) - 1
    marked, queued = bytearray(4 * nodes), bytearray(4 * nodes)  # most of it is never touched
    mark: cython.p_int = room_of_ints(marked)
    queue: cython.p_int = room_of_ints(queued)
    start: cython.p_int = ints(graph[0])
    ahead: cython.p_int = ints(graph[1])
    node: cython.int
    edge: cython.int
    place: cython.int = 0
    filled: cython.int = 0
    for node in origins:
        if not mark[node]:
            mark[node] = 1
            queue[filled] = node
            filled += 1
    while place < filled:
        node = queue[place]
        place += 1
        for edge in range(start[node], start[node + 1]):
            if not mark[ahead[edge]]:
                mark[ahead[edge]] = 1
                queue[filled] = ahead[edge]
                filled += 1
    return array("i", memoryview(queued)[: 4 * filled].tobytes())


def restricted(graph: Adjacency, nodes: array[int]) -> Adjacency:
    """The graph of some nodes that need no others, numbered by their places."""
    count: cython.int = len(nodes)
    starts, numbers = _numbers(count + 1), bytearray(4 * (len(graph[0]) - 1))
    number: cython.p_int = room_of_ints(numbers)
    start: cython.p_int = ints(starts)
    old_start: cython.p_int = ints(graph[0])
    old_ahead: cython.p_int = ints(graph[1])
    chosen: cython.p_int = ints(nodes)
    place: cython.int
    edge: cython.int
    kept: cython.int = 0
    for place in range(count):
        number[chosen[place]] = place
        start[place + 1] = start[place] + old_start[chosen[place] + 1] - old_start[chosen[place]]
    placed = _numbers(start[count])
    ahead: cython.p_int = ints(placed)
    for place in range(count):
        for edge in range(old_start[chosen[place]], old_start[chosen[place] + 1]):
            ahead[kept] = number[old_ahead[edge]]
            kept += 1
    return starts, placed


def insert_edge(graph: Adjacency, tail: int, head: int) -> None:
    """Puts one more edge behind those of its tail."""
    graph[1].insert(graph[0][tail + 1], head)
    _shift(graph[0], tail, 1)


def remove_edge(graph: Adjacency, tail: int, head: int) -> None:
    """Takes an edge away that is there."""
    del graph[1][graph[1].index(head, graph[0][tail])]
    _shift(graph[0], tail, -1)


@cython.cfunc
@cython.exceptval(-1)
def _shift(starts: array[int], tail: cython.int, by: cython.int) -> cython.int:
    start: cython.p_int = ints(starts)
    node: cython.int
    for node in range(tail + 1, len(starts)):
        start[node] += by
    return 0


def shift_sums(nodes: array[int], sums: array[float], errors: array[float], by: float, most: float) -> array[int]:
    """Adds to the sums of some nodes. Gives those whose sum may be wrong by more than that part of it, and what it may be to the rest."""
    found = array("i")
    node: cython.int
    total: cython.p_double = doubles(sums)
    error: cython.p_double = doubles(errors)
    change: cython.double = by
    limit: cython.double = most
    rounding: cython.double = 2.0**-52
    for node in nodes:
        total[node] += change
        error[node] += rounding * total[node]
        if not error[node] <= limit * total[node]:
            found.append(node)
    return found


def vectors_of(of_each: array[int], groups: int, sums: Sequence[array[float]], slots: array[int], packing: Packing) -> array[float]:
    """What to sum for each component: its members' part of each sum, then numbers that hold counts of its members by slot."""
    bits, packed, slot_count = packing
    counts = -(-slot_count // packed)
    each: cython.longlong = len(sums) + counts
    found = _sums(groups * each)
    result: cython.p_double = doubles(found)
    weight: cython.p_double
    component: cython.p_int = ints(of_each)
    slot: cython.p_int = ints(slots)
    node: cython.longlong
    vector: cython.longlong
    nodes: cython.longlong = len(of_each)
    units = array("d", [2.0 ** (bits * (place % packed)) for place in range(packed * counts)])
    unit: cython.p_double = doubles(units)
    behind: cython.longlong = len(sums)
    for vector, weights in enumerate(sums):
        weight = doubles(weights)
        for node in range(nodes):
            result[component[node] * each + vector] += weight[node]
    if counts:
        places = array("i", [place // packed for place in range(packed * counts)])
        place_of: cython.p_int = ints(places)
        for node in range(nodes):
            result[component[node] * each + behind + place_of[slot[node]]] += unit[slot[node]]
    return found


def sum_of_each(of_each: array[int], totals: array[float], vectors: int, vector: int) -> array[float]:
    """One of the sums, for each node that of its component."""
    found = _sums(len(of_each))
    result: cython.p_double = doubles(found)
    total: cython.p_double = doubles(totals)
    component: cython.p_int = ints(of_each)
    each: cython.longlong = vectors
    which: cython.longlong = vector
    node: cython.longlong
    for node in range(len(of_each)):
        result[node] = total[component[node] * each + which]
    return found


def counts_of_each(of_each: array[int], totals: array[float], vectors: int, packing: Packing) -> tuple[list[array[int]], array[int]]:
    """For each node the counts of its component, which are packed into the last of the sums; and all of them together."""
    bits, packed, slots = packing
    begin = vectors - -(-slots // packed)
    nodes: cython.longlong = len(of_each)
    together = _numbers(nodes)
    found = [_numbers(nodes) for _ in range(slots)]
    result: cython.p_int
    all_of: cython.p_int = ints(together)
    total: cython.p_double = doubles(totals)
    component: cython.p_int = ints(of_each)
    each: cython.longlong = vectors
    which: cython.longlong
    shift: cython.longlong
    mask: cython.longlong = 2**bits - 1
    node: cython.longlong
    for slot in range(slots):
        result = ints(found[slot])
        which = begin + slot // packed
        shift = bits * (slot % packed)
        for node in range(nodes):
            result[node] = cython.cast(cython.longlong, total[component[node] * each + which]) >> shift & mask
            all_of[node] += result[node]
    return found, together


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def _are_alike(
    start: cython.p_int, below: cython.p_int, last: cython.p_int, row: cython.int, count: cython.int, mark: cython.int
) -> cython.bint:
    """Whether a row is made of exactly so many rows with a mark."""
    if start[row + 1] - start[row] != count:
        return False
    place: cython.int
    for place in range(start[row], start[row + 1]):  # noqa: SIM110 - a loop of C
        if last[below[place]] != mark:
            return False
    return True


def _numbers(count: int) -> array[int]:
    return array("i", bytes(4 * count))


def _sums(count: int) -> array[float]:
    return array("d", bytes(8 * count))
