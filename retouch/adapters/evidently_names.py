"""Evidently's words: statuses, drift methods and metrics, in 0.7 and before."""

from __future__ import annotations

from collections.abc import Mapping

from retouch.alerts.model import Kind

STATUSES: Mapping[str, str] = {
    "SUCCESS": "ok",
    "FAIL": "breach",
    "WARNING": "warn",
    "ERROR": "error",
    "SKIPPED": "skipped",
}
Bound = tuple[str | None, str, bool]
"""Which bound the threshold is, when it is breached, and whether the score is a p-value."""

_P_VALUES = {
    "lt": (
        "Anderson-Darling",
        "anderson",
        "chi-square p_value",
        "chisquare",
        "Epps-Singleton",
        "es",
        "Fisher's Exact test",
        "fisher_exact",
        "g_test",
        "Mann-Whitney U-rank test",
        "mannw",
        "empirical_mmd",
        "t_test",
        # A p-value despite its name: Evidently gets it from permutations.
        "Total-Variation-Distance",
        "TVD",
        "Z-test p_value",
        "z",
    ),
    "le": ("K-S p_value", "ks", "Cramer-von Mises", "cramer_von_mises"),
}
_DISTANCES = {
    "ge": (
        "Wasserstein distance (normed)",
        "wasserstein",
        "Jensen-Shannon distance",
        "jensenshannon",
        "Kullback-Leibler divergence",
        "kl_div",
        "Hellinger distance",
        "hellinger",
        "PSI",
        "psi",
    ),
    "gt": (
        "Energy-distance",
        "ed",
        "Percentile text content drift",
        "perc_text_content_drift",
        "Absolute text content drift",
        "abs_text_content_drift",
    ),
}
_BOUNDS: Mapping[str, Bound] = {
    name: ("lower", rule, True) for rule, names in _P_VALUES.items() for name in names
} | {name: ("upper", rule, False) for rule, names in _DISTANCES.items() for name in names}

REGRESSION = ("MeanError", "MAE", "RMSE", "MAPE", "R2Score", "AbsMaxError")
_METRICS: Mapping[Kind, tuple[str, ...]] = {
    "data_drift": ("ValueDrift", "DriftedColumnsCount", "EmbeddingsDrift"),
    "volume": ("RowCount",),
    "schema_change": ("ColumnCount",),
    "data_quality": (
        "MinValue",
        "MeanValue",
        "MaxValue",
        "StdValue",
        "MedianValue",
        "QuantileValue",
        "SumValue",
        "CategoryCount",
        "InRangeValueCount",
        "OutRangeValueCount",
        "InListValueCount",
        "OutListValueCount",
        "MissingValueCount",
        "UniqueValueCount",
        "DuplicatedRowCount",
        "DuplicatedColumnsCount",
        "AlmostDuplicatedColumnsCount",
        "AlmostConstantColumnsCount",
        "EmptyRowsCount",
        "EmptyColumnsCount",
        "ConstantColumnsCount",
        "DatasetMissingValueCount",
        "ColumnCorrelations",
        "ColumnCorrelationMatrix",
        "DatasetCorrelations",
        "CorrelationMatrix",
        "RowTestSummary",
    ),
    "performance": (
        "Accuracy",
        "Precision",
        "Recall",
        "F1Score",
        "RocAuc",
        "LogLoss",
        "TPR",
        "TNR",
        "FPR",
        "FNR",
        "F1ByLabel",
        "PrecisionByLabel",
        "RecallByLabel",
        "RocAucByLabel",
        *REGRESSION,
        "NDCG",
        "MRR",
        "HitRate",
        "MAP",
        "PrecisionTopK",
        "RecallTopK",
        "FBetaTopK",
        "ScoreDistribution",
        "PopularityBiasMetric",
        "Personalization",
        "Diversity",
        "Serendipity",
        "Novelty",
        "ItemBias",
        "UserBias",
    ),
}
_KIND_OF: Mapping[str, Kind] = {name: kind for kind, names in _METRICS.items() for name in names}


def bound_of_method(name: str) -> Bound:
    """Return what the threshold of a drift method means; of an unknown one, nothing."""
    return _BOUNDS.get(name, (None, "declared", False))


def kind_of_metric(name: str) -> Kind | None:
    """Return the kind of alert a metric makes; None for a metric of the user's own."""
    # `DummyMAE` is the same error, of a model that always says the mean.
    return _KIND_OF.get(name) or _KIND_OF.get(name.removeprefix("Dummy"))
