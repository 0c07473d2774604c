import pytest

from monitor.config.suggest import did_you_mean, dotted, looks_like_a_key


@pytest.mark.parametrize(
    ("text", "is_key"),
    [
        ("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", True),
        ("c89b2a1e4f5d6c7b8a9f0e1d2c3b4a5f", True),
        ("5f2a9c1e-7b3d-4e8f-a1b2-c3d4e5f6a7b8", True),
        ("Q8wE7rT6yU5iO4pA3s", True),
        ("main", False),
        ("tradingsubaccount2", False),
        ("hedge_2025_account_b", False),
        ("MARGINCALL_ACCOUNTS", False),
    ],
)
def test_text_looks_like_a_key_when_letters_and_digits_mix_in_a_long_run(text, is_key):
    assert looks_like_a_key(text) is is_key


def test_suggestion_reads_over_case_and_dashes():
    assert did_you_mean("Demo-Trading", ["proxy", "demo_trading"]) == "; did you mean demo_trading?"
    assert did_you_mean("x", ["proxy"]) == ""
    assert did_you_mean(None, ["proxy"]) == ""


def test_path_leaves_out_what_may_be_a_secret():
    assert dotted(("rules", 2, "within", "warning")) == "rules[2].within.warning"
    assert dotted(("channels", "tgram://1:x", "url")) == "channels.(not shown).url"
    assert dotted(()) == ""
