-- List the triggers that there are.
-- Parameters: none
-- Result: the names of ours
-- State: unchanged
-- Safe: reads only
SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'horarium!_%' ESCAPE '!';
