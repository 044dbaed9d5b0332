"""Send a message to one address: by a webhook, or by what apprise knows."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from typing import Protocol

import httpx2

from rattle.errors import ConfigError
from rattle.station.config.check_told import refusal
from rattle.station.config.secret_parts import secrets_of, without
from rattle.station.config.told import Tell
from rattle.station.tell.message import Message
from rattle.version import VERSION

TIMEOUT_S, APPRISE_TIMEOUT_S = 10.0, 60.0
LONGEST_REASON = 300
ID_HEADER = "Idempotency-Key"


class NotSentError(Exception):
    """A message was not taken; the reason holds no secret."""


class Channel(Protocol):
    """Where messages go."""

    def send(self, message: Message) -> None:
        """Send it; raises ``NotSentError`` where it was not taken."""


def channel_of(tell: Tell) -> Channel:
    """Make what sends to an address; raises ``ConfigError`` where nothing knows it."""
    reason = refusal(tell)
    if reason:
        raise ConfigError(f"[[tell]] {tell.name}: url: {reason}")
    return Webhook(tell) if tell.kind == "webhook" else ByApprise(tell)


class Webhook:
    """Posts JSON to an address; whatever is answered but 2xx is a refusal.

    ``within_s`` is for all of it: a server that answers a byte now and then holds nobody up. A
    message that is sent again has the same ``Idempotency-Key``.
    """

    def __init__(self, tell: Tell, within_s: float = TIMEOUT_S) -> None:
        # It logs every address.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        self._tell, self._url, self._within_s = tell, tell.url.get_secret_value(), within_s

    def send(self, message: Message) -> None:
        """Send it; the answer is not read beyond its status."""
        try:
            status = asyncio.run(self._answer(message))
        except TimeoutError:
            raise NotSentError(f"the server did not take it within {self._within_s:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise NotSentError(_cleaned(_reason(error), self._tell)) from None
        if not 200 <= status < 300:
            leads = " (it leads elsewhere; give the address itself)" if status in MOVED else ""
            raise NotSentError(f"the server answers {status}{leads}")

    async def _answer(self, message: Message) -> int:
        headers = {"user-agent": f"rattle/{VERSION}", ID_HEADER: message.id}
        async with (
            asyncio.timeout(self._within_s),
            httpx2.AsyncClient(timeout=None, headers=headers, follow_redirects=False) as client,
            client.stream("POST", self._url, json=message.document()) as answer,
        ):
            return answer.status_code


MOVED = (301, 302, 303, 307, 308)


class ByApprise:
    """Sends by one of the services that apprise knows: mail, messages to telephones."""

    def __init__(self, tell: Tell, timeout_s: float = APPRISE_TIMEOUT_S) -> None:
        import apprise  # takes half a second, and only here

        self._tell, self._timeout_s = tell, timeout_s
        # Made by itself: where several are taken, a comma in an address ends it.
        service = apprise.Apprise.instantiate(tell.url.get_secret_value())
        self._apprise = apprise.Apprise(service)
        self._html, self._text = apprise.NotifyFormat.HTML, apprise.NotifyFormat.TEXT

    def send(self, message: Message) -> None:
        """Send it; apprise says that it was not, and not always why."""
        result = self._apprise.notify(
            title=message.title,
            body=message.html or message.text,
            body_format=self._html if message.html else self._text,
            timeout=self._timeout_s,
        )
        if not result:
            said = "; ".join(dict.fromkeys(entry.message for entry in result.logs()))
            raise NotSentError(_cleaned(said or f"{result.status.name.lower()}", self._tell))


def _reason(error: BaseException) -> str:
    """Say why it failed: where no connection was made, what the system says of the first try."""
    said, below = str(error) or type(error).__name__, error
    while True:
        if isinstance(below, BaseExceptionGroup):
            below = below.exceptions[0]
        elif (cause := below.__cause__ or below.__context__) is not None:
            below = cause
        else:
            break
    # Of a name that is not known, and of TLS, the number is another one's than the system's.
    if isinstance(below, OSError) and not isinstance(below, socket.gaierror | ssl.SSLError):
        return os.strerror(below.errno) if below.errno else said
    return said


def _cleaned(reason: str, tell: Tell) -> str:
    cleaned: str = without(" ".join(reason.split()), secrets_of(tell))
    return cleaned[:LONGEST_REASON]
