"""What every Notifier does, run over each of them."""

from __future__ import annotations

from abc import abstractmethod

import pytest

from monitor.errors import ChannelRefused, ChannelUnavailable
from tests.store.store_examples import message


class NotifierSuite:
    """Subclasses give ``channel``, ``accepted`` (the titles that arrived) and ``ill`` (make the next send fail so)."""

    @pytest.fixture
    @abstractmethod
    def channel(self): ...

    @abstractmethod
    def accepted(self) -> list[str]: ...

    @abstractmethod
    def ill(self, status: int) -> None: ...

    async def test_send_returns_once_the_message_arrived(self, channel):
        await channel.send(message(1, title="first"))
        await channel.send(message(2, title="second"))
        assert self.accepted() == ["first", "second"]

    async def test_send_is_unavailable_with_the_wait_that_was_asked_for(self, channel):
        self.ill(429)
        with pytest.raises(ChannelUnavailable) as caught:
            await channel.send(message())
        assert caught.value.retry_after == 7
        assert self.accepted() == []

    async def test_send_works_again_after_a_failure(self, channel):
        self.ill(500)
        with pytest.raises(ChannelUnavailable):
            await channel.send(message(title="again"))
        await channel.send(message(title="again"))
        assert self.accepted() == ["again"]

    async def test_send_is_refused_when_a_person_must_mend_the_channel(self, channel):
        self.ill(401)
        with pytest.raises(ChannelRefused):
            await channel.send(message())

    async def test_closed_channel_says_so(self, channel):
        await channel.close()
        await channel.close()
        with pytest.raises(ChannelUnavailable):
            await channel.send(message())
