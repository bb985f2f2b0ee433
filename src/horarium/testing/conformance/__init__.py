"""The exam that every engine sits: questions about each protocol, one file per protocol (the Queue has more).

A test module of an engine imports the classes and offers two fixtures::

    from horarium.testing.conformance.everything import *  # noqa: F403

    @pytest.fixture
    def engine(tmp_path): ...          # a fresh, empty engine; closed afterwards

    @pytest.fixture
    def reopen(engine): ...            # a function: another engine object on the same store

What an engine cannot do it declares in ``Engine.capabilities``; only the questions about that are skipped, with the
reason. Instants are those of ``engine.now()`` at the start, moved on by hand: no question waits for the clock. It needs
pytest, which Horarium itself does not; ``pytest.register_assert_rewrite("horarium.testing.conformance")`` in the
conftest makes its failures tell more.
"""
