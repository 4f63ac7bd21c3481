"""Versions of Python and of the packages, against what this version of synthgen was made for."""

import platform
from importlib import metadata

from synthgen.doctor.finding import Finding

PACKAGE = "synthgen"
REINSTALL = (
    "pip install --upgrade synthgen, or pip install -e . in a checkout, in a fresh virtual environment"
)


def examine_packages() -> list[Finding]:
    """Compare what is installed with what `pyproject.toml` asks for."""
    try:
        distribution = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        text = f"{PACKAGE} runs from a folder and is not installed: versions cannot be compared"
        return [Finding("warn", "packages", text, "pip install -e . in the checkout")]
    wanted = distribution.metadata["Requires-Python"] or ""
    return [python_finding(platform.python_version(), wanted), packages_finding(distribution.requires or [])]


def python_finding(version: str, wanted: str) -> Finding:
    """Compare a version of Python with a range such as ">=3.11,<3.13"."""
    from packaging.specifiers import SpecifierSet

    if SpecifierSet(wanted).contains(version, prereleases=True):
        return Finding("ok", "python", version)
    fix = f"make a virtual environment with a Python {wanted}"
    return Finding("FAIL", "python", f"is {version}, expected {wanted}", fix)


def packages_finding(requirements: list[str]) -> Finding:
    """Compare installed packages with requirements; those of extras are left out.

    Args:
        requirements: as packages declare them, "torch~=2.13.0".
    """
    from packaging.requirements import Requirement

    wrong = []
    needed = [one for text in requirements if _is_needed(one := Requirement(text))]
    for requirement in needed:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing, expected {requirement.specifier or 'any'}")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, expected {requirement.specifier}")
    if wrong:
        return Finding("FAIL", "packages", "; ".join(wrong), REINSTALL)
    shown = [f"{name} {metadata.version(name)}" for name in ("torch", "diffusers", "transformers", "ray")]
    return Finding("ok", "packages", f"{len(needed)} as asked for, {', '.join(shown)} among them")


def _is_needed(requirement: object) -> bool:
    marker = getattr(requirement, "marker", None)
    return marker is None or bool(marker.evaluate({"extra": ""}))
