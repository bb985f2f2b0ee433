-- Note that the table of periodic tasks is emptied, and forget what is known of its rows besides.
-- Parameters: {trigger}: also the function's name
-- Result: none
-- State: no function -> one by which TRUNCATE leaves a change of everything, or one more of it,
--   and no row of horarium_schedule_extra
-- Safe: as inserted.sql
CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO horarium_change AS noted (kind, row_id, name, number) VALUES ('all', 0, '', 1)
    ON CONFLICT (kind, row_id, name) DO UPDATE SET number = noted.number + 1;
    DELETE FROM horarium_schedule_extra;
    RETURN NULL;
END $$;
