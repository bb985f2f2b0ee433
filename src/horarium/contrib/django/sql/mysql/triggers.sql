-- List the triggers that there are.
-- Parameters: none
-- Result: the names of ours
-- State: unchanged
-- Safe: reads only
SELECT TRIGGER_NAME FROM information_schema.TRIGGERS
WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE 'horarium!_%' ESCAPE '!';
