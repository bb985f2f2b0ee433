-- What a schedule knows of its runs, and what of a schedule has not ended. See schema.sql for the meaning of the columns.

ALTER TABLE schedules ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN succeeded INTEGER;
ALTER TABLE schedules ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN ended INTEGER;

DROP INDEX schedules_due;
CREATE INDEX schedules_due ON schedules (next_fire) WHERE active = 1 AND held = 0 AND next_fire IS NOT NULL;

CREATE INDEX runs_active ON runs (schedule) WHERE phase < 2 AND schedule IS NOT NULL;
