-- Take a schedule whose record cannot be read out of those that may fire; the record stays for people to look at.
-- Parameters: name, version
-- Result: none
-- State: active -> not active
-- Safe: a version that has been saved since (and can be read) is left alone
UPDATE {schema}.schedules SET active = false WHERE name = %(name)s::text AND version = %(version)s::bigint
