"""Every engine sits the same exam."""

from __future__ import annotations

from horarium.engines.protocol import Engine
from horarium.engines.records import Capabilities
from horarium.testing.conformance.everything import *  # noqa: F403

# What an engine may say it cannot do; a question that is skipped for anything else is a failure of this table.
DECLARED = {
    "memory": Capabilities(name="memory", durable=False, shared=False, many_hosts=False),
    "sqlite": Capabilities(name="sqlite", durable=True, shared=True, many_hosts=False),
    "redis": Capabilities(name="redis", durable=True, shared=True, many_hosts=True, announces=True),
    "postgres": Capabilities(
        name="postgres", durable=True, shared=True, many_hosts=True, announces=True, transactional=True
    ),
    "sqlite+sqlite": Capabilities(name="sqlite+sqlite", durable=True, shared=True, many_hosts=False),
}


def test_each_engine_declares_what_it_is_known_to_be(engine: Engine) -> None:
    assert engine.capabilities == DECLARED[engine.capabilities.name]
