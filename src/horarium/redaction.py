"""What may not be seen: secrets in arguments, results, errors and log lines, found by the names that they have, by the
form that they have, and by the marks that a task has set. Pure: values in, values out.

A secret is replaced by ``MASK``. Whatever is masked once stays as it is when it is masked again. Nothing here promises
that a text holds no secret: one that has neither a name nor a form, in the middle of a sentence, is any other word.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from horarium.outcome import ErrorRecord
from horarium.tagged import COLLECTIONS, ESCAPED_DICT, PAYLOAD, SECRET, TAG

MASK = "[redacted]"
MASK_RAW = Raw(b'"[redacted]"')
CUT = "… of {:,} bytes"  # behind the beginning of what is too long; alone if nothing of that may be shown

# Words of keys and parameters that name a secret. A name is secret if one of these is among its words, in any case and
# style: apiKey, X-Api-Key, stripe_api_key; see Redactor.is_secret.
NAMES = (
    "password passwd passphrase passcode pwd secret token authorization credential api_key access_key secret_key "
    "private_key encryption_key signing_key cookie card card_number credit_card cvv cvc pin otp ssn pan"
).split()
# What follows or leads such a word in the name of something harmless: token_type, card_id, max_tokens.
_HARMLESS_END = frozenset(
    "id type count limit length name error exception expired expires status policy version kind".split()
)
_HARMLESS_START = frozenset("max min num total has is no".split())

DEEPEST = 100  # levels of nesting that are looked into; what lies deeper is masked
MOST_VALUES = 50  # secret values of one call that are looked for in its texts
LONGEST_VALUE = 4096  # characters
SHORTEST_VALUE = 6  # a shorter one is found in too many words that are none
ALONE_UP_TO = 8  # one that is shorter is masked only where it is a word of its own
MOST_NAMES = 10_000  # whose judgement is remembered


class Marks(Struct, frozen=True):
    """What a task says of its own arguments. ``parameters`` are the names of the positional ones, as far as known."""

    names: frozenset[str] = frozenset()
    positions: frozenset[int] = frozenset()
    parameters: tuple[str, ...] = ()

    @property
    def are_set(self) -> bool:
        return bool(self.names or self.positions)

    @property
    def behind_one(self) -> Marks:
        """The same for a call that will be given a value in front of its arguments."""
        return Marks(self.names, frozenset(place - 1 for place in self.positions if place), self.parameters[1:])

    def holds(self, key: str | int) -> bool:
        """Whether the argument of this name, or at this position, is marked."""
        if isinstance(key, int):
            return key in self.positions or (key < len(self.parameters) and self.parameters[key] in self.names)
        return key in self.names or any(
            place < len(self.parameters) and self.parameters[place] == key for place in self.positions
        )


NO_MARKS = Marks()


class Redactor:
    """Masks secrets. ``names`` and ``patterns`` come on top of ours; a name with a ``-`` in front takes one of ours
    away. With ``is_on`` False nothing is found by name or form: only what tasks mark, and values of secret types.

    May be used by any thread. Raises: re.error for a pattern that is none.
    """

    def __init__(self, names: Iterable[str] = (), patterns: Iterable[str] = (), *, is_on: bool = True) -> None:
        given = tuple(names)
        taken = {_words(name[1:]) for name in given if name.startswith("-")}
        chosen = [_words(name) for name in (*NAMES, *(name for name in given if not name.startswith("-")))]
        self.is_on = is_on
        self._rules = tuple(rule for rule in dict.fromkeys(chosen) if rule and rule not in taken) if is_on else ()
        self._signs = _signs_of(rule[0] for rule in self._rules)
        self._glued = frozenset("".join(rule) for rule in self._rules)
        self._patterns = tuple(re.compile(pattern) for pattern in patterns) if is_on else ()
        self._judged: dict[str, bool] = {}

    def is_secret(self, name: str) -> bool:
        """Whether what is called so is a secret."""
        known = self._judged.get(name)
        if known is None:
            if len(self._judged) >= MOST_NAMES:
                self._judged.clear()
            known = self._judged[name] = self._judge(name)
        return known

    def text(self, text: str, values: Collection[str] = ()) -> str:
        """Return a text without the secrets in it: the ``values`` given, what has the form of one (private keys,
        credentials in URLs, bearer and other tokens, card numbers, the app's own patterns), and what stands behind a
        secret name and a colon or an equals sign."""
        for value in values:
            if value in text:
                text = _without(text, value)
        if not self.is_on or len(text) < SHORTEST_VALUE:
            return text
        text = _without_forms(text)
        if self._may_name(text):
            text = self._without_pairs(text)
        for pattern in self._patterns:
            text = pattern.sub(MASK, text)
        return text

    def is_plain(self, text: str, values: Collection[str] = ()) -> bool:
        """Whether ``text`` would return this, and any whole lines of it, as they are: there is no sign of a secret. It
        may say no of what holds none."""
        for value in values:
            if value in text:
                return False
        return not self.is_on or not (self._patterns or _has_sign(text) or self._may_name(text))

    def value(self, value: Any, values: Collection[str] = ()) -> Any:
        """Return a decoded JSON value without its secrets. Any: JSON."""
        return self._value(value, values, DEEPEST)

    def raw(self, raw: Raw, values: Collection[str] = ()) -> Raw:
        """Return stored JSON without its secrets; what is no JSON becomes a text."""
        data = bytes(raw)
        if len(data) <= len('""') + 1 or data in _EMPTY:
            return raw
        try:
            found = msgspec.json.decode(data)
            masked = self.value(found, values)
        except (msgspec.DecodeError, RecursionError):
            return Raw(msgspec.json.encode(self.text(data.decode("utf-8", "replace"), values)))
        return raw if masked == found else Raw(msgspec.json.encode(masked))

    def call(
        self, args: Raw, kwargs: Raw, marks: Marks = NO_MARKS, values: Collection[str] | None = None
    ) -> tuple[Raw, Raw]:
        """Return the arguments of a call without the secrets among them. ``values``: these, for who knows them."""
        positional, named = _decoded(args, list), _decoded(kwargs, dict)
        values = self.values(args, kwargs, marks) if values is None else values
        if positional is None or named is None:  # not made by us: names do not help here
            return self.raw(args, values), self.raw(kwargs, values)
        if positional:
            shown = [
                MASK if self._is_hidden(place, item, marks) else self.value(item, values)
                for place, item in enumerate(positional)
            ]
            args = args if shown == positional else Raw(msgspec.json.encode(shown))
        if named:
            told = {
                name: MASK if self._is_hidden(name, item, marks) else self.value(item, values)
                for name, item in named.items()
            }
            kwargs = kwargs if told == named else Raw(msgspec.json.encode(told))
        return args, kwargs

    def values(self, args: Raw, kwargs: Raw, marks: Marks = NO_MARKS) -> tuple[str, ...]:
        """Return the secret values of a call, as texts, the longest first: they are masked wherever they turn up."""
        if self.has_no_names(args, kwargs, marks):
            return ()
        found: dict[str, None] = {}
        for place, item in enumerate(_decoded(args, list) or ()):
            self._collect(item, self._is_hidden(place, item, marks), found, DEEPEST)
        for name, item in (_decoded(kwargs, dict) or {}).items():
            self._collect(item, self._is_hidden(name, item, marks), found, DEEPEST)
        forms = {form for value in found for form in (value, repr(value)[1:-1], _as_json(value))}
        return tuple(sorted(forms, key=len, reverse=True))

    def has_no_names(self, args: Raw, kwargs: Raw, marks: Marks = NO_MARKS) -> bool:
        """Whether it is plain without decoding them that a call has no secret values, as by far the most have none:
        nothing among their arguments has a name."""
        if marks.are_set or bytes(kwargs) != b"{}" or b"{" in bytes(args):
            return False
        return not any(map(self.is_secret, marks.parameters))

    def error(self, record: ErrorRecord, values: Collection[str] = ()) -> ErrorRecord:
        """Return what is kept of an exception without the secrets in its text, arguments and traceback."""
        trace = record.traceback
        return msgspec.structs.replace(
            record,
            args=self.raw(record.args, values),
            text=self.text(record.text, values),
            traceback=None if trace is None else self.text(trace, values),
        )

    def _may_name(self, text: str) -> bool:
        """Whether it is worth looking for names: reading every word takes 5 us of a line of 70 characters, this 0.7."""
        if not ("=" in text or ":" in text):
            return False
        return any(found[1] is not None for found in self._signs.finditer(text.casefold()))

    def _judge(self, name: str) -> bool:
        # Whatever is secret has the first word of a rule in it: finding that out takes 1 us, its words 13.
        if not self._rules or self._signs.search(name.casefold()) is None:
            return False
        words = _words(name)
        if words in self._rules:
            return True
        if words[-1] in _HARMLESS_END or words[0] in _HARMLESS_START:
            return False
        if any(word in self._glued for word in words):
            return True
        return any(
            words[start : start + len(rule)] == rule
            for rule in self._rules
            for start in range(len(words) - len(rule) + 1)
        )

    def _is_hidden(self, key: str | int, item: Any, marks: Marks) -> bool:
        if marks.holds(key):
            return True
        if isinstance(key, int):
            key = marks.parameters[key] if key < len(marks.parameters) else ""
        return _is_worth(item) and self.is_secret(key)

    def _value(self, value: Any, values: Collection[str], left: int) -> Any:
        kind = type(value)
        if kind is str:
            return self.text(value, values)
        if kind is int:
            return MASK if self.is_on and value > _LEAST_CARD and _is_card(str(value)) else value
        if kind is dict:
            if not left:
                return MASK
            return self._dict(value, values, left - 1)
        if kind is list:
            if not left:
                return MASK
            if len(value) == 2 and type(value[0]) is str and _is_worth(value[1]) and self.is_secret(value[0]):
                return [value[0], MASK]  # a pair, such as of headers
            return [self._value(item, values, left - 1) for item in value]
        return value

    def _dict(self, value: dict[str, Any], values: Collection[str], left: int) -> Any:
        if TAG in value:
            tag = value[TAG]
            if tag == SECRET:
                return MASK
            if isinstance(tag, str) and tag in _LOOKED_INTO:
                return {**value, PAYLOAD: self._value(value.get(PAYLOAD), values, left)}
            return value
        return {
            name: MASK if _is_worth(item) and self.is_secret(name) else self._value(item, values, left)
            for name, item in value.items()
        }

    def _collect(self, value: Any, is_hidden: bool, found: dict[str, None], left: int) -> None:
        """Note the texts of secrets; of one that is hidden, all that it holds."""
        if len(found) >= MOST_VALUES or not left:
            return
        match value:
            case dict():
                is_hidden = is_hidden or value.get(TAG) == SECRET
                for name, item in value.items():
                    if name != TAG:
                        hides = is_hidden or (_is_worth(item) and self.is_secret(name))
                        self._collect(item, hides, found, left - 1)
            case list():
                for item in value:
                    self._collect(item, is_hidden, found, left - 1)
            case str() | int() | float() if is_hidden and not isinstance(value, bool):
                text = str(value)
                if SHORTEST_VALUE <= len(text) <= LONGEST_VALUE and text != MASK:
                    found[text] = None

    def _without_pairs(self, text: str) -> str:
        """Mask what stands behind a secret name. What stands behind another one may begin with a secret one itself:
        ``ValueError: password=x``."""
        parts: list[str] = []
        done = at = 0
        while (found := _NAME.search(text, at)) is not None:
            at = found.end()
            if not self.is_secret(found[2]) or (value := _VALUE.match(text, at)) is None:
                continue
            masked = self._masked(value[0])
            if masked is not None:
                parts += (text[done:at], masked)
                done = at = value.end()
        return text if not parts else "".join((*parts, text[done:]))

    def _masked(self, said: str) -> str | None:
        """Return what is shown of what stands behind a secret name; None: it is no secret."""
        opening = _OPENING.match(said)
        mark = opening[0] if opening is not None else ""
        bare = said[len(mark) :].removesuffix(mark) if mark else said
        if not bare or bare.startswith(MASK[:-1]) or bare in _NO_SECRETS:
            return None
        if not mark and (names := _EXPRESSION.match(bare)) and self.is_secret(names[1]):
            return None  # source code: token = self.token
        closing = mark if mark and len(said) > len(mark) and said.endswith(mark) else ""
        return f"{mark}{MASK}{closing}"


def beginning(redacted: Raw, size: int, limit: int) -> Raw:
    """Return JSON that was redacted whole; of more than ``limit`` bytes a text of the beginning, and how many bytes
    (``size``) the whole has where it is stored. What is cut must not be redacted again: half a secret is not found."""
    data = bytes(redacted)
    if min(len(data), size) <= limit:
        return redacted
    return Raw(msgspec.json.encode(data[:limit].decode("utf-8", "ignore") + CUT.format(size)))


class Lines:
    """Masks the secrets in lines that come one after the other: a private key may be spread over many."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._is_in_key = False

    def line(self, text: str, values: Collection[str] = ()) -> str:
        if self._is_in_key:
            self._is_in_key = "-----END" not in text
            return MASK
        if self._redactor.is_on and "PRIVATE KEY-----" in text and "-----END" not in text:
            self._is_in_key = True
        return self._redactor.text(text, values)

    def are_plain(self, texts: Sequence[str], values: Collection[str] = ()) -> bool:
        """Whether the next lines may stay as they are. If so, they count as seen: ``line`` has them behind it."""
        return not self._is_in_key and self._redactor.is_plain("\n".join(texts), values)


_EMPTY = (b"[]", b"{}", b'""', b"null", b"true", b"false")
_NO_SECRETS = frozenset(("None", "null", "true", "false", "True", "False", "str", "bytes", "int"))
_LOOKED_INTO = frozenset((ESCAPED_DICT, *(kind.name for kind in COLLECTIONS)))

_EDGES = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GAPS = re.compile(r"[\W_]+")

# name=value, name: value, "name": "value", and in escaped JSON, name => value. Each word is tried once.
_NAME = re.compile(r"""(?<![\w.-])(\\?["']?)([^\W\d][\w.-]{0,99})\1\s{0,3}(?:=>|[:=])\s{0,3}""")
# The letters of a name and the quotes behind it. Some letters become several when they are made small: these need not
# be letters, but are never of ASCII.
_REST_OF_NAME = r"""[\w.\-\\"'\u0080-\U0010ffff]"""
_VALUE = re.compile(
    r"""\\"(?:(?!\\").)*(?:\\")?|\\'(?:(?!\\').)*(?:\\')?|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?"""
    r"""|(?:(?:[Bb]earer|[Bb]asic|[Dd]igest|[Tt]oken)\s+)?[^\s,;&)}>"']+"""
)
_OPENING = re.compile(r"""\\?["']""")
_EXPRESSION = re.compile(r"^(?:\w+\.)*([^\W\d]\w*)(?=$|[(\[.])")

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)", re.DOTALL
)
_URL_PASSWORD = re.compile(r"""(://[^\s/:@"']*:)(?!\[redacted)[^\s/@"']+(@)""")
_URL_TOKEN = re.compile(r"""(://)[^\s/:@"']{16,}(@)""")
_BEARER = re.compile(r"\b([Bb]earer\s+)(?=[A-Za-z_+/=.~-]*\d)[\w.~+/=-]{8,}")
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?")
# Tokens that say by their beginning whose they are: AWS, GitHub, GitLab, Stripe, Slack, Google.
_KNOWN = re.compile(
    r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[opusr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|(?:sk|rk)_(?:live|test)_\w{10,}"
    r"|xox[abeprs]-[\w-]{10,}|AIza[\w-]{35})"
)
_DIGITS = re.compile(r"(?<![\w.-])[2-6](?:[ -]?\d){12,18}(?![\w-])")
_MANY_DIGITS = re.compile(r"[2-6](?:[ -]?\d){12}")  # what _DIGITS needs
_LEAST_CARD = 10**12
# How the numbers of cards begin, and how long they are: Visa, Mastercard, American Express, Discover, JCB, Diners,
# UnionPay.
_CARD = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12,15}|35(?:2[89]|[3-8]\d)\d{12,15}|3(?:0[0-5]|[689]\d)\d{11}|62\d{14,17}"
)


def _without_forms(text: str) -> str:
    """Each search is made only in texts that hold a sign of what it is for: looking for a few letters costs little."""
    if not _has_sign(text):
        return text
    text = _PRIVATE_KEY.sub(MASK, text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1{MASK}\2", text)
        text = _URL_TOKEN.sub(rf"\1{MASK}\2", text)
    text = _JWT.sub(MASK, text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _KNOWN.sub(MASK, text)
    return _DIGITS.sub(_card, text)


def _has_sign(text: str) -> bool:
    """Whether it is worth looking for the form of a secret.

    Most texts lack the one letter that several signs share: that is asked first, as a letter is found twenty times as
    fast as a word. So it takes 5 ns for each letter of a text; asking for each sign took 12, one pattern of all 20 to
    30, and looking at once for card numbers with all that may not be around them (_DIGITS) 20 instead of the 3 here.
    """
    return (
        ("I" in text and ("PRIVATE KEY-----" in text or "AKIA" in text or "ASIA" in text or "AIza" in text))
        or ("_" in text and ("gh" in text or "github_pat_" in text or "k_live_" in text or "k_test_" in text))
        or ("-" in text and ("xox" in text or "glpat-" in text))
        or ("J" in text and "eyJ" in text)
        or ("@" in text and "://" in text)
        or "earer" in text
        or _MANY_DIGITS.search(text) is not None
    )


def _signs_of(signs: Iterable[str]) -> re.Pattern[str]:
    """Return what finds these words in a text in small letters, each with what is left of the name that it is in; the
    group holds the colon or equals sign behind that, if there is one."""
    found = "|".join(map(re.escape, sorted(set(signs)))) or r"(?!)"
    return re.compile(rf"(?:{found}){_REST_OF_NAME}*+(?:\s{{0,3}}([:=]))?")


def _card(found: re.Match[str]) -> str:
    return MASK if _is_card(found[0].replace(" ", "").replace("-", "")) else found[0]


def _is_card(digits: str) -> bool:
    """Whether it is the number of a payment card: its beginning, its length and its check digit (Luhn) fit."""
    if _CARD.fullmatch(digits) is None:
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    total = sum(map(int, digits[-1::-2])) + sum(number - 9 if number > 9 else number for number in doubled)
    return total % 10 == 0


def _words(name: str) -> tuple[str, ...]:
    """Return the words of a name, small and in the singular."""
    parts = _GAPS.split(_EDGES.sub("_", name).casefold())
    return tuple(part[:-1] if len(part) > 3 and part.endswith("s") else part for part in parts if part)


def _is_worth(item: Any) -> bool:
    """Whether there is anything to hide: nothing, yes and no are no secrets."""
    return item is not None and item is not True and item is not False and item != "" and item != [] and item != {}


def _without(text: str, value: str) -> str:
    if len(value) >= ALONE_UP_TO:
        return text.replace(value, MASK)
    return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", MASK.replace("\\", r"\\"), text)


def _as_json(value: str) -> str:
    return msgspec.json.encode(value).decode()[1:-1]


def _decoded(raw: Raw, kind: type) -> Any:
    """Return stored arguments, decoded; None for what is none."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, kind) else None
