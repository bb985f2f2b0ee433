-- What a schedule knows of its runs. See schema.sql for the meaning of the columns.
--
-- Messages that wait or are in hand get their nominal out of their document, where our encoder writes it right behind the
-- schedule. It is looked for as text: a document that cannot be read must not stop this.

ALTER TABLE {schema}.messages ADD COLUMN nominal bigint;

UPDATE {schema}.messages
SET nominal = substring(message FROM '"schedule":"(?:[^"\\]|\\.)*","nominal":([0-9]{1,18})[,}]')::bigint
WHERE schedule IS NOT NULL;

CREATE INDEX messages_schedule ON {schema}.messages (schedule) WHERE schedule IS NOT NULL;

ALTER TABLE {schema}.schedules
    ADD COLUMN skipped bigint NOT NULL DEFAULT 0,
    ADD COLUMN held boolean NOT NULL DEFAULT false,
    ADD COLUMN succeeded bigint,
    ADD COLUMN failures bigint NOT NULL DEFAULT 0,
    ADD COLUMN ended bigint;

DROP INDEX {schema}.schedules_due;
CREATE INDEX schedules_due ON {schema}.schedules (next_fire, name) WHERE active AND NOT held AND next_fire IS NOT NULL;
