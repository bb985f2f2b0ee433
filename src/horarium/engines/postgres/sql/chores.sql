-- Ask whether there is anything to do for maintain(), so that an idle store is not written to.
-- Parameters: now, keep (ms), buried (tombstones), fired (firings)
-- Result: owners to give up or to relieve, overdue messages, old runs, old traces; each true or false
-- State: unchanged
-- Safe: a hint; what is missed now is found by the next call
SELECT
    EXISTS (SELECT FROM {schema}.owners WHERE given_up IS NULL AND lease_until <= %(now)s::bigint)
    OR EXISTS (
        SELECT FROM {schema}.owners AS o
        WHERE given_up IS NOT NULL AND (SELECT true FROM {schema}.messages AS m WHERE m.owner = o.owner LIMIT 1)
    ),
    EXISTS (SELECT FROM {schema}.messages WHERE num_nulls(owner) = 1 AND expires <= %(now)s::bigint),
    EXISTS (SELECT FROM {schema}.runs WHERE keep IS NULL AND changed <= %(now)s::bigint - %(keep)s::bigint)
    OR EXISTS (SELECT FROM {schema}.runs WHERE keep IS NOT NULL AND changed + keep <= %(now)s::bigint),
    EXISTS (SELECT FROM {schema}.owners WHERE given_up <= %(buried)s::bigint)
    OR EXISTS (SELECT FROM {schema}.firings WHERE nominal <= %(fired)s::bigint)
