import asyncio
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from monitor.daemon.daily import Daily, next_at
from tests.fakes import FakeClock

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 22, 3, 0, tzinfo=UTC), datetime(2026, 11, 22, 7, 0, tzinfo=UTC)),  # 08:00 in winter
        (datetime(2026, 11, 22, 7, 0, tzinfo=UTC), datetime(2026, 11, 23, 7, 0, tzinfo=UTC)),
        (datetime(2026, 3, 28, 12, 0, tzinfo=UTC), datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),  # summer time begins that night
        (datetime(2026, 10, 24, 12, 0, tzinfo=UTC), datetime(2026, 10, 25, 7, 0, tzinfo=UTC)),  # and ends
    ],
)
def test_the_next_time_is_by_the_wall_clock_there(now, expected):
    assert next_at(time(8), BERLIN, now) == expected


async def test_the_work_is_done_once_a_day_also_when_the_clock_is_set_back():
    clock = FakeClock(datetime(2026, 1, 2, 7, 59, tzinfo=UTC))
    done = asyncio.Queue[datetime]()

    async def work() -> None:
        done.put_nowait(clock.now())

    daily = Daily(time(8), UTC, clock, work)
    task = asyncio.create_task(daily.run())

    async def look(seconds: float) -> None:
        clock.advance(seconds)
        daily.poke()
        for _ in range(5):
            await asyncio.sleep(0)

    await look(30)
    assert done.empty()
    await look(31)
    assert done.get_nowait() == datetime(2026, 1, 2, 8, 0, 1, tzinfo=UTC)
    await look(3600)
    assert done.empty()
    clock.step(-7200)  # back to 07:00 or so: its 08:00 comes again, rather twice than never
    await look(1)
    assert done.empty()
    await look(3601)
    assert done.qsize() == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
