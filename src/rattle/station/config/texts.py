"""Check texts that have a form: names, addresses, the database.

What the model checks by gives back what it is given. ``ValueError`` says what was expected; what
was found is for ``read`` to say, as it may be secret.
"""

from __future__ import annotations

import ipaddress
import re
from ipaddress import ip_address

from pydantic import SecretStr

from rattle.errors import DataError
from rattle.scoring.budget.rule import AlarmRule

LONGEST_NAME = 64
HIGHEST_PORT = 65_535
HOST = r"[\w-]{1,63}(?:\.[\w-]{1,63})*"
# Addresses that are posted to; every other one is apprise's.
WEBHOOKS = ("https", "http")
# What a file system takes: of one name, and of a path.
LONGEST_FILE_NAME, LONGEST_PATH = 255, 4000


def name(text: str) -> str:
    """Check a name: it stands in addresses and in files."""
    if not re.fullmatch(r"\w[\w .-]{0,63}", text):
        raise ValueError(
            "expected a name that begins with a letter or digit and goes on with letters, digits, "
            f"spaces, dots, dashes or underscores, at most {LONGEST_NAME} in all"
        )
    return text


def rule(text: str) -> str:
    """Check how many windows make an alarm."""
    try:
        found = AlarmRule.parse(text)
    except DataError:
        found = None
    if found is None or found.hops > 999:
        raise ValueError('expected K/N with 1 <= K <= N <= 999, such as "3/5"')
    return text


def bind(text: str) -> str:
    """Check an address to listen at."""
    if address_of(text) is None:
        raise ValueError(
            'expected ADDRESS:PORT, such as "127.0.0.1:8765" or, for all addresses, "0.0.0.0:8765"'
        )
    return text


def address_of(text: str) -> tuple[str, int] | None:
    """Take ``ADDRESS:PORT`` apart; None where it is not written so.

    >>> address_of("[::1]:8765")
    ('::1', 8765)
    """
    found = re.fullmatch(rf"(?:\[([0-9a-fA-F:.]+)\]|({HOST})):(\d{{1,5}})", text, re.ASCII)
    if found is None or int(found[3]) > HIGHEST_PORT:
        return None
    return found[1] or found[2], int(found[3])


def is_number(host: str) -> bool:
    """Tell whether a host is written as an address and not by name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches that host."""
    return host == "localhost" or (is_number(host) and ipaddress.ip_address(host).is_loopback)


def web_address(text: str) -> str:
    """Check how people reach the page."""
    host = re.fullmatch(rf"https?://({HOST}|\[[0-9a-fA-F:.]+\])(:\d{{1,5}})?", text, re.ASCII)
    if host is None or int((host[2] or ":0")[1:]) > HIGHEST_PORT:
        raise ValueError('expected http:// or https:// and a host alone, such as "https://a.b.com"')
    if host[1].startswith("["):
        try:
            ipaddress.IPv6Address(host[1][1:-1])
        except ValueError:
            raise ValueError("expected an IPv6 address in [ ]") from None
    return text


def proxy(text: str) -> str:
    """Check the address of a proxy."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError('expected an IP address or network, such as "10.0.0.5"') from None
    return text


def secret(text: SecretStr) -> SecretStr:
    """Check that a secret is not empty: an empty token would let everyone in."""
    if not text.get_secret_value().strip():
        raise ValueError("expected a text that is not empty")
    return text


def token(text: SecretStr) -> SecretStr:
    """Check what a program shows to be let in: a header of HTTP holds no other text unchanged."""
    if not re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", text.get_secret_value()):
        raise ValueError(
            "expected letters, digits and signs of ASCII (not ü, no line break), with no space at "
            "either end"
        )
    return text


def database(text: SecretStr) -> SecretStr:
    """Check which database it is."""
    if not re.fullmatch(r"sqlite|postgresql://\S+", text.get_secret_value()):
        raise ValueError('expected "sqlite" or postgresql://USER:PASSWORD@HOST/NAME')
    return text


def tell_url(text: SecretStr) -> SecretStr:
    """Check that an address to tell to is one; whether apprise knows it is for ``check_told``."""
    found = re.fullmatch(r"([a-zA-Z][a-zA-Z0-9+.-]*)://(\S+)", text.get_secret_value())
    if found is None or (found[1].lower() in WEBHOOKS and not _is_web(found[2])):
        raise ValueError(
            "expected https://HOST/PATH, or an address of apprise such as mailtos://USER:PASSWORD@HOST"
        )
    return text


def _is_web(rest: str) -> bool:
    host = rf"(?:[^/?#@]*@)?(?:{HOST}|\[[0-9a-fA-F:.]+\])(?::(\d{{1,5}}))?(?:[/?#].*)?"
    found = re.fullmatch(host, rest, re.ASCII)
    return found is not None and int(found[1] or 0) <= HIGHEST_PORT


def mqtt_url(text: SecretStr) -> SecretStr:
    """Check where a broker is."""
    found = re.fullmatch(
        rf"mqtts?://(?:[^/?#@\[\]\s]*@)?(?:{HOST}|\[([0-9a-fA-F:.]+)\])(?::(\d{{1,5}}))?/?",
        text.get_secret_value(),
        re.ASCII,
    )
    is_place = found is not None and (found[1] is None or _is_ipv6(found[1]))
    if found is None or not is_place or not 1 <= int(found[2] or 1) <= HIGHEST_PORT:
        raise ValueError(
            "expected mqtt://HOST or mqtts://HOST, with USER:PASSWORD@ before the host where it "
            "takes them; in these @, /, :, [ and ] are written %40, %2F, %3A, %5B and %5D"
        )
    return text


def _is_ipv6(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def path(text: str) -> str:
    """Give the reason why a text cannot be a path; "" where it can."""
    if not text or "\0" in text:
        return "expected a path"
    names = text.encode().split(b"/")
    if len(text.encode()) > LONGEST_PATH or max(map(len, names)) > LONGEST_FILE_NAME:
        return f"expected a path with names of at most {LONGEST_FILE_NAME} bytes"
    return "~ is not known here; write the path out" if text.startswith("~") else ""
