"""The figures by name: how they are called, how many digits are shown, which are of people only."""

from collections.abc import Mapping

FIGURES: Mapping[str, str] = {"fid": "FID", "kid": "KID", "h_fid": "H-FID", "h_kid": "H-KID"}
DIGITS: Mapping[str, int] = {"fid": 2, "kid": 5, "h_fid": 2, "h_kid": 5}
