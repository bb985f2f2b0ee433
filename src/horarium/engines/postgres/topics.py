"""Topics of the notifier as PostgreSQL knows them: a channel to NOTIFY, and the key of an advisory lock by which a
listener shows that it waits (see sql/announce.sql)."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256
from zlib import crc32

from msgspec import Struct

from horarium.engines.postgres.sql import Database, array

PREFIX = "horarium_"


class Topic(Struct, frozen=True):
    """``channel`` is a valid identifier; two topics never share one."""

    channel: str
    key: int


class Topics:
    """The topics of one schema."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._known: dict[str, Topic] = {}
        self.space = crc32(b"horarium " + schema.encode()) - 2**31
        self.lock_space = crc32(b"horarium locks " + schema.encode()) - 2**31  # of locks that are no topic's

    def topic(self, name: str) -> Topic:
        topic = self._known.get(name)
        if topic is None:
            digest = sha256(f"{self._schema}\n{name}".encode()).digest()
            channel = f"{PREFIX}{digest[:16].hex()}"
            topic = Topic(channel, self.key_of(channel))
            self._known[name] = topic
        return topic

    def key_of(self, channel: str) -> int:
        """Return the key of a channel; it is told by the name alone."""
        return int.from_bytes(bytes.fromhex(channel.removeprefix(PREFIX))[:4], signed=True)

    def key_of_lock(self, name: str) -> int:
        """Return the key, in lock_space, of an advisory lock by its name."""
        return crc32(f"lock {name}".encode()) - 2**31

    def announce(self, db: Database, names: Collection[str]) -> None:
        """Wake those who wait. To be sent behind the commit of what there is to see."""
        if names:
            topics = [self.topic(name) for name in sorted(names)]
            db.run(
                "announce",
                space=self.space,
                keys=array(topic.key for topic in topics),
                channels=array(topic.channel for topic in topics),
            )

    def announce_at_commit(self, db: Database, names: Collection[str]) -> None:
        """Wake all who listen when the open transaction commits."""
        if names:
            db.run("announce_at_commit", channels=array(self.channels(names)))

    def channels(self, names: Collection[str]) -> list[str]:
        """Return the channels of topics."""
        return [self.topic(name).channel for name in sorted(names)]
