-- Forget the unique keys of messages that have ended.
-- Parameters: ids
-- Result: none
-- State: held by one that has ended -> (unknown)
-- Safe: it waits for nobody, since whoever has locked a key may be waiting for the message: a key that is left says by
--   itself that its holder has ended, and prune_keys.sql finds it
DELETE FROM {schema}.uniques WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM {schema}.uniques WHERE id = ANY (%(ids)s::text[]) FOR UPDATE SKIP LOCKED
))
