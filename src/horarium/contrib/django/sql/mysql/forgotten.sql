-- Forget what is known besides of rows that are deleted from the table of periodic tasks.
-- Parameters: {trigger}, {table}; {row}: the column of its number
-- Result: none
-- State: no trigger -> a deleted row takes its row of horarium_schedule_extra along
-- Safe: in the transaction of the delete
CREATE TRIGGER {trigger} AFTER DELETE ON {table} FOR EACH ROW
    DELETE FROM horarium_schedule_extra WHERE periodic_task_id = OLD.{row};
