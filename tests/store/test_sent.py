"""The outbox as a reader sees it beside the daemon that writes it."""

from datetime import timedelta

from monitor.memory import Commit
from monitor.store.reader import StoreReader
from monitor.store.sqlite import SqliteStore
from tests.store.store_examples import MINUTE, NOW, message


async def test_every_message_is_shown_with_what_became_of_it_at_each_channel(tmp_path):
    path = tmp_path / "margincall.db"
    store = await SqliteStore.open(path)
    first, second = message(1, at=NOW), message(2, at=NOW + MINUTE)
    await store.commit(Commit(at=NOW, messages=(first, second)), channels=("mail", "phone"))
    for delivery in await store.claim("phone", NOW + MINUTE, lease=timedelta(seconds=60)):
        if delivery.message.id == first.id:
            await store.settle(delivery, "accepted", NOW + MINUTE)
    with StoreReader(path) as reader:
        shown = reader.deliveries()
    await store.close()
    assert [(one.message, one.channel, one.state, one.attempt, one.settled) for one in shown] == [
        (first, "mail", "waiting", 0, False),
        (first, "phone", "accepted", 1, True),
        (second, "mail", "waiting", 0, False),
        (second, "phone", "sending", 1, False),
    ]


async def test_what_was_not_sent_after_all_stands_among_the_reasons(tmp_path):
    path = tmp_path / "margincall.db"
    store = await SqliteStore.open(path)
    earlier, newer = message(1, at=NOW), message(2, at=NOW + MINUTE)
    await store.commit(Commit(at=NOW, messages=(earlier,)), channels=("phone",))
    # It waits for longer than it takes to be sent, so the next word on the same subject takes its place.
    await store.commit(Commit(at=NOW + MINUTE, messages=(newer,)), channels=("phone",))
    with StoreReader(path) as reader:
        told = reader.alerts(NOW, rulings=10).rulings
        assert [(one.at, one.code, one.subject, one.level, one.named) for one in told] == [
            (NOW + MINUTE, earlier.code, earlier.subject, earlier.level, "superseded on phone")
        ]
        assert reader.alerts(NOW).rulings == ()
    await store.close()
