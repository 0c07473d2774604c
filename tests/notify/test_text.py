import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.notify.text import clean, fitted, plain, shortened


def test_shortened_text_keeps_the_codes_of_its_last_line():
    text = "EMERGENCY: BTC/USDT long\nLiquidation at 91,000.\n#K7Q2 #B3D4"
    assert shortened(text, 30) == "EMERGENCY: BTC/US\N{HORIZONTAL ELLIPSIS}\n#K7Q2 #B3D4"
    assert shortened(text, len(text)) == text


@pytest.mark.parametrize(("length", "short"), [(5, "abcd\N{HORIZONTAL ELLIPSIS}"), (1, "\N{HORIZONTAL ELLIPSIS}"), (0, "")])
def test_shortened_text_without_codes_is_its_beginning(length, short):
    assert shortened("abcdefgh", length) == short
    assert shortened("abcd\n#K7Q2567890123", length) == short.replace(
        "abcd\N{HORIZONTAL ELLIPSIS}", "abcd\N{HORIZONTAL ELLIPSIS}"
    )


@given(st.text(), st.integers(0, 40))
def test_shortened_text_is_never_longer_than_it_may_be(text, length):
    assert len(shortened(text, length)) <= length


@given(st.text(min_size=1), st.integers(0, 200))
def test_fitted_text_fits_whatever_the_service_makes_of_it(text, room):
    def fits(part: str) -> bool:
        escaped: str = part.replace("&", "&amp;").replace("\n", "<br/>")
        return bool(len(escaped) <= room)

    assert fits(fitted(text, fits))


def test_fitted_text_is_as_long_as_it_can_be():
    assert fitted("&" * 100, lambda part: len(part.replace("&", "&amp;")) <= 51) == "&" * 10 + "\N{HORIZONTAL ELLIPSIS}"


@given(st.text(st.characters(codec=None)))
def test_clean_text_can_be_encoded_and_has_no_control_characters(text):
    assert not {code for code in map(ord, clean(text)) if (code < 32 and code != 10) or 127 <= code < 160}
    clean(text).encode()


def test_plain_text_is_ascii_without_markup():
    assert plain("<b>BTC_long</b> 91,000 \N{EURO SIGN} \ud800\x00|") == " b BTC long /b  91,000 ? ?  "
