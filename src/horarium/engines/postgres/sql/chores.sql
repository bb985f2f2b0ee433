-- Ask whether there is anything to do for maintain(), so that an idle store is not written to.
-- Parameters: now, keep (ms), buried (tombstones), fired (firings), looked (unique keys), journal (entries kept)
-- Result: owners to give up or to relieve, overdue messages, old runs, old traces, what was released or doomed and
--   not carried out; each true or false
-- State: unchanged
-- Safe: a hint; what is missed now is found by the next call
SELECT
    EXISTS (SELECT FROM {schema}.owners WHERE given_up IS NULL AND lease_until <= %(now)s::bigint)
    OR EXISTS (
        SELECT FROM {schema}.owners AS o
        WHERE given_up IS NOT NULL AND (SELECT true FROM {schema}.messages AS m WHERE m.owner = o.owner LIMIT 1)
    ),
    EXISTS (SELECT FROM {schema}.messages WHERE coalesce(owner, ' gate') IN (' gate', ' slot') AND expires <= %(now)s::bigint),
    EXISTS (SELECT FROM {schema}.runs WHERE keep IS NULL AND changed <= %(now)s::bigint - %(keep)s::bigint)
    OR EXISTS (SELECT FROM {schema}.runs WHERE keep IS NOT NULL AND changed + keep <= %(now)s::bigint),
    EXISTS (SELECT FROM {schema}.owners WHERE given_up <= %(buried)s::bigint)
    OR EXISTS (SELECT FROM {schema}.firings WHERE nominal <= %(fired)s::bigint)
    OR EXISTS (SELECT FROM {schema}.uniques WHERE looked <= %(looked)s::bigint)
    OR EXISTS (SELECT FROM {schema}.notes WHERE expires <= %(now)s::bigint)
    OR EXISTS (
        SELECT FROM {schema}.journal
        WHERE number <= (
            SELECT j.number FROM {schema}.journal AS j WHERE j.number > 0 ORDER BY j.number DESC LIMIT 1
        ) - %(journal)s::bigint
    ),
    EXISTS (SELECT FROM {schema}.dooms WHERE number > 0)
    OR EXISTS (SELECT FROM {schema}.arrivals WHERE is_new AND gate > 0)
