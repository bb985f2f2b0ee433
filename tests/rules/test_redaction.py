"""What is masked, and what is not. Pure."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from horarium import codec, redaction
from horarium.outcome import ErrorRecord
from horarium.redaction import MASK, Lines, Marks, Redactor, beginning

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
redactor = Redactor()


def raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


@pytest.mark.parametrize(
    "name",
    "password PASSWORD userPassword user-passwd db_pwd apiKey X-Api-Key APIKEY stripe_api_key accessToken tokens "
    "client_secret Authorization card cardNumber creditCard cvv CVC2_cvc set-cookie ssn SECRET_KEY".split(),
)
def test_a_name_is_secret_in_any_case_and_style(name: str) -> None:
    assert redactor.is_secret(name)


@pytest.mark.parametrize(
    "name",
    "user discard cardinal passage tokenizer keyboard token_type card_id max_tokens has_password secretary author "
    "TokenExpiredError companion _ 42".split(),
)
def test_a_harmless_name_is_not_secret(name: str) -> None:
    assert not redactor.is_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("login password=hunter2 ok", f"login password={MASK} ok"),
        ("{'password': 'two words', 'n': 1}", f"{{'password': '{MASK}', 'n': 1}}"),
        ('{"api_key":"a\\"b","n":3}', f'{{"api_key":"{MASK}","n":3}}'),
        (r"{\"secret\": \"x\"}", rf"{{\"secret\": \"{MASK}\"}}"),
        ("GET /x?access_token=abc&page=2", f"GET /x?access_token={MASK}&page=2"),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: {MASK}"),
        ("sent with bearer abcdef123456", f"sent with bearer {MASK}"),
        (f"jwt {JWT}!", f"jwt {MASK}!"),
        ("postgres://shop:p%40ss@db/shop", f"postgres://shop:{MASK}@db/shop"),
        ("https://ghp_abcdefghijkl0123@github.com/a", f"https://{MASK}@github.com/a"),
        ("key AKIAIOSFODNN7EXAMPLE", f"key {MASK}"),
        ("paid with 4111 1111 1111 1111.", f"paid with {MASK}."),
        ("paid with 378282246310005", f"paid with {MASK}"),
        (f"key: {KEY} end", f"key: {MASK} end"),
    ],
)
def test_a_secret_in_a_text_is_masked_once(text: str, shown: str) -> None:
    assert redactor.text(text) == shown
    assert redactor.text(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "order 1010 took 0.31 s, attempt 3 of 3, state: STARTED",
        "at 1764358242000 of 550e8400-e29b-41d4-a716-446655440000",
        "4111 1111 1111 1112 has another check digit",
        "    token = self.token",
        "    connect(host, password=password)",
        "def f(password: str) -> None:",
        "http://host:8000/path and a@b.example",
        "password: None",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redactor.text(text) == text


def test_values_of_json_are_masked_by_their_keys_and_their_forms_at_any_depth() -> None:
    value = {
        "user": {"name": "ada", "Password": "x", "pins": [1, 2]},
        "headers": [["Authorization", "abc"], ["Accept", "*/*"]],
        "note": f"see {JWT}",
        "number": 4111111111111111,
        "secret": None,
        "has_card": True,
    }
    assert msgspec.json.decode(redactor.raw(raw(value))) == {
        "user": {"name": "ada", "Password": MASK, "pins": MASK},
        "headers": [["Authorization", MASK], ["Accept", "*/*"]],
        "note": f"see {MASK}",
        "number": MASK,
        "secret": None,
        "has_card": True,
    }


def test_json_without_a_secret_stays_to_the_letter() -> None:
    text = Raw(b'{"n": 1.50, "t": "\\u00e4"}')
    assert redactor.raw(text) is text


def test_tagged_values_stay_what_they_are_and_a_secret_type_is_masked() -> None:
    tagged = {"__horarium__": "tuple", "value": ["a", {"token": "t"}]}
    assert redactor.value(tagged) == {"__horarium__": "tuple", "value": ["a", {"token": MASK}]}
    assert redactor.value([{"__horarium__": "secret", "value": "x"}]) == [MASK]
    assert redactor.value({"__horarium__": "bytes", "value": "cGFzcw=="})["value"] == "cGFzcw=="


def test_what_is_deep_long_or_no_json_is_shown_in_part_and_as_a_text() -> None:
    deep: object = "secret"
    for _ in range(500):
        deep = [deep]
    assert MASK in bytes(redactor.raw(raw(deep))).decode()
    long = raw({"password": "abc", "rest": "x" * 5000})
    shown = msgspec.json.decode(beginning(redactor.raw(long), len(bytes(long)), 100))
    assert shown.startswith(f'{{"password":"{MASK}"') and shown.endswith("… of 5,028 bytes")
    assert msgspec.json.decode(redactor.raw(Raw(b'{"password": "abc", '))) == f'{{"password": "{MASK}", '


def test_arguments_are_masked_by_marks_and_by_the_names_of_parameters() -> None:
    marks = Marks(frozenset({"iban"}), frozenset({0}), ("first", "password", "iban", "n"))
    args, kwargs = redactor.call(raw(["a", "b", "c", 4, "e"]), raw({"n": 4, "iban": None, "first": 5}), marks)
    assert msgspec.json.decode(args) == [MASK, MASK, MASK, 4, "e"]
    assert msgspec.json.decode(kwargs) == {"n": 4, "iban": MASK, "first": MASK}


def test_secret_arguments_are_masked_wherever_they_turn_up() -> None:
    marks = Marks(frozenset({"card"}), frozenset(), ("card",))
    values = redactor.values(raw(["tiger-42-x"]), raw({"password": 'q"uo\\te', "pin": 1234, "user": "somebody"}), marks)
    text = "tiger-42-x of somebody, " + repr('q"uo\\te') + ", 1234"
    assert redactor.text(text, values) == f"{MASK} of somebody, '{MASK}', 1234"  # a short value is any word


def test_a_short_value_is_masked_only_as_a_word() -> None:
    values = redactor.values(raw([]), raw({"password": "sesame"}))
    assert redactor.text("sesame opens sesames", values) == f"{MASK} opens sesames"


def test_names_and_patterns_are_added_and_names_taken_away() -> None:
    own = Redactor(["iban", "-token"], [r"CUST-\d+"])
    assert own.text("iban=DE1 token=abc password=x CUST-77") == f"iban={MASK} token=abc password={MASK} {MASK}"


def test_switched_off_only_what_is_marked_is_masked() -> None:
    off = Redactor(is_on=False)
    marks = Marks(frozenset({"b"}), frozenset(), ("a", "b"))
    assert off.text(f"password=x {JWT} 4111111111111111") == f"password=x {JWT} 4111111111111111"
    assert off.value({"password": 4111111111111111}) == {"password": 4111111111111111}
    assert off.value({"__horarium__": "secret", "value": "x"}) == MASK
    args, kwargs = off.call(raw(["x", "y"]), raw({"password": "z"}), marks)
    assert (msgspec.json.decode(args), msgspec.json.decode(kwargs)) == (["x", MASK], {"password": "z"})


def test_a_key_that_is_spread_over_lines_is_masked_to_its_end() -> None:
    lines = Lines(redactor)
    shown = [lines.line(line) for line in ("before", *KEY.split("\n"), "after")]
    assert shown == ["before", MASK, MASK, MASK, MASK, "after"]


def test_lines_count_as_plain_only_outside_of_a_key() -> None:
    lines = Lines(redactor)
    first, *rest = KEY.split("\n")
    assert lines.are_plain(["before", "and on"]) and not lines.are_plain(["before", first])
    assert lines.line(first) == MASK
    assert not lines.are_plain(rest[:2])
    assert [lines.line(line) for line in rest] == [MASK, MASK, MASK]
    assert lines.are_plain(["after"]) and not lines.are_plain(["it is word-1"], ("word-1",))
    assert not Lines(Redactor(patterns=[r"CUST-\d+"])).are_plain(["x"])


PIECES = st.sampled_from(
    [
        *(
            "password",
            "apiKey",
            "X-Api-Keys",
            "PASSWD",
            "Tokens",
            "pin",
            "\u1e9eOTP",
            "\u0390pan",
            "secret\u0130",
            "card_id",
        ),
        *("=", ":", "=>", " ", "   ", "\n", "\t", "'", '"', '\\"', ",", "&", "/", "x", "abc-1", "\u0130", "None"),
        *(JWT, *KEY.split("\n"), "Bearer abcdefg1234", "https://me:tiger@host/", "https://0123456789abcdef0@host/"),
        *(
            "AKIA0123456789ABCDEF",
            "ASIA0123456789ABCDEF",
            "ghp_" + "a" * 36,
            "github_pat_" + "b" * 36,
            "xoxb-0123456789",
        ),
        *("glpat-" + "c" * 20, "sk_live_0123456789", "rk_test_0123456789", "AIza" + "d" * 35, "4111 1111-1111 1111"),
        *("378282246310005", "6011111111111117"),
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # of the machine, not of the strategy
@given(st.lists(st.lists(PIECES, max_size=6).map("".join), min_size=1, max_size=4))
def test_lines_that_count_as_plain_hold_nothing_that_would_be_masked(texts: list[str]) -> None:
    """What is asked beforehand, to spare most lines the search, finds a sign of all that the search itself finds."""
    if redactor.is_plain("\n".join(texts)):
        for text in texts:
            assert (
                redaction._PRIVATE_KEY.search(text)
                is redaction._JWT.search(text)
                is redaction._KNOWN.search(text)
                is None
            )
            assert redaction._URL_PASSWORD.search(text) is redaction._URL_TOKEN.search(text) is None
            assert redaction._BEARER.search(text) is None
            assert redaction._DIGITS.sub(redaction._card, text) == text
            assert redactor._without_pairs(text) == text


@pytest.mark.parametrize(
    "form",
    [
        *(
            KEY,
            JWT,
            "Bearer abcdefg1234",
            "https://me:tiger@host/",
            "https://0123456789abcdef0@host/",
            "4111 1111-1111 1111",
        ),
        *(
            "AKIA0123456789ABCDEF",
            "ASIA0123456789ABCDEF",
            "ghp_" + "a" * 36,
            "github_pat_" + "b" * 36,
            "xoxb-0123456789",
        ),
        *(
            "glpat-" + "c" * 20,
            "sk_live_0123456789",
            "rk_test_0123456789",
            "AIza" + "d" * 35,
            "APIKEY = 1x",
            "Pins: 12",
        ),
    ],
)
def test_each_form_of_a_secret_has_a_sign(form: str) -> None:
    assert not redactor.is_plain(f"it is {form} now")
    assert MASK in redactor.text(f"it is {form} now")


def test_a_letter_that_is_several_when_small_does_not_hide_a_name() -> None:
    """Looking for names beforehand is done in small letters; all that a name's letters become is taken for its rest."""
    rest = re.compile(redaction._REST_OF_NAME)
    letters = [letter for letter in map(chr, range(0x110000)) if re.match(r"[\w.-]", letter)]
    assert [letter for letter in letters if not all(map(rest.match, letter.casefold()))] == []


def test_looking_for_signs_takes_no_longer_for_each_letter_of_a_long_word() -> None:
    """Were each of them followed to the end of the word, this would take longer than a test may."""
    assert redactor.is_plain("at 12:00 " + "pin" * 3_000_000)


def test_an_error_is_masked_in_text_arguments_and_traceback() -> None:
    error = ErrorRecord(
        class_path="builtins.ValueError", args=raw(["password=abc"]), text="password=abc", traceback="X: password=abc"
    )
    shown = redactor.error(error)
    assert "abc" not in msgspec.json.encode(shown).decode() and shown.class_path == "builtins.ValueError"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["password", "a", "token", "__horarium__", "value"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_masked_is_json_and_stays_when_it_is_masked_again(value: object) -> None:
    once = redactor.raw(raw(value))
    assert redactor.raw(once) == once
    msgspec.json.decode(once)


@given(st.text(max_size=200))
def test_a_text_stays_when_it_is_masked_again(text: str) -> None:
    once = redactor.text(text)
    assert redactor.text(once) == once


@given(st.text(min_size=8, max_size=40).filter(lambda text: text not in MASK and text.isprintable()))
def test_a_secret_argument_is_nowhere_in_what_is_shown(secret: str) -> None:
    kwargs = raw({"password": secret})
    values = redactor.values(raw([]), kwargs)
    for text in (f"x {secret} y", f"x {secret!r} y", codec.encode({"a": secret}).decode(), secret * 2):
        assert secret not in redactor.text(text, values).replace(MASK, "|")
