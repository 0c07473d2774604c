"""Metrics: every name, every reason from the start, and figures that are those of the memory."""

from prometheus_client.parser import text_string_to_metric_families

from monitor.alerts.model import NotifyReason
from monitor.errors import StoreUnavailable
from monitor.topups.ledger import IntentState
from monitor.topups.refusal import RefusalReason
from monitor.web.metrics import METRICS, OUTCOMES, page
from monitor.web.view import Pace
from tests.builders import at, failure, policy, position, snapshot
from tests.daemon.guarding import Post
from tests.web.viewing import view_of


def read(view):
    """Every sample: by name, and by name and labels."""
    families = list(text_string_to_metric_families(page(view).decode()))
    samples = [sample for family in families for sample in family.samples]
    return {one.name for one in samples}, {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value for one in samples
    }


async def test_figures_are_those_of_the_memory():
    post = Post()
    await post.guard.take(snapshot(position("95")))
    post.clock.advance(4)
    _, found = read(view_of(post))
    who = ("main", "long", "BTC/USDT:USDT")
    # at 95: equity 100 - 50 = 50, requirement 9.5, headroom 40.5 of 90 at entry; liquidation 900 / 9.9 = 90.909
    assert found["margincall_position_margin_usage_ratio", *who] == 0.19
    assert found["margincall_position_cushion_ratio", *who] == 0.45
    assert found["margincall_position_equity", "main", "USDT", "long", "BTC/USDT:USDT"] == 50
    assert round(found["margincall_position_liquidation_distance_ratio", *who], 4) == 0.0431
    assert found["margincall_family_age_seconds", "main", "usdm"] == 4
    assert found["margincall_family_fresh", "main", "usdm"] == 1
    assert found["margincall_cycle_seconds", "main"] == 0.25
    assert found["margincall_request_weight_used", "main"] == 7
    assert found["margincall_alerts", "warning", "firing"] == 1
    assert found["margincall_rulings_total", "first"] == 3
    assert found["margincall_deliveries_total", "phone", "accepted"] == 2
    assert 1e6 < found["margincall_memory_bytes",] < 1e11


async def test_a_position_without_equity_has_no_bound():
    post = Post()
    await post.guard.take(snapshot(position("80")))
    assert read(view_of(post))[1]["margincall_position_margin_usage_ratio", "main", "long", "BTC/USDT:USDT"] == float("inf")


def test_every_metric_and_every_reason_is_there_from_the_start():
    names, found = read(view_of(Post(), paces=lambda: {"main": Pace()}))
    of_positions_and_polls = {
        name for name in METRICS if name.startswith(("margincall_position_", "margincall_family_", "margincall_positions_"))
    } | {"margincall_cycle_seconds", "margincall_request_weight_used"}
    assert names == set(METRICS) - of_positions_and_polls
    assert {("margincall_top_up_refusals", one.value) for one in RefusalReason} <= set(found)
    assert {("margincall_top_ups", one.value) for one in IntentState} <= set(found)
    assert {("margincall_rulings_total", one.value) for one in NotifyReason} <= set(found)
    assert {("margincall_deliveries_total", "phone", one) for one in OUTCOMES} <= set(found)
    assert found["margincall_top_up_refusals", "CAP_DAY"] == 0


async def test_the_page_is_made_when_the_store_cannot_be_read():
    def unread():
        raise StoreUnavailable("locked")

    post = Post()
    await post.guard.take(failure(when=at(1)))
    _, found = read(view_of(post, counts=unread))
    assert found["margincall_rulings_total", "first"] == 0
    assert found["margincall_family_fresh", "main", "usdm"] == 0


async def test_what_an_earlier_run_read_is_not_fresh_in_this_one():
    earlier = Post()
    await earlier.guard.take(snapshot(position()))
    post = Post(policy(since=at(3600)), memory=earlier.guard.memory)
    assert read(view_of(post))[1]["margincall_family_fresh", "main", "usdm"] == 0
    await post.guard.take(snapshot(position(), when=at(3601)))
    assert read(view_of(post))[1]["margincall_family_fresh", "main", "usdm"] == 1
