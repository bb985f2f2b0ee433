-- Note rows that are inserted into a table.
-- Parameters: {trigger}, {table}; {kind}, {row}: what is noted, and its column; {counts}: which rows count
-- Result: none
-- State: no trigger -> each new row that counts has a change under its number, or one more of it
-- Safe: SQLite has one writer at a time; noted in the transaction of the insert. Not an upsert, and without OR: a
--   trigger takes over the conflict clause of the statement that fires it, so that INSERT OR IGNORE would turn it around
CREATE TRIGGER IF NOT EXISTS {trigger} AFTER INSERT ON {table} FOR EACH ROW WHEN {counts} BEGIN
    UPDATE horarium_change SET number = number + 1 WHERE kind = '{kind}' AND row_id = NEW.{row} AND name = '';
    INSERT INTO horarium_change (kind, row_id, name, number)
    SELECT '{kind}', NEW.{row}, '', 1
    WHERE NOT EXISTS (SELECT 1 FROM horarium_change WHERE kind = '{kind}' AND row_id = NEW.{row} AND name = '');
END;
