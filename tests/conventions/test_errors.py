from __future__ import annotations

import pickle

from rs3l_gnn.conventions import ConfigError


def test_what_got_allowed_and_the_next_step() -> None:
    error = ConfigError("no such name", got="a", allowed={"c", "b"}, hint="take another")
    assert str(error) == "no such name; got a; allowed: b, c; take another"


def test_a_file_cannot_fill_the_screen() -> None:
    """What a message quotes is cut, the rest stays; a second time nothing more is cut."""
    error = ConfigError("no such name", got="x" * 10**6, allowed=map(str, range(10)), hint="take another")
    text = str(error)
    assert len(text) < 2000
    assert text.startswith("no such name; got xxx")
    assert "(1000000 characters)" in text
    assert text.endswith("take another")
    longest = str(ConfigError("x" * 10**6))
    assert len(longest) <= 4000
    assert str(ConfigError(longest)) == longest
    again = pickle.loads(pickle.dumps(ConfigError("x" * 10**6, got="y" * 10**6)))  # noqa: S301  # our own bytes
    assert str(again) == str(ConfigError("x" * 10**6, got="y" * 10**6))
