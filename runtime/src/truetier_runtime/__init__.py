"""Parts that keep a service's promise while its dependencies break theirs."""

from truetier_runtime.breaker import Breaker
from truetier_runtime.deadline import Deadline
from truetier_runtime.errors import (
    BulkheadFullError,
    CircuitOpenError,
    DeadlineExceededError,
    RefusedError,
    RuntimeGuardError,
    TimedOutError,
)
from truetier_runtime.fallback import Instead, LastGood, StandIn, Value
from truetier_runtime.guard import Guard
from truetier_runtime.hooks import Fact
from truetier_runtime.retry import Hedge, Retry, RetryBudget

__all__ = [
    "Breaker",
    "BulkheadFullError",
    "CircuitOpenError",
    "Deadline",
    "DeadlineExceededError",
    "Fact",
    "Guard",
    "Hedge",
    "Instead",
    "LastGood",
    "RefusedError",
    "Retry",
    "RetryBudget",
    "RuntimeGuardError",
    "StandIn",
    "TimedOutError",
    "Value",
]
