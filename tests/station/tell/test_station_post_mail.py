"""Mail goes by a real server: once, also where the server was away or refused for an hour."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from tell_kit import Clock, Hall, post_of, step

from rattle.errors import ConfigError
from rattle.station.tell.post import Post


@dataclass
class Mailbox:
    """Takes mail, or refuses it for the moment."""

    refuses: bool = False
    refused: int = 0
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        if self.refuses:
            self.refused += 1
            return "451 try again later"
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(parsed)  # type: ignore[arg-type]
        return "250 taken"


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def mailbox(port: int) -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box
    controller.stop()


def mail_post(hall: Hall, clock: Clock, port: int) -> Post:
    address = f"mailto://127.0.0.1:{port}?from=rattle@plant.example&to=ann@plant.example"
    return post_of(hall.database, clock, address, about=["alarm", "ended"])


def test_a_mail_says_what_happened_in_plain_words(
    hall: Hall, clock: Clock, port: int, mailbox: Mailbox
) -> None:
    post = mail_post(hall, clock, port)
    alarm = hall.alarm()
    step(post, clock)
    step(post, clock, minutes=1)
    (mail,) = mailbox.mails
    assert mail["subject"] == "Alarm: press-1"
    body = mail.get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())
    assert "press-1 has sounded anomalous since 2026-03-02 12:00." in text
    assert f"https://rattle.example/incidents/{alarm.id}" in text
    assert post.channels[0].sent == 1


def test_a_mail_server_that_refuses_for_an_hour_gets_each_once(
    hall: Hall, clock: Clock, port: int, mailbox: Mailbox
) -> None:
    post = mail_post(hall, clock, port)
    mailbox.refuses = True
    alarm = hall.alarm()
    for _ in range(30):
        step(post, clock, minutes=2)
    hall.end(alarm)
    assert mailbox.mails == []
    assert mailbox.refused >= 5
    assert post.channels[0].error
    mailbox.refuses = False
    for _ in range(60):
        step(post, clock, minutes=2)
    assert [mail["subject"] for mail in mailbox.mails] == ["Alarm: press-1", "Alarm over: press-1"]
    assert (post.channels[0].waiting, post.channels[0].error) == (0, "")


def test_a_mail_server_that_is_not_there_is_tried_again(
    hall: Hall, clock: Clock, port: int
) -> None:
    post = mail_post(hall, clock, port)
    hall.alarm()
    step(post, clock)
    step(post, clock, minutes=1)
    assert post.channels[0].error.startswith("Connection error")
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        step(post, clock, minutes=1)
    finally:
        controller.stop()
    assert len(box.mails) == 1


def test_an_address_that_apprise_does_not_know_is_said_at_the_start(
    hall: Hall, clock: Clock
) -> None:
    with pytest.raises(
        ConfigError, match=r"shift: url: apprise knows no address pigeon://"
    ) as said:
        post_of(hall.database, clock, "pigeon://coop/s3cretpassword")
    assert "s3cretpassword" not in str(said.value)
