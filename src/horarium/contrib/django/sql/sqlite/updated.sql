-- Note rows of a table that are updated, unless only what schedulers write differs.
-- Parameters: {trigger}, {table}; {kind}, {row}: what is noted, and its column; {differs}: whether OLD and NEW do;
--   {former}: the name that a row had and has no more, else an empty text
-- Result: none
-- State: no trigger -> each row that differs has a change under its number and former name, or one more of it
-- Safe: SQLite has one writer at a time; noted in the transaction of the update. Not an upsert: see inserted.sql
CREATE TRIGGER IF NOT EXISTS {trigger} AFTER UPDATE ON {table} FOR EACH ROW WHEN {differs} BEGIN
    UPDATE horarium_change SET number = number + 1 WHERE kind = '{kind}' AND row_id = OLD.{row} AND name = {former};
    INSERT INTO horarium_change (kind, row_id, name, number)
    SELECT '{kind}', OLD.{row}, {former}, 1
    WHERE NOT EXISTS (SELECT 1 FROM horarium_change WHERE kind = '{kind}' AND row_id = OLD.{row} AND name = {former});
    UPDATE horarium_change SET number = number + 1
    WHERE kind = '{kind}' AND row_id = NEW.{row} AND name = '' AND NEW.{row} <> OLD.{row};
    INSERT INTO horarium_change (kind, row_id, name, number)
    SELECT '{kind}', NEW.{row}, '', 1
    WHERE NEW.{row} <> OLD.{row}
      AND NOT EXISTS (SELECT 1 FROM horarium_change WHERE kind = '{kind}' AND row_id = NEW.{row} AND name = '');
END;
