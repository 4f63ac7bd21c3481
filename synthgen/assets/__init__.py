"""Data files of the package, each with its licence and the script that made it in README.md."""
