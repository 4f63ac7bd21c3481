"""The run's HTML report and its contact sheet: what shards hold, as pictures, charts and counts."""

from synthgen.report.page import Options, write_report

__all__ = ["Options", "write_report"]
