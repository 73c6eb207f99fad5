"""Many partial catalogs become one fleet: names resolved, disagreements kept, mistakes all at once.

What truetier files say must be right: a name that means nothing is a mistake of their author. What other formats say
is taken as far as it goes: names that match no service are listed, never guessed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from truetier.catalog.checks import check_fleet
from truetier.catalog.merge_services import merge_services
from truetier.catalog.mistakes import Mistakes
from truetier.catalog.model import Fleet, kind_by_depth
from truetier.catalog.evidence import Claim, Conflict
from truetier.catalog.resolve import resolve_journey
from truetier.catalog.tier import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truetier.catalog.model import Domain, Journey, Waiver
    from truetier.catalog.names import Names
    from truetier.catalog.source import Contribution
    from truetier.catalog.tier import TierTable
