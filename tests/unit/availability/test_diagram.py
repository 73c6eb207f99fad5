"""Decision diagrams, evaluated."""

from __future__ import annotations

from array import array
from random import Random

from truetier.availability.diagram.kernel import Diagram


def test_many_columns_at_once_are_what_each_is_alone() -> None:
    diagram = Diagram(1000)
    variables = [diagram.variable(number) for number in range(5)]
    random = Random(7)
    columns = 70  # more than are evaluated side by side
    up = [[random.random() for _ in range(columns)] for _ in variables]
    down = [[1 - p for p in of_variable] for of_variable in up]
    for root in (diagram.at_least(3, variables), diagram.at_least(2, variables) ^ 1, 0, 1):
        structure = diagram.compiled(root)
        both = structure.evaluate_all(array("d", [p for each in up for p in each]), array("d", [q for each in down for q in each]), columns)
        for column in range(columns):
            assert (both[0][column], both[1][column]) == structure.evaluate([each[column] for each in up], [each[column] for each in down])
