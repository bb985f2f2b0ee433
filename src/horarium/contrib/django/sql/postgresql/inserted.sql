-- Note rows that are inserted into a table, a statement at a time.
-- Parameters: {trigger}: also the function's name; {kind}, {row}: what is noted, and its column; {counts}: which count
-- Result: none
-- State: no function -> one by which each new row that counts has a change under its number, or one more of it
-- Safe: noted in the transaction of the insert, in the order of the numbers, so that two of them do not wait for each
--   other in a ring. SECURITY DEFINER: whoever may edit the table may do so, without a right on ours
CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO horarium_change AS noted (kind, row_id, name, number)
    SELECT '{kind}', became.{row}, '', 1 FROM new_rows AS became WHERE {counts} ORDER BY 2
    ON CONFLICT (kind, row_id, name) DO UPDATE SET number = noted.number + 1;
    RETURN NULL;
END $$;
