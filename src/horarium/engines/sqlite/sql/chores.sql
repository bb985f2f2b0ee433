-- Ask whether there is anything to do for maintain(), so that an idle store's write lock is left alone.
-- Parameters: :now, :keep (ms), :buried (tombstones), :fired (firings), :journal (entries kept)
-- Result: owners to give up or to relieve, overdue messages, old runs, old traces; each 0 or 1
-- State: unchanged
-- Safe: a hint; what is missed now is found by the next call
SELECT
    EXISTS (SELECT 1 FROM owners WHERE given_up IS NULL AND lease_until <= :now)
    OR EXISTS (
        SELECT 1 FROM owners
        WHERE given_up IS NOT NULL AND EXISTS (SELECT 1 FROM runs WHERE runs.phase = 1 AND runs.owner = owners.owner)
    ),
    EXISTS (SELECT 1 FROM runs WHERE phase <= 0 AND expires IS NOT NULL AND expires <= :now),
    EXISTS (SELECT 1 FROM runs WHERE phase = 2 AND keep IS NULL AND changed <= :now - :keep)
    OR EXISTS (SELECT 1 FROM runs WHERE phase = 2 AND keep IS NOT NULL AND changed + keep <= :now),
    EXISTS (SELECT 1 FROM owners WHERE given_up IS NOT NULL AND given_up <= :buried)
    OR EXISTS (SELECT 1 FROM firings WHERE nominal <= :fired)
    OR EXISTS (SELECT 1 FROM notes WHERE expires IS NOT NULL AND expires <= :now)
    OR coalesce((SELECT max(number) FROM journal) - (SELECT min(number) FROM journal) >= :journal, FALSE)
