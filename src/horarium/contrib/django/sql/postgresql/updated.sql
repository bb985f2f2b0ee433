-- Note rows of a table that are updated, a statement at a time, unless only what schedulers write differs.
-- Parameters: {trigger}: also the function's name; {kind}, {row}: what is noted, and its column; {differs}: whether was
--   and became do; {former}: the name that a row had and has no more, else an empty text
-- Result: none
-- State: no function -> one by which each row that differs has a change under its number and former name, or one more
-- Safe: as inserted.sql. A row whose number changes is there as an old one without a new one, and the other way round
CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO horarium_change AS noted (kind, row_id, name, number)
    SELECT '{kind}', coalesce(was.{row}, became.{row}), {former}, 1
    FROM old_rows AS was FULL JOIN new_rows AS became ON became.{row} = was.{row}
    WHERE was.{row} IS NULL OR became.{row} IS NULL OR {differs}
    ORDER BY 2
    ON CONFLICT (kind, row_id, name) DO UPDATE SET number = noted.number + 1;
    RETURN NULL;
END $$;
