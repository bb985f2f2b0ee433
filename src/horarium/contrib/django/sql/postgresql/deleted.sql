-- Note rows that are deleted from a table, a statement at a time.
-- Parameters: {trigger}: also the function's name; {kind}, {row}: what is noted, and its column; {name}: its
--   name, or ''
-- Result: none
-- State: no function -> one by which each deleted row has a change under its number and name, or one more of it
-- Safe: as inserted.sql
CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO horarium_change AS noted (kind, row_id, name, number)
    SELECT '{kind}', was.{row}, {name}, 1 FROM old_rows AS was ORDER BY 2
    ON CONFLICT (kind, row_id, name) DO UPDATE SET number = noted.number + 1;
    RETURN NULL;
END $$;
