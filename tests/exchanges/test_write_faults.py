"""Each way in which a write can go wrong, on each exchange, through the real ccxt classes: what the writer makes of it, that
it was sent once, and whether the evidence then finds it.
"""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.errors import ExchangeFault, MargincallError, OutcomeUnknown, WriteNotSent, WriteRefused
from monitor.exchanges.pacing import Pacer, Pause
from monitor.practice import Fault, FaultKind
from tests.exchanges.margins import EXCHANGES, desk, writer_of

UNCLEAR = (
    *("reset", "close", "hang", "drip", "cut_body", "cut_json", "html", "empty", "empty_object", "null", "huge"),
    *("403", "408", "500", "502", "503", "504"),
)
"""What leaves a write unknown, whether the exchange carried it out or not."""
AT_ONCE, NEVER = Decimal(0), Decimal(-1)


def write_fault(kind: str, executes: Decimal | None = None, **more) -> Fault:
    return Fault(kind=FaultKind(kind), method="POST", times=1, executes=executes, **more)


async def sent(at, intent) -> MargincallError:
    """What the writer raised."""
    with pytest.raises(MargincallError) as raised:
        await at.writer.change_margin(intent)
    return raised.value


def no_secret(at, error: MargincallError) -> bool:
    account = at.engine.account("main")
    told = f"{error!r} {error.message} {error.advice} {error.__cause__!r}"
    return not any(secret in told for secret in (account.api_key, account.secret, account.passphrase, "signature"))


@pytest.mark.parametrize("executes", [AT_ONCE, NEVER], ids=["carried out", "dropped"])
@pytest.mark.parametrize("kind", UNCLEAR)
@pytest.mark.parametrize("name", EXCHANGES)
async def test_no_clear_answer_is_unknown_and_the_evidence_tells(name, kind, executes):
    async with desk(name) as at:
        if kind in {"hang", "drip"}:
            # Long enough for the request to leave on a busy machine, the exchange's clock being known.
            await at.writer.session.tune()
            at.writer.patience = 1.0
        before = at.margin()
        at.server.faults.add(write_fault(kind, executes))
        intent = at.intent("7.25")
        error = await sent(at, intent)
        assert type(error) is OutcomeUnknown, error.message
        assert no_secret(at, error)
        assert at.posts() == 1
        applied = executes == AT_ONCE
        assert at.changes() == ([Decimal("7.25")] if applied else [])
        # A 403 without a code also asks for silence: whoever looks after it is another.
        other = writer_of(name, at.with_key())
        evidence = await other.fetch_evidence(intent)
        await other.close()
        assert evidence.isolated_margin - before == (Decimal("7.25") if applied else 0)
        if name != "bybit":
            assert [row.amount for row in evidence.rows if row.by_hand] == ([Decimal("7.25")] if applied else [])


@pytest.mark.parametrize("name", EXCHANGES)
async def test_late_execution_is_unknown_at_first_and_found_later(name):
    async with desk(name) as at:
        before = at.margin()
        at.server.faults.add(write_fault("reset", Decimal("0.2")))
        intent = at.intent("7.25")
        assert type(await sent(at, intent)) is OutcomeUnknown
        assert (await at.writer.fetch_evidence(intent)).isolated_margin == before
        async with asyncio.timeout(5):
            while not at.changes():  # noqa: ASYNC110 - the server runs in this very loop
                await asyncio.sleep(0)
        evidence = await at.writer.fetch_evidence(intent)
        assert evidence.isolated_margin - before == Decimal("7.25")


@pytest.mark.parametrize("kind", ["429", "418", "key_expired", "read_only"])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_refusals_with_the_exchanges_own_code_are_refusals(name, kind):
    async with desk(name) as at:
        at.server.faults.add(write_fault(kind))
        error = await sent(at, at.intent())
        # 418 is Binance's own; the others do not know it, so nobody can say what it means.
        assert type(error) is (OutcomeUnknown if kind == "418" and name != "binance" else WriteRefused), error.message
        assert at.changes() == []
        assert no_secret(at, error)


async def test_an_answer_about_another_amount_confirms_nothing():
    async with desk("binance") as at:
        intent = at.intent("5")
        real = at.writer.write_of

        def another(one):
            return real(replace(one, amount=Decimal(6)))

        at.writer.write_of = another
        assert type(await sent(at, intent)) is OutcomeUnknown
        assert at.changes() == [Decimal(6)]


@pytest.mark.parametrize("name", EXCHANGES)
async def test_nothing_left_where_no_connection_stood(name):
    async with desk(name) as at:
        await at.writer.session.tune()
        at.writer.access, intent = at.with_key(), at.intent()
        await at.server.refuse()
        error = await sent(at, intent)
        assert type(error) is WriteNotSent, error.message
        assert no_secret(at, error)
        assert at.posts() == 0


@pytest.mark.parametrize(
    ("endpoint", "more"),
    [
        ("https://practice.invalid", {}),
        ("tls", {}),
        ("http://127.0.0.1:9", {}),
        ("", {"proxy": "http://127.0.0.1:9"}),
        ("", {"proxy": "socks5://127.0.0.1:9"}),
    ],
    ids=["no such name", "not trusted", "refused", "dead proxy", "dead socks proxy"],
)
async def test_nothing_left_where_the_way_is_closed(endpoint, more):
    if "socks" in more.get("proxy", ""):
        pytest.importorskip("aiohttp_socks")
    async with desk("okx") as at:
        await at.writer.session.tune()
        tuning = at.writer.session._tuning
        url = endpoint or at.server.url
        broken = writer_of("okx", at.with_key(endpoint=url, **more))
        if endpoint == "tls":
            server = type(at.server)(at.server.source, tls=True)
            await server.start()
            await broken.close()
            broken = writer_of("okx", at.with_key(endpoint=server.tls_url))
        # The clock is known, so that it is the write itself that finds the way closed.
        broken.session._tuning = tuning
        try:
            error = await sent(replace_writer(at, broken), at.intent())
        finally:
            await broken.close()
            if endpoint == "tls":
                await server.close()
        assert type(error) is WriteNotSent, error.message
        assert at.changes() == []


def replace_writer(at, writer):
    """The same desk with another writer; the first is closed with the desk."""
    return replace(at, writer=writer)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_nothing_is_sent_during_a_ban(name):
    async with desk(name) as at:
        pacer: Pacer = at.writer.session._pacer
        await at.writer.session.tune()
        pacer.ban(at.with_key().ip_scope(name), Pause(scope="ip", seconds=60.0))
        assert type(await sent(at, at.intent())) is WriteNotSent
        assert at.posts() == 0


async def test_nothing_is_sent_with_a_key_that_cannot_sign():
    async with desk("binance", secret="-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----") as at:
        error = await sent(at, at.intent())
        assert type(error) is WriteNotSent, error.message
        assert at.posts() == 0


@pytest.mark.parametrize("name", EXCHANGES)
async def test_nothing_is_sent_once_the_writer_is_closed(name):
    async with desk(name) as at:
        await at.writer.close()
        assert type(await sent(at, at.intent())) is WriteNotSent
        assert at.posts() == 0


@pytest.mark.parametrize("name", EXCHANGES)
async def test_reads_go_on_through_faults_of_writes(name):
    async with desk(name) as at:
        at.server.faults.add(write_fault("close"))
        await sent(at, at.intent())
        assert (await at.writer.fetch_evidence(at.intent())).isolated_margin == at.margin()
        at.server.faults.add(Fault(kind=FaultKind.INTERNAL, method="GET"))
        with pytest.raises(ExchangeFault):
            await at.writer.fetch_evidence(at.intent())
