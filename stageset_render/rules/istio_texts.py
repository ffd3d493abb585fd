# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The texts that Istio compares with a request, one by one: exact, `beginning*`, `*end`, or `*` for anything."""

import re

from stageset_render.findings import ERROR, WARNING
from stageset_render.rules import rule
from stageset_render.rules.istio import CONDITIONS, POLICY, texts

NAMESPACE, ACCOUNT = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
SLOTS = (  # of an identity: each whole, as a beginning, as an end
    ("[A-Za-z0-9._-]+", "[A-Za-z0-9._-]*", "[A-Za-z0-9._-]*"),
    ("ns", "(ns?)?", "(n?s)?"),
    (NAMESPACE, "([a-z0-9][a-z0-9-]*)?", "([a-z0-9-]*[a-z0-9])?"),
    ("sa", "(sa?)?", "(s?a)?"),
    (ACCOUNT, "([a-z0-9][a-z0-9.-]*)?", "(-*[a-z0-9]([a-z0-9.-]*[a-z0-9])?)?"),
)
NAME = "[A-Za-z0-9._-]+"
WILD = r"\*|\*?{0}|{0}\*"
FORMS = {  # what a text is compared with: what a text that matches some request looks like, and in words
    "source.trustDomain": (WILD.format(NAME), "a trust domain without port"),
    "source.namespace": (
        "[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?",
        "a namespace in lower case, of at most 63 characters",
    ),
    "source.serviceAccount": (rf"({NAMESPACE}/)?{ACCOUNT}", "<namespace>/<name> or <name> in lower case"),
    "request.auth.principal": (
        r"\*|\*[^*]*[^*/ ]|[^*/ ]+\*|([a-z]+://[^*/ ,]+|[^*/ ,]*[^*/ ,:])(/[^* ,]*)?/([^*/]*[^*/ ]\*?|\*)",
        "<issuer>/<subject>, or <issuer>/* for all of an issuer",
    ),
    "connection.sni": (WILD.format("[a-z0-9._-]+"), "a server name in lower case and without port"),
    "method": (WILD.format("[A-Z0-9_-]+"), "a method in upper case"),
    "path": (
        r"\*|/[!\"$-)+->@-\[\]-~]*\*?|\*[!\"$-)+->@-\[\]-~]+|.*\{.*",
        "a path from its / to before a ? or #, without blanks, backslashes, . and ..",
    ),
    "host": (
        WILD.format("[A-Za-z0-9._:-]+") + r"|\[[0-9A-Fa-f:]+\](:[0-9]+)?",
        "a host without scheme and path",
    ),
}
DOTS = re.compile(r"/\.\.?(/|$)")
METHODS = set(  # https://www.iana.org/assignments/http-methods/http-methods.xhtml
    "ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR "
    "MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PRI PROPFIND PROPPATCH PUT QUERY REBIND REPORT "
    "SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL "
    "M-SEARCH NOTIFY PURGE SOURCE SUBSCRIBE UNSUBSCRIBE".split()  # these six: what proxies pass besides
)
EXPRESSION = re.compile(r"(^|[/)\]])\.\*|\.\+|\\[dwsDWSb.]|\[\^?[A-Za-z0-9]-[A-Za-z0-9]|\(\?|^\^|\([^()]*\|[^()]*\)")

CHOICE = r"[A-Za-z][\w.-]{0,15}(\|[A-Za-z][\w.-]{0,15})+"  # not auth0|5f7c8ec7c33c6c004bbafe82, which is a subject
SUBJECT = "request.auth.claims[sub]"


def _matches_some_identity(text):
    """Whether any identity of Istio, <trust domain>/ns/<namespace>/sa/<service account>, is or fits the text."""
    whole, beginning, end = zip(*SLOTS)
    if text == "*":
        return True
    if text.endswith("*"):
        parts = text[:-1].split("/")
        slots = (*whole[: len(parts) - 1], beginning[min(len(parts), len(SLOTS)) - 1])
    elif text.startswith("*"):
        parts = text[1:].split("/")
        slots = (end[-min(len(parts), len(SLOTS))], *whole[len(whole) - len(parts) + 1 :])
    else:
        parts, slots = text.split("/"), whole
    return len(parts) <= len(SLOTS) and len(slots) == len(parts) and all(map(re.fullmatch, slots, parts))


@rule(WARNING, POLICY)
def istio_text_unmatched(release):
    """A text of callers or requests that no request has.

    It admits nobody: a scheme, a blank, a capital letter or a path's query is in it, which Istio never sees there."""
    for one in release.fact(texts):
        form, said = FORMS.get(one.key, (None, None))
        if one.key == "source.principal":
            said = "<trust domain>/ns/<namespace>/sa/<service account> in lower case"
        elif not form:
            continue
        form = form and re.compile(form)
        for index, text in enumerate(one.texts):
            if _expression(one.key, text):
                continue  # which a rule of its own is about
            fits = form.fullmatch(text) if form else _matches_some_identity(text)
            if not fits or "/." in text and DOTS.search(text):
                yield (*one.path, index), f'"{text}" matches no request, so it allows none', f"write {said}"


CAPITALS = (
    "has capitals in its trust domain, and Istio compares letter by letter",
    "write it as the mesh's trustDomain has it",
)
LETTERS = (
    "is compared letter by letter, with all blanks, brackets and inner * in it",
    "list the texts themselves, with one * at most, alone, first or last",
)
DOUBTS = {  # what a text is compared with: what it then says of which texts
    "source.principal": (
        (r"[^/A-Z]*[A-Z][^/]*(/ns/|/?\*$)", *CAPITALS),
        (
            r"[A-Za-z0-9_-]+\*$",
            "stands for trust domains that begin so, not for namespaces or service accounts",
            "write <trust domain>/* for all of one trust domain, or <trust domain>/ns/<namespace>/*",
        ),
    ),
    "source.trustDomain": ((".*[A-Z]", *CAPITALS),),
    "source.namespace": (
        (
            r"s(a|a?\*+)$",
            "also stands for a namespace named ns, because Istio looks for it in the whole identity and finds the /sa/ of "
            "<trust domain>/ns/ns/sa/<service account>",
            "write the principal <trust domain>/ns/<namespace>/* instead",
        ),
    ),
    "request.auth.": ((r"^ |.* $|.+\*.|.*\*.*\*|\[.*\]$", *LETTERS),),
    "request.headers": ((r"^ |.* $|.+\*.|.*\*.*\*", *LETTERS),),
}


@rule(WARNING, POLICY)
def istio_text_misread(release):
    """A text that stands for other callers or requests than it seems to.

    It admits them, or nobody."""
    for one in release.fact(texts):
        doubts = DOUBTS.get(one.key)
        if doubts is None and one.key != "request.auth.principal":
            doubts = next(
                (DOUBTS[start] for start in ("request.auth.", "request.headers") if one.key.startswith(start)), None
            )
        for index, text in enumerate(one.texts) if doubts else ():
            for form, message, mend in doubts:
                if re.match(form, text):
                    yield (*one.path, index), f'"{text}" {message}', mend


def _expression(key, text):
    """Whether a text is written as a regular expression, which Istio has nowhere."""
    if key in ("path", "host", "method", "source.principal"):
        return EXPRESSION.search(text) or key != "host" and "|" in text
    of_text = key.startswith(("request.headers", "request.auth.claims"))
    return of_text and (EXPRESSION.search(text) or key != SUBJECT and re.fullmatch(CHOICE, text))


def _expressions(release, negative):
    for one in release.fact(texts):
        for index, text in enumerate(one.texts) if one.negative == negative else ():
            if _expression(one.key, text):
                then = "it keeps out nobody" if negative else "it matches no request"
                yield (
                    (*one.path, index),
                    f'"{text}" is written as a regular expression, which Istio compares letter by letter, so {then}',
                    "list the texts one by one, with one * at most, alone, first or last",
                )


@rule(ERROR, CONDITIONS)
def istio_expression_keeps_out_nobody(release):
    """A regular expression says what is kept out.

    Istio has none and compares letter by letter, so what is to be kept out is let in."""
    yield from _expressions(release, negative=True)


@rule(WARNING, CONDITIONS)
def istio_expression_matches_nothing(release):
    """A regular expression says what is admitted.

    Istio has none and compares letter by letter, so nothing is."""
    yield from _expressions(release, negative=False)


@rule(WARNING, "https://www.iana.org/assignments/http-methods/http-methods.xhtml")
def istio_method_unknown(release):
    """A method that HTTP does not have.

    No request has it, so it admits, or keeps out, nothing."""
    for one in release.fact(texts):
        for index, text in enumerate(one.texts) if one.key == "method" else ():
            if re.fullmatch("[A-Z]+", text) and text not in METHODS:
                then = "keeps out nothing" if one.negative else "admits nothing"
                yield (
                    (*one.path, index),
                    f'"{text}" is no method of HTTP, so it {then}',
                    "write GET, POST, PUT, PATCH or DELETE",
                )
