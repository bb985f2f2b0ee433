-- Note rows of a table that are updated, unless only what schedulers write differs.
-- Parameters: {trigger}, {table}; {kind}, {row}: what is noted, and its column; {differs}: whether OLD and NEW do;
--   {former}: the name that a row had and has no more, else an empty text
-- Result: none
-- State: no trigger -> each row that differs has a change under its number and former name, or one more of it
-- Safe: noted in the transaction of the update. A number of a row that changes is two rows, the old and the new one
CREATE TRIGGER {trigger} AFTER UPDATE ON {table} FOR EACH ROW
    INSERT INTO horarium_change (kind, row_id, name, number)
    SELECT '{kind}', OLD.{row}, {former}, 1 FROM DUAL WHERE {differs}
    UNION ALL SELECT '{kind}', NEW.{row}, '', 1 FROM DUAL WHERE NEW.{row} <> OLD.{row}
    ON DUPLICATE KEY UPDATE number = horarium_change.number + 1;
