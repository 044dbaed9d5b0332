"""Show the address of a source without what may be secret in it.

Cameras take a password before the host, in the path, or behind a question mark.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

OUT = "**********"
# Shorter ones are part of many words, and no secrets.
SHORTEST_SECRET = 4

# A host with its port where there is one, up to its end.
HOST = r"(?:\[[^\]/]*\]|[^/?#@:]*)(?::\d*)?(?=[/?#]|$)"
# A URL whose scheme was forgotten is taken for a file.
OF_NO_SCHEME = r"[^/]*:[^/]*@"
# What comes behind one of these in a path is not shown.
WORDS = r"(?<![a-z])(?:password|passwd|pass|pwd|token|secret|key|auth)(?![a-z])"


def without_secrets(url: str) -> str:
    """Cut user and password out of a URL, and of path and query what may be a password too.

    >>> without_secrets("rtsp://user:secret@camera/1")
    'rtsp://camera/1'
    >>> without_secrets("rtsp://camera/live/user=admin_password=secret_channel=1.sdp")
    'rtsp://camera/live/user=...'
    >>> without_secrets("http://camera/1?pwd=secret")
    'http://camera/1?...'
    """
    scheme, colon, rest = url.partition("://")
    if not colon or scheme == "file":
        return re.sub(OF_NO_SCHEME, "", url)
    _, host, behind = _taken_apart(rest)
    return f"{scheme}://{host}{re.sub(rf'(?is)([?#=]|{WORDS}).+', _cut, behind)}"


def secrets_in(url: str) -> set[str]:
    """List the passwords of a URL, as they are written and as they are meant.

    >>> sorted(secrets_in("rtsp://ann:s3cret@camera/user=admin_password=hidden_channel=1.sdp"))
    ['1.sdp', 'admin', 'hidden', 's3cret']
    """
    scheme, colon, rest = url.partition("://")
    if not colon or scheme == "file":
        user, behind = "".join(re.findall(OF_NO_SCHEME, url)).removesuffix("@"), ""
    else:
        user, _, behind = _taken_apart(rest)
    # Cameras write user=..._password=..._channel=...: each value ends where the next name begins.
    values = re.findall(r"=(.*?)(?=_[A-Za-z]+=|[&;,/?#]|$)", behind)
    words = re.findall(rf"(?i){WORDS}[^\w=]([^/?#&=]+)", behind)
    found = {user.partition(":")[2], behind.partition("?")[2], *values, *words}
    found |= {unquote(each) for each in found}
    return {each for each in found if len(each) >= SHORTEST_SECRET}


def masked(text: str, secrets: Collection[str]) -> str:
    """Replace secrets wherever they stand in a text."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, OUT)
    return text


def _taken_apart(rest: str) -> tuple[str, str, str]:
    """Give user and password, the host, and what comes behind it.

    A password with a slash in it is no host.
    """
    has_host = re.match(rf"(?:[^/?#]*@)?{HOST}", rest)
    found = re.match(r"(?:([^/?#]*)@)?" if has_host else r"(?s)(?:(.*)@)?", rest)
    assert found is not None  # noqa: S101 - both may be empty
    rest = rest[found.end() :]
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return found[1] or "", host, rest.removeprefix(host)


def _cut(found: re.Match[str]) -> str:
    return f"{found[1]}..."
