"""What a shop does with its orders and its tasks in one database."""

from __future__ import annotations

from typing import Any

import psycopg

from horarium import Horarium
from horarium.errors import NotCommittedError


class Desk:
    """An app and its orders. Tasks read what they are to do from ``plan``."""

    def __init__(self, store: str, address: str) -> None:
        self.address = address
        self.sqlalchemy = address.replace("postgresql://", "postgresql+psycopg://")
        self.app = Horarium("desk", store=store, set_as_current=False)
        desk = self

        @self.app.task(name="ship")
        def ship(order: int) -> None: ...

        @self.app.task(name="pay", bind=True)
        def pay(task: Any, order: int, how: str = "well") -> Any:
            return desk.pay(task, order, how)

    def pay(self, task: Any, order: int, how: str) -> Any:
        """Pay an order and finish the task in one transaction, or fail to in one of several ways."""
        with self.connect() as connection:
            connection.execute("INSERT INTO orders VALUES (%s, 'paid')", [order])
            if how == "twice":
                task.finish_in(connection, result={"paid": order})
            task.finish_in(connection, result={"paid": order})
            if how == "raise before commit":
                raise ValueError("no")
            if how == "roll back":
                connection.rollback()
        if how == "raise after commit":
            raise ValueError("too late")
        return "what is returned does not count"

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.address, **options)

    def orders(self) -> list[int]:
        with self.connect() as connection:
            return [id for (id,) in connection.execute("SELECT id FROM orders ORDER BY id")]

    def waiting(self) -> int:
        return sum(queue.ready + queue.scheduled for queue in self.app.engine.inspector.counts().queues.values())

    def close(self) -> None:
        self.app.close()


__all__ = ["Desk", "NotCommittedError"]
