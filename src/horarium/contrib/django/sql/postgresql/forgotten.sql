-- Forget what is known besides of rows that are deleted from the table of periodic tasks, a statement at a time.
-- Parameters: {trigger}: also the function's name; {row}: the column of its number
-- Result: none
-- State: no function -> one by which a deleted row takes its row of horarium_schedule_extra along
-- Safe: as inserted.sql. A number that is given out anew (RESTART IDENTITY) does not inherit
CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM horarium_schedule_extra WHERE periodic_task_id IN (SELECT was.{row} FROM old_rows AS was);
    RETURN NULL;
END $$;
