"""One run: model x images x stimuli -> :class:`AuditReport`."""

from unskew.audit.compare import Comparison
from unskew.audit.report import AuditReport
from unskew.audit.rows import (
    DatasetInfo,
    PairRow,
    RankingRow,
    SubgroupRow,
    TopAttributeRow,
    WordTestRow,
)
from unskew.audit.run import audit_model

__all__ = [
    "AuditReport",
    "Comparison",
    "DatasetInfo",
    "PairRow",
    "RankingRow",
    "SubgroupRow",
    "TopAttributeRow",
    "WordTestRow",
    "audit_model",
]
