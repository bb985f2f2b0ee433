-- Note which messages wait in vain.
-- Parameters: ids, dooms (JSON of gates.Doom): arrays of one length
-- Result: none
-- State: blocked -> blocked, doomed
-- Safe: inside the transaction that ends what they wait for
INSERT INTO {schema}.dooms (id, doom) SELECT id, doom FROM unnest(%(ids)s::text[], %(dooms)s::text[]) AS told (id, doom)
