"""The fake channel behaves as a channel."""

import pytest

from monitor.errors import ChannelRefused, ChannelUnavailable
from tests.fakes import FakeNotifier
from tests.notify.notifier_suite import NotifierSuite


class TestFakeNotifier(NotifierSuite):
    @pytest.fixture
    def channel(self):
        self.notifier = FakeNotifier()
        return self.notifier

    def accepted(self):
        return [each.title for each in self.notifier.accepted]

    def ill(self, status):
        faults = {401: ChannelRefused("no"), 429: ChannelUnavailable("wait", retry_after=7), 500: ChannelUnavailable("ill")}
        self.notifier.then(faults[status])
