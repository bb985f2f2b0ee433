-- Note rows that are deleted from a table.
-- Parameters: {trigger}, {table}; {kind}, {row}: what is noted, and its column; {name}: the name that a row had, or ''
-- Result: none
-- State: no trigger -> each deleted row has a change under its number and name, or one more of it
-- Safe: SQLite has one writer at a time; noted in the transaction of the delete. Not an upsert: see inserted.sql
CREATE TRIGGER IF NOT EXISTS {trigger} AFTER DELETE ON {table} FOR EACH ROW BEGIN
    UPDATE horarium_change SET number = number + 1 WHERE kind = '{kind}' AND row_id = OLD.{row} AND name = {name};
    INSERT INTO horarium_change (kind, row_id, name, number)
    SELECT '{kind}', OLD.{row}, {name}, 1
    WHERE NOT EXISTS (SELECT 1 FROM horarium_change WHERE kind = '{kind}' AND row_id = OLD.{row} AND name = {name});
END;
