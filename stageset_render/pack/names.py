# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What may be the name of a release, a namespace or a version."""

from __future__ import annotations

import re

from stageset_render.findings import Refused, short

DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"


def check_name(name: str) -> None:
    """Refuse what is no release name to Helm (chartutil.ValidateReleaseName): it becomes a label of every object."""
    if not re.fullmatch(f"{DNS_LABEL}(\\.{DNS_LABEL})*", str(name)) or len(name) > 53:
        raise Refused(
            f"{short(repr(name))} is no release name: lower-case letters, digits, - and ., at most 53 characters"
        )


def check_namespace(namespace: str) -> None:
    """Refuse what is no namespace to Kubernetes (a DNS label of RFC 1123)."""
    if not re.fullmatch(DNS_LABEL, str(namespace)) or len(namespace) > 63:
        raise Refused(
            f"{short(repr(namespace))} is no namespace: lower-case letters, digits and -, at most 63 characters"
        )


def check_versions(chart: dict) -> None:
    """Refuse versions that no label can hold (Kubernetes: Labels and Selectors): every object carries them."""
    versions = {
        "chart version": f"{chart['Name']}-{chart['Version']}".replace("+", "_"),
        "appVersion": chart["AppVersion"],
    }
    for what, label in versions.items():
        if not re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", label):
            raise Refused(
                f"the {what} makes the label {short(label)!r}; a label holds 63 letters, digits, -, _ and . at most"
            )


def check_file_name(name: str) -> None:
    """Refuse the name of a file that would begin a new line or move a cursor where it is printed, or is no text."""
    if not name.isprintable():
        raise Refused(f"{short(ascii(name))} is no name for a file here: it has a character that can't be printed")
