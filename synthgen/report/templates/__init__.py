"""The report page: markup, style sheet and script, all put into one HTML file by `synthgen.report.page`."""
