# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Years of a fleet, one after another: components fail and are repaired, and every subject is down as its formula says.

Theory. A component that is up fails at a constant rate, so the failures of all components together are one Poisson process:
the time to the next is drawn, then which component it is; one that is down already is passed over, which thins the process
to the right rate. Only outages that last are kept in a heap, a handful at any time, and nothing is ever sorted. A component
whose gaps are shorter than its outages would be passed over most of the time; its failures are drawn one by one instead.
A subject that is a series of components needs no more than the time until which it is down: failures come in order, and each
reaches beyond that time or does not. Other formulas are counters: of each set how many of its signals fail, of each threshold
how many of its sets do. A change touches what it changes, thresholds in ascending order, so that each is looked at once.
Every year starts in the stationary state and has a stream of random numbers of its own, given by seed and year: years are
independent of each other, and a longer run begins with the shorter one.
Sources: alternating renewal and its stationary start, Ross, Introduction to Probability Models, 7.5; thinning, Lewis and
Shedler 1979; choice of one of many, Walker 1977; xoshiro256++ and splitmix64, Blackman and Vigna 2021.
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
    from cython.cimports.libc.math import cos, exp, log, sqrt
    from cython.cimports.truetier.pointers import doubles, ints
else:
    from math import cos, exp, log, sqrt

    from truetier.pointers import doubles, ints

if TYPE_CHECKING:
    from truetier.availability.simulation.network import Network

IS_COMPILED = cython.compiled
_MASK = (1 << 64) - 1  # numbers wrap by themselves where compiled
_EXPONENTIAL = cython.declare(cython.int, 0)
_FIXED = cython.declare(cython.int, 2)
_SPREAD = cython.declare(cython.double, 1.0)  # standard deviation of the logarithm of a lognormal length
_MONTHS = cython.declare(cython.int, 12)  # of 30 days, in a year of 365
_MONTH = cython.declare(cython.double, 43_200.0)
_YEAR = cython.declare(cython.double, 525_600.0)
_NEVER = cython.declare(cython.double, 1e300)
_UNIT = cython.declare(cython.double, 2.0**-53)
_HALF_UNIT = cython.declare(cython.double, 2.0**-32)
_TAIL = cython.declare(cython.double, 7.69711747013104972)  # of the ziggurat's lowest of 256 layers
_AREA = 0.0039496598225815571993  # of each layer
_TURN = cython.declare(cython.double, 6.283185307179586)


@cython.final
@cython.cclass
class Simulator:
    """Runs years of one network. Minutes throughout; the arrays are those of ``Network``, where they are described."""

    _arrays: list[object]  # keeps alive what the pointers see
    _while_all_works: list[array[int]]
    _now: list[array[int]]
    _shape: cython.int
    _by_hand: cython.double
    _mean_gap: cython.double
    _components: cython.int
    _drawn: cython.int
    _mechanisms: cython.int
    _subjects: cython.int
    _gates: cython.int

    _seed: cython.ulonglong
    _golden: cython.ulonglong
    _first_factor: cython.ulonglong
    _second_factor: cython.ulonglong
    _a: cython.ulonglong
    _b: cython.ulonglong
    _c: cython.ulonglong
    _d: cython.ulonglong

    _down: cython.p_double
    _mttr: cython.p_double
    _gap: cython.p_double
    _is_restless: cython.p_int
    _chance: cython.p_double
    _alias: cython.p_int
    _drawn_component: cython.p_int
    _series_start: cython.p_int
    _series: cython.p_int
    _is_followed: cython.p_int
    _up_signal: cython.p_int
    _aged_start: cython.p_int
    _aged_component: cython.p_int
    _aged_limit: cython.p_double
    _aged_signal: cython.p_int
    _redraw_start: cython.p_int
    _redraw: cython.p_int
    _mechanism_signal: cython.p_int
    _mechanism_down: cython.p_double
    _sets_start: cython.p_int
    _sets: cython.p_int
    _users_start: cython.p_int
    _users: cython.p_int
    _slack: cython.p_int
    _world_part: cython.p_int
    _world_set: cython.p_int
    _world_weight: cython.p_double
    _part_subject: cython.p_int
    _worlds_start: cython.p_int
    _parts_start: cython.p_int
    _gate: cython.p_int
    _stops: cython.p_int
    _starts: cython.p_int

    _is_down: cython.p_int
    _since: cython.p_double
    _until: cython.p_double  # of a component's last outage
    _covered: cython.p_double  # of a series: until when it is down
    _fails: cython.p_int
    _missing: cython.p_int
    _lacking: cython.p_int
    _is_waiting: cython.p_int  # aged signals that are in the heap
    _release: cython.p_double
    _is_releasing: cython.p_int
    _part_loss: cython.p_double
    _loss: cython.p_double
    _loss_since: cython.p_double
    _is_touched_subject: cython.p_int
    _touched: cython.p_int
    _touched_count: cython.int
    _is_queued: cython.p_int
    _queue: cython.p_int
    _queue_count: cython.int
    _heap_time: cython.p_double
    _heap_what: cython.p_int
    _heap_count: cython.int

    _year_down: cython.p_double
    _year_touched: cython.p_double
    _year_outages: cython.p_int
    _month_down: cython.p_double
    _month: cython.int  # the thirteenth is what the year has beyond twelve
    _month_end: cython.double
    _wide: cython.p_double  # of the ziggurat: where each layer ends, widest first
    _high: cython.p_double  # and the density there

    def __init__(self, network: Network, *, seed: int, shape: int = 0, by_hand: float = 0.0) -> None:
        """``by_hand``: minutes until people start what waits to start."""
        self._shape = shape
        self._by_hand = by_hand
        self._seed = seed & _MASK
        self._golden = 0x9E3779B97F4A7C15
        self._first_factor = 0xBF58476D1CE4E5B9
        self._second_factor = 0x94D049BB133111EB
        self._components = len(network.down)
        self._drawn = len(network.alias)
        self._mechanisms = len(network.mechanism_down)
        self._subjects = len(network.parts_start) - 1
        self._gates = len(network.gate)
        self._mean_gap = network.mean_gap
        self._arrays = [network]
        self._down = doubles(network.down)
        self._mttr = doubles(network.mttr)
        self._gap = doubles(network.gap)
        self._is_restless = ints(network.is_restless)
        self._chance = doubles(network.chance)
        self._alias = ints(network.alias)
        self._drawn_component = ints(network.drawn_component)
        self._series_start = ints(network.series_start)
        self._series = ints(network.series)
        self._is_followed = ints(network.is_followed)
        self._up_signal = ints(network.up_signal)
        self._aged_start = ints(network.aged_start)
        self._aged_component = ints(network.aged_component)
        self._aged_limit = doubles(network.aged_limit)
        self._aged_signal = ints(network.aged_signal)
        self._redraw_start = ints(network.redraw_start)
        self._redraw = ints(network.redraw)
        self._mechanism_signal = ints(network.mechanism_signal)
        self._mechanism_down = doubles(network.mechanism_down)
        self._sets_start = ints(network.sets_start)
        self._sets = ints(network.sets)
        self._users_start = ints(network.users_start)
        self._users = ints(network.users)
        self._slack = ints(network.slack)
        self._world_part = ints(network.world_part)
        self._world_set = ints(network.world_set)
        self._world_weight = doubles(network.world_weight)
        self._part_subject = ints(network.part_subject)
        self._worlds_start = ints(network.worlds_start)
        self._parts_start = ints(network.parts_start)
        self._gate = ints(network.gate)
        self._stops = ints(network.stops)
        self._starts = ints(network.starts)
        self._make_room(network)
        self._make_ziggurat()

    def run(self, first: int, years: int) -> tuple[array[float], array[float], array[int], array[float]]:
        """Of each year and in it each subject: minutes down, minutes in which some requests fail, outages that began; and of each
        of twelve months of the year and in it each subject: minutes down.
        """
        size = years * self._subjects
        down, touched = array("d", bytes(8 * size)), array("d", bytes(8 * size))
        outages, months = array("i", bytes(4 * size)), array("d", bytes(8 * _MONTHS * size))
        year: cython.int
        subject: cython.int
        month: cython.int
        is_series: cython.bint
        at: cython.longlong
        all_down: cython.p_double = doubles(down)
        all_touched: cython.p_double = doubles(touched)
        all_outages: cython.p_int = ints(outages)
        all_months: cython.p_double = doubles(months)
        start: cython.ulonglong = first
        count: cython.int = years
        for year in range(count):
            self._begin(start + year)
            self._follow()
            for subject in range(self._subjects):
                at = year
                at = at * self._subjects + subject
                all_down[at] = self._year_down[subject]
                is_series = self._parts_start[subject] == self._parts_start[subject + 1]
                all_touched[at] = self._year_down[subject] if is_series else self._year_touched[subject]
                all_outages[at] = self._year_outages[subject]
                for month in range(_MONTHS):
                    at = year * _MONTHS + month
                    all_months[at * self._subjects + subject] = self._month_down[subject * _MONTHS + month]
        return down, touched, outages, months

    # -- a year

    @cython.cfunc
    @cython.exceptval(-1)
    def _begin(self, year: cython.ulonglong) -> cython.int:
        """The stationary state at the start of a year: who is down, since when and for how long; which mechanisms work."""
        number: cython.int
        for number in range(len(self._while_all_works)):
            _copy(self._while_all_works[number], self._now[number])
        self._heap_count = 0
        self._queue_count = 0
        self._touched_count = 0
        self._month = 0
        self._month_end = _MONTH
        self._seed_year(year)
        for number in range(self._subjects):
            self._loss[number] = 0.0
            self._loss_since[number] = 0.0
            self._year_down[number] = 0.0
            self._year_touched[number] = 0.0
            self._year_outages[number] = 0
            self._covered[number] = 0.0
            self._touch(number)
        for number in range(self._gates):
            self._release[number] = _NEVER
        for number in range(self._subjects * _MONTHS):
            self._month_down[number] = 0.0
        for number in range(self._parts_start[self._subjects]):
            self._weigh(number)
        for number in range(self._mechanisms):
            if self._uniform() <= self._mechanism_down[number]:
                self._set_signal(self._mechanism_signal[number], 1)
        for number in range(self._components):
            self._until[number] = 0.0
            if self._mttr[number] < 0.0:  # a gate: closed by what it watches
                continue
            if self._uniform() <= self._down[number]:
                self._begin_down(number)
            elif self._is_restless[number]:
                self._push(self._exponential() * self._gap[number], number)
        self._settle(0.0, 0)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _begin_down(self, component: cython.int) -> cython.int:
        """A component that the year finds down: of an outage that holds a given moment, age and rest."""
        age: cython.double
        length: cython.double
        mean: cython.double = self._mttr[component]
        if self._shape == _EXPONENTIAL:
            age = self._exponential() * mean
            length = age + self._exponential() * mean
        else:
            length = mean if self._shape == _FIXED else mean * exp(_SPREAD * self._normal() + _SPREAD * _SPREAD / 2.0)
            age = self._uniform() * length
        if self._down[component] >= 1.0:
            age = _NEVER / 2.0
            length = _NEVER
        self._fall(component, -age, length)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _follow(self) -> cython.int:
        """Everything that happens in the year that has begun."""
        number: cython.int
        what: cython.int
        word: cython.ulonglong
        high: cython.ulonglong
        slot: cython.ulonglong
        size: cython.ulonglong = self._drawn
        now: cython.double
        failure: cython.double = self._exponential() * self._mean_gap if self._drawn else _NEVER
        while True:
            now = failure
            if self._heap_count and self._heap_time[0] < now:
                now = self._heap_time[0]
            if now >= self._month_end:
                for number in range(self._subjects):
                    if self._loss[number] != 0.0:
                        self._spend(number, self._month_end)
                if self._month_end >= _YEAR:
                    return 0
                self._month += 1
                self._month_end = _YEAR if self._month >= _MONTHS else self._month_end + _MONTH
                continue
            if now == failure:
                failure = now + self._exponential() * self._mean_gap
                word = self._word()
                high = word >> 32
                slot = high * size >> 32
                number = slot
                if (word ^ high << 32) * _HALF_UNIT >= self._chance[number]:
                    number = self._alias[number]
                number = self._drawn_component[number]
                if now < self._until[number]:
                    continue
                if not self._is_followed[number]:
                    self._cover(number, now, now + self._length(number))
                    continue
                self._fall(number, now, self._length(number))
            else:
                what = self._pop()
                if what < self._components:
                    if self._is_down[what]:
                        self._rise(what, now)
                    else:
                        self._fall(what, now, self._length(what))
                else:
                    self._wake(what - self._components, now)
            self._settle(now, 1)

    @cython.cfunc
    @cython.exceptval(-1)
    def _fall(self, component: cython.int, since: cython.double, length: cython.double) -> cython.int:
        """The component is down from ``since`` (before the year: negative) for that long."""
        number: cython.int
        mechanism: cython.int
        fails: cython.int
        age: cython.double = 0.0 if since > 0.0 else -since
        limit: cython.double
        self._cover(component, since, since + length)
        if not self._is_followed[component]:
            return 0
        self._is_down[component] = 1
        self._since[component] = since
        if length < _NEVER:
            self._push(since + length, component)
        for number in range(self._redraw_start[component], self._redraw_start[component + 1]):
            mechanism = self._redraw[number]
            fails = 1 if self._uniform() <= self._mechanism_down[mechanism] else 0
            self._set_signal(self._mechanism_signal[mechanism], fails)
        self._set_signal(self._up_signal[component], 1)
        for number in range(self._aged_start[component], self._aged_start[component + 1]):
            limit = self._aged_limit[number]
            if limit <= age:
                self._turn(number, 1)
            elif limit < length and not self._is_waiting[number]:
                self._is_waiting[number] = 1
                self._push(since + limit, self._components + number)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _rise(self, component: cython.int, now: cython.double) -> cython.int:
        """The component works again."""
        number: cython.int
        self._is_down[component] = 0
        self._set_signal(self._up_signal[component], 0)
        for number in range(self._aged_start[component], self._aged_start[component + 1]):
            self._turn(number, 0)
        if self._is_restless[component]:
            self._push(now + self._exponential() * self._gap[component], component)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _wake(self, what: cython.int, now: cython.double) -> cython.int:
        """An outage reaches a limit, or people start what waited; an entry that came too soon waits on."""
        component: cython.int
        due: cython.double
        aged: cython.int = self._aged_start[self._components]
        if what < aged:
            self._is_waiting[what] = 0
            component = self._aged_component[what]
            due = self._since[component] + self._aged_limit[what]
            if self._is_down[component] and due <= now:
                self._turn(what, 1)
            elif self._is_down[component]:
                self._is_waiting[what] = 1
                self._push(due, self._components + what)
            return 0
        what -= aged
        self._is_releasing[what] = 0
        if self._release[what] >= _NEVER:
            return 0  # it has started, or failed again
        if self._release[what] > now:
            self._is_releasing[what] = 1
            self._push(self._release[what], self._components + aged + what)
        else:
            self._release[what] = _NEVER
            self._rise(self._gate[what], now)
        return 0

    # -- formulas

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _cover(self, component: cython.int, begin: cython.double, end: cython.double) -> cython.int:
        """The component is down from begin to end, and every series it stands in; of that some may have been known."""
        number: cython.int
        subject: cython.int
        month: cython.int = self._month
        month_end: cython.double = self._month_end
        start: cython.double
        self._until[component] = end
        end = min(end, _YEAR)
        for number in range(self._series_start[component], self._series_start[component + 1]):
            subject = self._series[number]
            start = self._covered[subject]
            if end <= start:
                continue
            if begin > start:
                self._year_outages[subject] += 1
                start = begin
            self._covered[subject] = end
            self._year_down[subject] += end - start
            if end > month_end:
                self._divide(subject, start, end)
            elif month < _MONTHS:
                self._month_down[subject * _MONTHS + month] += end - start
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def _divide(self, subject: cython.int, start: cython.double, end: cython.double) -> cython.int:
        """Minutes down among the months they fall in, none of them before this one."""
        month: cython.int = self._month
        boundary: cython.double = self._month_end
        while month < _MONTHS:
            if start < boundary:
                self._month_down[subject * _MONTHS + month] += (min(boundary, end)) - start
                start = boundary
            if end <= boundary:
                break
            month += 1
            boundary += _MONTH
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1)
    def _turn(self, aged: cython.int, is_older: cython.int) -> cython.int:
        """A signal that looks at an age: a positive number asks for a young outage, a complement for an old one."""
        signal: cython.int = self._aged_signal[aged]
        if signal >= 0:
            self._set_signal(signal, is_older)
        else:
            self._set_signal(-1 - signal, 1 - is_older)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _set_signal(self, signal: cython.int, fails: cython.int) -> cython.int:
        """A signal fails or holds; what stands on it is counted, and looked at when everything of this moment is known."""
        number: cython.int
        other: cython.int
        each: cython.int
        user: cython.int
        change: cython.int
        if signal < 0 or self._fails[signal] == fails:
            return 0
        self._fails[signal] = fails
        change = 1 if fails else -1
        for number in range(self._sets_start[signal], self._sets_start[signal + 1]):
            other = self._sets[number]
            self._missing[other] += change
            if self._missing[other] != fails:
                continue  # it failed before, or something else in it does
            for each in range(self._users_start[other], self._users_start[other + 1]):
                user = self._users[each]
                if user >= 0:
                    self._lacking[user] += change
                    if not self._is_queued[user]:
                        self._is_queued[user] = 1
                        self._enqueue(user)
                else:
                    user = self._world_part[-1 - user]
                    self._weigh(user)
                    self._touch(self._part_subject[user])
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _settle(self, now: cython.double, is_counted: cython.int) -> cython.int:
        """Thresholds bottom up, then the gates, then what each subject loses from now on."""
        number: cython.int
        subject: cython.int
        part: cython.int
        kept: cython.double
        self._drain()
        while self._gates and self._tend_gates(now):
            self._drain()
        for number in range(self._touched_count):
            subject = self._touched[number]
            self._is_touched_subject[subject] = 0
            kept = 1.0
            for part in range(self._parts_start[subject], self._parts_start[subject + 1]):
                kept *= 1.0 - self._part_loss[part]
            if 1.0 - kept != self._loss[subject]:
                if self._loss[subject] != 0.0:
                    self._spend(subject, now)
                elif is_counted:
                    self._year_outages[subject] += 1
                self._loss_since[subject] = now
                self._loss[subject] = 1.0 - kept
        self._touched_count = 0
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _drain(self) -> cython.int:
        threshold: cython.int
        while self._queue_count:
            threshold = self._dequeue()
            self._is_queued[threshold] = 0
            self._set_signal(threshold, 1 if self._lacking[threshold] > self._slack[threshold] else 0)
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _tend_gates(self, now: cython.double) -> cython.int:
        """A service that failed starts when what it needs to start serves, or people start it; gives whether a gate moved."""
        number: cython.int
        gate: cython.int
        moved: cython.int = 0
        for number in range(self._gates):
            gate = self._gate[number]
            if self._fails[self._stops[number]]:
                self._release[number] = _NEVER
                if not self._is_down[gate]:
                    self._fall(gate, now, _NEVER)
                    moved = 1
            elif self._is_down[gate] and not self._fails[self._starts[number]]:
                self._release[number] = _NEVER
                self._rise(gate, now)
                moved = 1
            elif self._is_down[gate] and self._release[number] >= _NEVER:
                self._release[number] = now + self._by_hand
                if not self._is_releasing[number]:
                    self._is_releasing[number] = 1
                    self._push(self._release[number], self._components + self._aged_start[self._components] + number)
        return moved

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1)
    def _weigh(self, part: cython.int) -> cython.int:
        """The share of requests that a part loses: the weights of the draws under which it fails."""
        world: cython.int
        lost: cython.double = 0.0
        for world in range(self._worlds_start[part], self._worlds_start[part + 1]):
            if self._missing[self._world_set[world]]:
                lost += self._world_weight[world]
        self._part_loss[part] = lost
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1)
    def _touch(self, subject: cython.int) -> cython.int:
        if not self._is_touched_subject[subject]:
            self._is_touched_subject[subject] = 1
            self._touched[self._touched_count] = subject
            self._touched_count += 1
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1)
    def _spend(self, subject: cython.int, now: cython.double) -> cython.int:
        """Writes down what the subject lost since it was last looked at."""
        length: cython.double = now - self._loss_since[subject]
        lost: cython.double = length * self._loss[subject]
        self._loss_since[subject] = now
        self._year_down[subject] += lost
        self._year_touched[subject] += length
        if self._month < _MONTHS:
            self._month_down[subject * _MONTHS + self._month] += lost
        return 0

    # -- chance

    @cython.cfunc
    @cython.exceptval(-1)
    def _seed_year(self, year: cython.ulonglong) -> cython.int:
        """Four words of splitmix64, which starts where seed and year say."""
        state: cython.ulonglong = self._mixed(self._seed)
        if cython.compiled:
            state += year * self._golden
        else:
            state = (state + year * self._golden) & _MASK
        state = self._mixed(state)
        self._a = self._b = self._c = self._d = 0
        word: cython.ulonglong
        for _ in range(4):
            if cython.compiled:
                state += self._golden
            else:
                state = (state + self._golden) & _MASK
            word = self._mixed(state)
            self._a = self._b
            self._b = self._c
            self._c = self._d
            self._d = word
        return 0

    @cython.cfunc
    @cython.exceptval(check=False)
    def _mixed(self, word: cython.ulonglong) -> cython.ulonglong:
        """One word from another, every bit of it from all bits."""
        word ^= word >> 30
        word *= self._first_factor
        if not cython.compiled:
            word &= _MASK
        word ^= word >> 27
        word *= self._second_factor
        if not cython.compiled:
            word &= _MASK
        return word ^ word >> 31

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _word(self) -> cython.ulonglong:
        """64 random bits: xoshiro256++."""
        shifted: cython.ulonglong = self._b << 17
        word: cython.ulonglong = self._a + self._d
        if not cython.compiled:
            shifted &= _MASK
            word &= _MASK
        word = (word << 23 | word >> 41) + self._a
        self._c ^= self._a
        self._d ^= self._b
        self._b ^= self._c
        self._a ^= self._d
        self._c ^= shifted
        self._d = self._d << 45 | self._d >> 19
        if not cython.compiled:
            self._d &= _MASK
            word &= _MASK
        return word

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _uniform(self) -> cython.double:
        """Above 0 and at most 1."""
        high: cython.longlong = self._word() >> 11
        return (high + 1) * _UNIT

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _exponential(self) -> cython.double:
        """Of mean 1, by the ziggurat: 99 of 100 numbers need no logarithm."""
        word: cython.ulonglong = self._word()
        high: cython.longlong = word >> 11
        layer: cython.int = word & 255
        found: cython.double = high * _UNIT * self._wide[layer]
        return found if found < self._wide[layer + 1] else self._rare_exponential(layer, found)

    @cython.cfunc
    @cython.exceptval(check=False)
    def _rare_exponential(self, layer: cython.int, found: cython.double) -> cython.double:
        word: cython.ulonglong
        high: cython.longlong
        while True:
            if layer == 0:
                return _TAIL + self._exponential()  # which forgets how far it is
            if self._high[layer] + self._uniform() * (self._high[layer + 1] - self._high[layer]) < exp(-found):
                return found
            word = self._word()
            high = word >> 11
            layer = word & 255
            found = high * _UNIT * self._wide[layer]
            if found < self._wide[layer + 1]:
                return found

    @cython.cfunc
    @cython.exceptval(check=False)
    def _normal(self) -> cython.double:
        """Of mean 0 and variance 1. Source: Box and Muller 1958."""
        radius: cython.double = sqrt(2.0 * self._exponential())
        radius *= cos(_TURN * self._uniform())
        return radius

    @cython.cfunc
    @cython.inline
    @cython.exceptval(check=False)
    def _length(self, component: cython.int) -> cython.double:
        """How long an outage that begins now lasts."""
        mean: cython.double = self._mttr[component]
        if self._shape == _EXPONENTIAL:
            return self._exponential() * mean
        if self._shape == _FIXED:
            return mean
        mean *= exp(_SPREAD * self._normal() - _SPREAD * _SPREAD / 2.0)
        return mean

    # -- what comes next

    @cython.cfunc
    @cython.exceptval(-1)
    def _push(self, time: cython.double, what: cython.int) -> cython.int:
        at: cython.int = self._heap_count
        above: cython.int
        self._heap_count += 1
        while at:
            above = at - 1 >> 1
            if self._heap_time[above] <= time:
                break
            self._heap_time[at] = self._heap_time[above]
            self._heap_what[at] = self._heap_what[above]
            at = above
        self._heap_time[at] = time
        self._heap_what[at] = what
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _pop(self) -> cython.int:
        first: cython.int = self._heap_what[0]
        count: cython.int = self._heap_count - 1
        time: cython.double = self._heap_time[count]
        what: cython.int = self._heap_what[count]
        at: cython.int = 0
        below: cython.int = 1
        self._heap_count = count
        while below < count:
            if below + 1 < count and self._heap_time[below + 1] < self._heap_time[below]:
                below += 1
            if time <= self._heap_time[below]:
                break
            self._heap_time[at] = self._heap_time[below]
            self._heap_what[at] = self._heap_what[below]
            at = below
            below = 2 * at + 1
        self._heap_time[at] = time
        self._heap_what[at] = what
        return first

    @cython.cfunc
    @cython.exceptval(-1)
    def _enqueue(self, threshold: cython.int) -> cython.int:
        at: cython.int = self._queue_count
        above: cython.int
        self._queue_count += 1
        while at:
            above = at - 1 >> 1
            if self._queue[above] <= threshold:
                break
            self._queue[at] = self._queue[above]
            at = above
        self._queue[at] = threshold
        return 0

    @cython.cfunc
    @cython.exceptval(-1)
    def _dequeue(self) -> cython.int:
        first: cython.int = self._queue[0]
        count: cython.int = self._queue_count - 1
        last: cython.int = self._queue[count]
        at: cython.int = 0
        below: cython.int = 1
        self._queue_count = count
        while below < count:
            if below + 1 < count and self._queue[below + 1] < self._queue[below]:
                below += 1
            if last <= self._queue[below]:
                break
            self._queue[at] = self._queue[below]
            at = below
            below = 2 * at + 1
        self._queue[at] = last
        return first

    def _make_ziggurat(self) -> None:
        """Layers of equal area below the exponential density. Source: Marsaglia and Tsang 2000."""
        wide, high = array("d", bytes(8 * 257)), array("d", bytes(8 * 257))
        wide[0], high[0] = _AREA / exp(-_TAIL), 0.0
        wide[1], high[1] = _TAIL, exp(-_TAIL)
        for layer in range(2, 256):
            high[layer] = high[layer - 1] + _AREA / wide[layer - 1]
            wide[layer] = -log(high[layer])
        wide[256], high[256] = 0.0, 1.0
        self._arrays.append((wide, high))
        self._wide, self._high = doubles(wide), doubles(high)

    def _make_room(self, network: Network) -> None:
        """Arrays for what changes, as large as it can get."""
        components, aged, gates = self._components, len(network.aged_limit), self._gates
        signals, parts, subjects = len(network.fails), len(network.part_subject), self._subjects
        whole = [array("i", bytes(4 * size)) for size in (components, signals, len(network.missing), signals, aged, gates)]
        initial = [
            array("i", bytes(4 * components)),
            network.fails,
            network.missing,
            network.lacking,
            array("i", bytes(4 * aged)),
            array("i", bytes(4 * gates)),
        ]
        most = components + aged + gates
        integers = [array("i", bytes(4 * size)) for size in (subjects, subjects, signals, signals, most, subjects)]
        numbers = [
            array("d", bytes(8 * size))
            for size in (
                *(components, gates, parts, subjects, subjects, most, subjects, subjects),
                *(_MONTHS * subjects, components, subjects),
            )
        ]
        self._arrays.extend((integers, numbers))
        self._while_all_works = initial
        self._now = whole
        self._is_down, self._fails, self._missing = ints(whole[0]), ints(whole[1]), ints(whole[2])
        self._lacking, self._is_waiting, self._is_releasing = ints(whole[3]), ints(whole[4]), ints(whole[5])
        self._is_touched_subject, self._touched, self._is_queued = ints(integers[0]), ints(integers[1]), ints(integers[2])
        self._queue, self._heap_what, self._year_outages = ints(integers[3]), ints(integers[4]), ints(integers[5])
        self._since, self._release, self._part_loss = doubles(numbers[0]), doubles(numbers[1]), doubles(numbers[2])
        self._loss, self._loss_since, self._heap_time = doubles(numbers[3]), doubles(numbers[4]), doubles(numbers[5])
        self._year_down, self._year_touched, self._month_down = doubles(numbers[6]), doubles(numbers[7]), doubles(numbers[8])
        self._until, self._covered = doubles(numbers[9]), doubles(numbers[10])


@cython.cfunc
@cython.exceptval(-1)
def _copy(source: array[int], target: array[int]) -> cython.int:
    number: cython.int
    count: cython.int = len(source)
    values: cython.p_int = ints(source)
    copied: cython.p_int = ints(target)
    for number in range(count):
        copied[number] = values[number]
    return 0
